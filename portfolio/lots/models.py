"""Tax lots, what was closed of them, and what else is said of them."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from marketdata.models import Instrument
from portfolio.amounts import AmountField


class Lot(models.Model):
    """What one fill opened, and what is left of it: negative if it was sold short.

    It was `opened_by` a trade, null for what was there before lots were kept. What is left is
    what was opened less its closings and plus its adjustments. `funds_settle_on` is the day on
    which the proceeds that paid for it settle, null when they had.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lots")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    number = models.PositiveIntegerField(help_text="Counts the lots of a position.")
    opened_by = models.UUIDField(null=True, db_index=True)
    acquired_at = models.DateTimeField()
    opened_quantity = AmountField()
    opened_cost = AmountField()
    quantity = AmountField()
    cost_basis = AmountField()
    funds_settle_on = models.DateField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["account", "instrument", "number"], name="lot_number_unique"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=0, cost_basis__gte=0)
                | Q(quantity__lte=0, cost_basis__lte=0),
                name="lot_of_one_sign",
            ),
        )
        indexes = (
            models.Index(
                fields=["account", "instrument"], condition=~Q(quantity=0), name="lot_open"
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of {self.opened_quantity}, lot {self.number}"


class LotClosing(models.Model):
    """What one trade, or a withdrawal of coins, closed of one lot. Append-only.

    `quantity`, `cost` and `proceeds` have the sign of the lot; `realised` is proceeds less cost.
    `undoes` is the closing that a bust took back. A correction is no sale: a bust took the lot
    away, or left two lots that were set off against each other, or it has left the house. The
    table has one more column, `booked`: the database numbers closings in the order of booking.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="closings")
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    closed_by = models.UUIDField(db_index=True, help_text="The trade, the bust, the withdrawal.")
    acquired_at = models.DateTimeField()
    closed_at = models.DateTimeField()
    quantity = AmountField()
    cost = AmountField()
    proceeds = AmountField()
    realised = AmountField()
    is_long_term = models.BooleanField()
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="undone_by"
    )
    is_correction = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(realised=F("proceeds") - F("cost")), name="lot_closing_adds_up"
            ),
        )
        indexes = (
            models.Index(fields=["account", "instrument", "closed_at"], name="lot_closing_of"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} for {self.proceeds}, cost {self.cost}"


class LotAdjustment(models.Model):
    """What changed a lot besides trades: a split, a return of capital. Append-only."""

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="adjustments")
    at = models.DateTimeField()
    reference = models.CharField(max_length=80, help_text="What it is for: action:ID.")
    quantity = AmountField(default=Decimal(0), help_text="What was added.")
    cost = AmountField(default=Decimal(0), help_text="What was added.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["lot", "reference"], name="lot_adjusted_once"),
        )

    def __str__(self) -> str:
        return f"{self.reference}: {self.quantity}, {self.cost}"


class WashSale(models.Model):
    """A loss that does not count for tax, as the same was bought again. Append-only.

    `disallowed` (positive, USD) of the loss of `closing` is added to the cost of `replacement`,
    for tax alone: nothing of the ledger, the lot or the position changes. `reverses` is one that
    no longer stands, because one of its trades was busted.
    """

    closing = models.ForeignKey(LotClosing, on_delete=models.PROTECT, related_name="wash_sales")
    replacement = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="wash_sales")
    found_at = models.DateTimeField()
    quantity = AmountField()
    disallowed = AmountField()
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(quantity__gt=0, disallowed__gte=0), name="wash_sale_positive"
            ),
            models.UniqueConstraint(
                fields=["closing", "replacement"],
                condition=Q(reverses__isnull=True),
                name="wash_sale_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.disallowed} of {self.closing_id}"


class GoodFaithViolation(models.Model):
    """What was bought with unsettled proceeds was sold before they settled. Append-only."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    order_id = models.UUIDField(help_text="The order that sold it.")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT)
    trade_id = models.UUIDField()
    at = models.DateTimeField()
    funds_settle_on = models.DateField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "order_id"], name="good_faith_once"),
        )
        indexes = (models.Index(fields=["account", "at"], name="good_faith_of"),)

    def __str__(self) -> str:
        return f"{self.order_id} before {self.funds_settle_on}"
