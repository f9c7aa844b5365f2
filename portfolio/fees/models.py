"""What trades are charged: the dated schedule of fees."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils import timezone

from marketdata.models import Instrument
from portfolio.amounts import AmountField


class FeeRule(models.Model):
    """One line of the schedule, in force from `valid_from` until a later one of its `name`.

    Append-only: to end a fee, add a line with nothing to pay; of two lines for one day the one
    that was added last counts. What is left empty is for every asset class, side or tier.
    """

    class Beneficiary(models.TextChoices):
        FEES = "fees", "the firm"
        REGULATORY = "regulatory", "regulators"

    class Side(models.TextChoices):
        BUY = "buy"
        SELL = "sell"

    name = models.CharField(max_length=30, help_text="commission, section_31, taf, ...")
    beneficiary = models.CharField(max_length=12, choices=Beneficiary)
    valid_from = models.DateField(help_text="The first trade date (New York) that it is for.")
    asset_class = models.CharField(
        max_length=12, choices=Instrument.AssetClass, null=True, blank=True
    )
    side = models.CharField(max_length=4, choices=Side, null=True, blank=True)
    tier = models.CharField(max_length=20, null=True, blank=True, help_text="Of the account.")
    per_order = AmountField(default=Decimal(0), help_text="USD, with the first fill.")
    per_unit = AmountField(default=Decimal(0), help_text="USD for each unit.")
    rate = AmountField(default=Decimal(0), help_text="Of the value: 0.0025 is 25 bp.")
    most = AmountField(null=True, blank=True, help_text="USD, for an order at most.")
    note = models.CharField(max_length=200, blank=True, help_text="Where it comes from.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=80, editable=False, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(per_order__gte=0) & Q(per_unit__gte=0) & Q(rate__gte=0, rate__lt=1),
                name="fee_rule_positive",
            ),
            # What a buy is charged is held for with its order, as one sum that goes to the firm.
            models.CheckConstraint(
                condition=Q(side="sell", side__isnull=False)
                | Q(beneficiary="fees", most__isnull=True),
                name="fee_rule_of_buys",
            ),
        )
        ordering = ("name", "valid_from", "pk")

    def __str__(self) -> str:
        return f"{self.name} from {self.valid_from}"
