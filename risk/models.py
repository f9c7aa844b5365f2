"""The limits that an order is held against, and every decision with its inputs."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from accounts.models import Account
from portfolio.models import AmountField
from risk.alert_models import Alert, AlertEvidence, AlertStep, Surveyed  # noqa: F401
from risk.margin_models import (  # noqa: F401
    LiquidationWave,
    Locate,
    MarginCall,
    MarginCallNote,
    MarginRate,
    MarginStatus,
)


class Limits(models.Model):
    """The limits of one account, or of everybody who has none of their own (`account` null)."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, null=True, blank=True)
    order_quantity_max = AmountField(default=Decimal(100_000))
    order_value_max = AmountField(default=Decimal(1_000_000), help_text="USD")
    position_value_max = AmountField(default=Decimal(2_000_000), help_text="USD, per instrument")
    market_buffer = models.DecimalField(
        max_digits=6,
        decimal_places=4,
        default=Decimal("0.03"),
        help_text="How far beyond the far quote a market order is held for, and may execute.",
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "limits"
        constraints = (
            models.UniqueConstraint(fields=["account"], nulls_distinct=False, name="limits_once"),
            models.CheckConstraint(
                condition=Q(market_buffer__gte=0) & Q(market_buffer__lt=1),
                name="limits_buffer",
            ),
        )

    def __str__(self) -> str:
        return f"limits of {self.account or 'everybody'}"


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
