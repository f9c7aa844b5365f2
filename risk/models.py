"""Every decision with its inputs, and all that risk keeps besides."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Account
from risk.controls.models import ClockReading, FirmExposure, Switch  # noqa: F401 - found here, too
from risk.limits.models import Limits  # noqa: F401 - found here, too
from risk.margin.models import (  # noqa: F401 - found here, too
    LiquidationWave,
    Locate,
    MarginCall,
    MarginCallNote,
    MarginRate,
    MarginStatus,
)
from risk.surveillance.models import (  # noqa: F401 - found here, too
    Alert,
    AlertEvidence,
    AlertStep,
    Surveyed,
    Telling,
)


class Decision(models.Model):
    """What risk decided of an order, with everything it looked at. Append-only."""

    order_id = models.UUIDField(unique=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    at = models.DateTimeField()
    allowed = models.BooleanField()
    code = models.CharField(max_length=40, blank=True, help_text="Of the denial, if it is one.")
    message = models.CharField(max_length=300, blank=True)
    inputs = models.JSONField()

    def __str__(self) -> str:
        return "allowed" if self.allowed else f"denied: {self.code}"


class FirmMeasurement(models.Model):
    """What all customers together had at stake when it was last added up: one row, written over.

    It takes the longer the more customers there are, so a job does it (`risk.firm_measured`).
    """

    at = models.DateTimeField()
    seconds = models.FloatField(help_text="What adding it up took.")
    figures = models.JSONField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="firm_measurement_once"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"
