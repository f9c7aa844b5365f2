"""Whom an account may pay out to, and how much of a day."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from accounts.models import Account
from portfolio.amounts import AmountField
from portfolio.payees.destinations import NAMED_BY, Destination, Kind


class Payee(models.Model):
    """A bank account or address that an account may pay out to, from `usable_at` until removed.

    What it is never changes: another number is another payee, with its own waiting time.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="payees")
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in Kind])
    holder = models.CharField(max_length=120)
    numbers = models.JSONField(
        help_text="As its kind has them: routing and account number, IBAN, network and address."
    )
    fingerprint = models.CharField(max_length=64, editable=False)
    label = models.CharField(max_length=60, blank=True, default="")
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=80)
    usable_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    removed_by = models.CharField(max_length=80, blank=True, default="")

    history = HistoricalRecords()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["account", "fingerprint"],
                condition=Q(removed_at=None),
                name="payee_once",
            ),
        )
        indexes = (models.Index(fields=["fingerprint"], name="payee_same"),)

    def __str__(self) -> str:
        return self.label or self.destination.masked

    @property
    def destination(self) -> Destination:
        return Destination(Kind(self.kind), self.holder, self.numbers)

    def waits(self, *, now: datetime) -> bool:
        """Tell whether it is still too new to be paid."""
        return now < self.usable_at

    @staticmethod
    def fingerprint_of(destination: Destination) -> str:
        """Return what is the same for the same bank account or address, whoever names it."""
        numbers = "/".join(
            f"{name}={destination.numbers[name]}" for name in sorted(NAMED_BY[destination.kind])
        )
        return hashlib.sha256(f"{destination.kind}:{numbers}".encode()).hexdigest()


class DailyLimit(models.Model):
    """What may leave an account on a day, in USD, as its customer has chosen. Append-only.

    The last one whose `holds_from` has come counts.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    amount = AmountField()
    holds_from = models.DateTimeField()
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=80)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gte=0), name="daily_limit_not_negative"),
        )
        indexes = (models.Index(fields=["account", "-id"], name="daily_limit_of"),)

    def __str__(self) -> str:
        return f"{self.amount:f} from {self.holds_from:%Y-%m-%d %H:%M}"


class CancelLink(models.Model):
    """What a letter carries so that whoever reads it can stop a payee or a payment. Once.

    Only the SHA-256 of its token is kept. It opens nothing and moves no money out.
    """

    token_digest = models.CharField(max_length=64, primary_key=True)
    payee = models.ForeignKey(Payee, null=True, on_delete=models.PROTECT, related_name="+")
    funding = models.ForeignKey(
        "portfolio.Funding", null=True, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(payee=None) ^ Q(funding=None), name="cancel_link_of_one"
            ),
        )

    def __str__(self) -> str:
        return f"cancels {self.payee or self.funding}"
