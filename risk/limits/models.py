"""The limits that orders are held against: each change is a row, and none is ever edited."""

from __future__ import annotations

from typing import Any, Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument
from portfolio.models import AmountField
from risk.limits.precedence import NAMES


class _PartField(models.DecimalField):  # type: ignore[type-arg]
    """A part of something: 0.25 is a quarter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{"max_digits": 10, "decimal_places": 4, "null": True, "blank": True, **options}
        )


_OPEN: Final[dict[str, Any]] = {"null": True, "blank": True}


class Limits(models.Model):
    """What holds for a scope from `valid_from` until `valid_until`, or until the next row of it.

    The scope is an account, a tier of accounts or, with neither, the firm, each in all instruments
    or in one. A limit that is left out is none of this scope's own. Which of several hold, see
    `risk.limits`. An override ends by itself and goes before the other rows of its scope.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True)
    tier = models.CharField(max_length=20, blank=True, default="")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, null=True, blank=True)
    is_override = models.BooleanField(default=False)
    order_quantity_max = AmountField(**_OPEN)
    order_value_max = AmountField(**_OPEN, help_text="USD")
    order_volume_max = _PartField(help_text="Of the average day's volume.")
    position_quantity_max = AmountField(**_OPEN)
    position_value_max = AmountField(**_OPEN, help_text="USD, per instrument, long or short.")
    gross_exposure_max = AmountField(**_OPEN, help_text="USD, all positions and opening orders.")
    price_collar = _PartField(help_text="How much worse than the market a limit may be.")
    price_distance_max = _PartField(help_text="How much better than the market a limit may be.")
    market_buffer = _PartField(
        help_text="How far beyond the far quote a market order is held for, and may execute."
    )
    open_orders_max = models.PositiveIntegerField(**_OPEN)
    messages_per_second_max = models.PositiveIntegerField(**_OPEN)
    messages_per_minute_max = models.PositiveIntegerField(**_OPEN)
    executions_per_minute_max = models.PositiveIntegerField(
        **_OPEN, help_text="In one instrument; more of them stop the account in it."
    )
    firm_open_buys_max = AmountField(**_OPEN, help_text="USD, of all customers together.")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField(null=True, blank=True)
    set_at = models.DateTimeField(default=timezone.now, editable=False)
    set_by = models.CharField(max_length=80, editable=False, default="")
    approved_by = models.CharField(max_length=80, editable=False, blank=True, default="")
    reason = models.CharField(max_length=300, default="")

    class Meta:
        verbose_name_plural = "limits"
        constraints = (
            models.CheckConstraint(
                condition=Q(market_buffer__isnull=True)
                | Q(market_buffer__gte=0) & Q(market_buffer__lt=1),
                name="limits_buffer",
            ),
            models.CheckConstraint(
                condition=Q(account=None) | Q(tier=""), name="limits_of_one_scope"
            ),
            models.CheckConstraint(
                condition=Q(is_override=False) | Q(valid_until__isnull=False) & ~Q(approved_by=""),
                name="limits_override_ends",
            ),
        )
        indexes = (
            models.Index(
                fields=["account", "tier", "instrument", "is_override", "-valid_from", "-id"],
                name="limits_by_scope",
            ),
        )

    def __str__(self) -> str:
        return f"limits of {self.scope}"

    @property
    def scope(self) -> str:
        """Return whom they are for, in words."""
        whom = str(self.account) if self.account else f"tier {self.tier}" if self.tier else "firm"
        return f"{whom} in {self.instrument}" if self.instrument else whom

    @property
    def values(self) -> dict[str, Any]:
        """Return the limits that the row sets, by name."""
        named = {name: getattr(self, name) for name in NAMES}
        return {name: value for name, value in named.items() if value is not None}
