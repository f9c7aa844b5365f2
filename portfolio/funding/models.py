"""Money on its way in and out, and what margin debits cost."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Q

from accounts.models import Account
from portfolio.amounts import AmountField
from portfolio.funding.passage import Direction, State, Step


class Funding(models.Model):
    """A deposit or a withdrawal: money on its way between a bank and an account, in USD.

    What it is never changes; `state` is where its last step led.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="fundings")
    direction = models.CharField(max_length=10, choices=[(d.value, d.value) for d in Direction])
    amount = AmountField()
    reference = models.CharField(max_length=32, help_text="Its name, once in an account.")
    bank = models.CharField(
        max_length=240, blank=True, default="", help_text="From or to which bank account."
    )
    payee = models.ForeignKey(
        "portfolio.Payee", null=True, blank=True, on_delete=models.PROTECT, related_name="fundings"
    )
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in State])
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["account", "direction", "reference"], name="funding_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="funding_amount_positive"),
        )
        indexes = (
            models.Index(
                fields=["account"],
                condition=Q(state__in=["pending", "requested", "approved", "sent"]),
                name="funding_under_way",
            ),
            models.Index(fields=["state", "asked_at"], name="funding_queue"),
        )

    def __str__(self) -> str:
        return f"{self.direction} {self.amount:f} {self.reference}"


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
