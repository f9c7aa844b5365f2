"""Money on its way in and out, and what margin debits cost."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from foundation import decimals
from foundation.decimals import CASH
from portfolio.amounts import AmountField
from portfolio.funding.passage import Direction, State, Step
from portfolio.payees.networks import coin_of


class Funding(models.Model):
    """A deposit or a withdrawal: money or coins on their way between the outside and an account.

    What it is never changes; `state` is where its last step led. `asset` is USD or the code of a
    coin's pair. Of coins, `fee` of the same asset is taken beside the amount and goes to the
    network, and `value` is what both were worth in USD when they were asked for; of cash it is
    the amount. `transaction` is how the custodian calls a payment on its network, once it knows.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="fundings")
    direction = models.CharField(max_length=10, choices=[(d.value, d.value) for d in Direction])
    asset = models.CharField(max_length=24, default=CASH)
    amount = AmountField()
    fee = AmountField(default=Decimal(0), help_text="Of the same asset, beside the amount.")
    value = AmountField(help_text="USD.")
    reference = models.CharField(max_length=32, help_text="Its name, once in an account.")
    bank = models.CharField(
        max_length=300, blank=True, default="", help_text="From or to which bank account, address."
    )
    transaction = models.CharField(max_length=120, blank=True, default="")
    payee = models.ForeignKey(
        "portfolio.Payee", null=True, blank=True, on_delete=models.PROTECT, related_name="fundings"
    )
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in State])
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()
    followed_at = models.DateTimeField(
        null=True, editable=False, help_text="When it last had its turn with the custodian."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["account", "direction", "reference"], name="funding_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="funding_amount_positive"),
            models.CheckConstraint(
                condition=Q(asset=CASH, fee=0, value=F("amount"))
                | (~Q(asset=CASH) & Q(fee__gte=0, value__gt=0, direction="withdrawal")),
                name="funding_value_positive",
            ),
        )
        indexes = (
            models.Index(
                fields=["account"],
                condition=Q(state__in=["pending", "requested", "approved", "sent"]),
                name="funding_under_way",
            ),
            models.Index(fields=["state", "asked_at"], name="funding_queue"),
            # Coins that left are counted with what they were worth, among all the cash.
            models.Index(fields=["account"], condition=~Q(asset=CASH), name="funding_of_coins"),
        )

    def __str__(self) -> str:
        return f"{self.direction} {self.text} {self.reference}"

    @property
    def total(self) -> Decimal:
        """What leaves or comes in all, the fee with it."""
        total: Decimal = self.amount + self.fee
        return total

    @property
    def coin(self) -> str:
        """What people call the asset: USD, BTC."""
        return coin_of(self.asset)

    @property
    def text(self) -> str:
        """The amount with its unit: 1,250.50 USD, 0.5 BTC."""
        return told(self.amount, self.asset)

    @property
    def fee_text(self) -> str:
        return told(self.fee, self.asset) if self.fee else ""


def told(amount: Decimal, asset: str) -> str:
    """Return an amount of cash or coins as people read it."""
    if asset == CASH:
        return f"{amount:,.2f} {CASH}"
    return f"{decimals.text(amount)} {coin_of(asset)}"


class FundingStep(models.Model):
    """One step of a deposit or withdrawal. Append-only. `number` counts from one, the asking.

    `owed` is by how much the account was short because a deposit came back.
    """

    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveSmallIntegerField()
    step = models.CharField(
        max_length=8, blank=True, choices=[(s.value, s.value) for s in Step], default=""
    )
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in State])
    owed = AmountField(default=Decimal(0))
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["funding", "number"], name="funding_step_once"),
        )
        ordering = ("funding", "number")

    def __str__(self) -> str:
        return f"{self.number} {self.state}"


class InterestRate(models.Model):
    """What a margin debit costs a year, from a day on: 0.08 is 8 %. Append-only.

    Of two rows for one day the later one counts.
    """

    starts_on = models.DateField()
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    reason = models.CharField(max_length=200)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.CharField(max_length=80)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(rate__gte=0) & Q(rate__lt=1), name="interest_rate_sane"
            ),
        )
        ordering = ("-starts_on", "-id")

    def __str__(self) -> str:
        return f"{self.rate.normalize():f} from {self.starts_on}"


class InterestDay(models.Model):
    """A day whose debits were looked at, so that one which was missed is found. Append-only."""

    day = models.DateField(primary_key=True)
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    accounts = models.PositiveIntegerField(help_text="How many owed something.")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.day}"


class InterestAccrual(models.Model):
    """What one day of a margin debit costs, exact to nine decimals. Append-only."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    day = models.DateField()
    debit = AmountField()
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    amount = AmountField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "day"], name="interest_accrual_once"),
        )
        indexes = (models.Index(fields=["day"], name="interest_accrual_day"),)

    def __str__(self) -> str:
        return f"{self.day} {self.amount:f}"
