"""What stops trading, what the firm has at stake, and how right our clocks are."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from accounts.models import Account
from marketdata.models import Instrument
from portfolio.models import AmountField


class Switch(models.Model):
    """Something that a person or a rule has stopped, until two people allow it again.

    What is set of order, account, instrument and venue names the scope, all of it together; with
    none of them it is the firm. `code` is what orders are denied with.
    """

    class Effect(models.TextChoices):
        CLOSING_ONLY = "closing_only", "Positions may only be reduced"
        HALT = "halt", "No new orders; what rests stays"
        KILL = "kill", "No new orders; everything open is cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    effect = models.CharField(max_length=12, choices=Effect)
    code = models.CharField(max_length=40, editable=False)
    order_id = models.UUIDField(null=True, blank=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, null=True, blank=True)
    venue = models.CharField(max_length=24, blank=True, default="")
    reason = models.CharField(max_length=300)
    engaged_by = models.CharField(max_length=80, editable=False)
    engaged_at = models.DateTimeField(editable=False)
    released_by = models.CharField(max_length=170, blank=True, default="", editable=False)
    released_at = models.DateTimeField(null=True, blank=True, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ("-engaged_at",)
        verbose_name_plural = "switches"
        indexes = (
            models.Index(
                fields=["engaged_at"], condition=Q(released_at=None), name="switch_engaged"
            ),
        )

    def __str__(self) -> str:
        return f"{self.effect} of {self.scope}"

    @property
    def scope(self) -> str:
        """Return what is stopped, in words."""
        parts = [
            f"order {self.order_id}" if self.order_id else "",
            f"account {self.account}" if self.account else "",
            f"{self.instrument}" if self.instrument else "",
            f"venue {self.venue}" if self.venue else "",
        ]
        return " in ".join(part for part in parts if part) or "the firm"


class FirmExposure(models.Model):
    """What all customers' open buys may cost, as of `at`: one row, written every second."""

    open_buys = AmountField(default=Decimal(0))
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.open_buys} USD open to buy"


class ClockReading(models.Model):
    """By how much the clock of a host was off when it was last measured, by one source."""

    host = models.CharField(max_length=80)
    source = models.CharField(max_length=20)
    offset_ms = models.FloatField(help_text="Positive: our clock is ahead.")
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["host", "source"], name="clock_reading_once"),
        )

    def __str__(self) -> str:
        return f"{self.host} is off by {self.offset_ms:.1f} ms ({self.source})"
