"""Corporate actions as they were announced, and what each account got of them."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Account, User
from marketdata.models import Instrument
from portfolio.amounts import AmountField


class CorporateAction(models.Model):
    """What an issuer has announced. What it says never changes; `state` is where its last step led.

    Which terms a kind has is in `portfolio.actions.announcements`. `new_shares` for `old_shares` of
    a split are of the instrument itself; of a merger or spin-off they are of `into`.
    """

    class Kind(models.TextChoices):
        CASH_DIVIDEND = "cash_dividend", "cash dividend"
        SPLIT = "split", "split or reverse split"
        SYMBOL_CHANGE = "symbol_change", "symbol change"
        MERGER = "merger", "merger"
        SPIN_OFF = "spin_off", "spin-off"

    class State(models.TextChoices):
        ANNOUNCED = "announced", "announced: a second person has to approve it"
        APPROVED = "approved", "approved"
        WITHDRAWN = "withdrawn", "withdrawn"
        ENTITLED = "entitled", "every account has its entitlement"
        DONE = "done", "done"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(
        max_length=60, unique=True, help_text="Its own name for ever: AAPL split 2020-08-31."
    )
    kind = models.CharField(max_length=14, choices=Kind)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    ex_date = models.DateField(help_text="The first day on which it trades without.")
    pay_date = models.DateField(null=True, blank=True, help_text="Of a dividend.")
    cash = AmountField(default=Decimal(0), help_text="USD for each share.")
    new_shares = models.PositiveIntegerField(default=0)
    old_shares = models.PositiveIntegerField(default=1)
    into = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    price = AmountField(
        default=Decimal(0), help_text="USD for a whole new share: what fractions are paid at."
    )
    cost_share = models.DecimalField(
        max_digits=9, decimal_places=8, default=Decimal(0), help_text="Of the cost, to a spin-off."
    )
    symbol = models.CharField(max_length=24, blank=True, default="", help_text="The new symbol.")
    source = models.CharField(max_length=200, help_text="Where it was announced.")
    state = models.CharField(max_length=10, choices=State, default=State.ANNOUNCED)
    announced_at = models.DateTimeField()
    announced_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(old_shares__gt=0) & Q(cash__gte=0) & Q(price__gte=0),
                name="corporate_action_terms",
            ),
            models.CheckConstraint(
                condition=~Q(into=F("instrument")), name="corporate_action_of_two"
            ),
        )
        ordering = ("-ex_date", "reference")

    def __str__(self) -> str:
        return self.reference


class CorporateActionStep(models.Model):
    """One step of a corporate action: announced, approved, carried out. Append-only."""

    action = models.ForeignKey(CorporateAction, on_delete=models.PROTECT, related_name="steps")
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=CorporateAction.State)
    detail = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("action", "id")

    def __str__(self) -> str:
        return self.state


class Entitlement(models.Model):
    """What an action made of one account's holding, once for each. Append-only.

    Quantities and costs are those of the position before and after; negative where it is short.
    `other_quantity` and `other_cost` came of another instrument. `cash` is for the shares and
    `in_lieu` for the `fraction` of one, both negative where the account owed it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    action = models.ForeignKey(
        CorporateAction, on_delete=models.PROTECT, related_name="entitlements"
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    quantity_before = AmountField()
    quantity_after = AmountField()
    cost_before = AmountField()
    cost_after = AmountField()
    other_quantity = AmountField(default=Decimal(0))
    other_cost = AmountField(default=Decimal(0))
    cash = AmountField(default=Decimal(0))
    in_lieu = AmountField(default=Decimal(0))
    fraction = AmountField(default=Decimal(0))
    realised = AmountField(default=Decimal(0))
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["action", "account"], name="entitlement_once"),
        )

    def __str__(self) -> str:
        return f"{self.action_id} {self.account_id}"


class EntitledLot(models.Model):
    """What an entitlement made of one lot: what it had before and after. Append-only.

    A lot that came of another instrument has nothing before. `lot_id` is null while a position
    was kept without lots.
    """

    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="lots")
    lot_id = models.UUIDField(null=True)
    quantity_before = AmountField()
    quantity_after = AmountField()
    cost_before = AmountField()
    cost_after = AmountField()
    realised = AmountField(default=Decimal(0))

    def __str__(self) -> str:
        return f"{self.lot_id}: {self.quantity_before} to {self.quantity_after}"
