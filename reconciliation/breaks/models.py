"""What was compared, the breaks that were found, and every step that was taken about them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.db import models
from django.db.models import Q

from accounts.models import Account, User
from foundation.decimals import text
from marketdata.models import Instrument
from portfolio.amounts import AmountField
from reconciliation.records import BreakType
from reconciliation.venue_statements.models import NAME_MAX, StatementFile
from risk.surveillance.models import SEVERITIES

BOOKS: Final = "our-books"
"""The source of breaks that our own books have with themselves."""


class Comparison(models.Model):
    """What one source and we said of a day, held against each other: how often, and what came.

    `is_final` says that the day was over. `counts` has of each matter how many there were, agreed,
    were explained and broken; of a bank also what both say is `held`, in USD. Made again, it is
    written over; its breaks keep their steps.
    """

    source = models.CharField(max_length=NAME_MAX)
    day = models.DateField()
    statement = models.ForeignKey(
        StatementFile, on_delete=models.PROTECT, null=True, related_name="comparisons"
    )
    is_final = models.BooleanField()
    at = models.DateTimeField()
    counts = models.JSONField()
    new = models.PositiveIntegerField()
    resolved = models.PositiveIntegerField(help_text="By a rule, or because they are gone.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["source", "day"], name="comparison_of_a_day"),
        )

    def __str__(self) -> str:
        return f"{self.source} of {self.day:%Y-%m-%d}"


class Break(models.Model):
    """Something on which we and another do not agree; the same for as long as it is found.

    `day` is the first day that it concerns, `found_on` the last for which it was found.
    `difference` is theirs less ours in `asset`, `cash` the same of a fill in USD, `value` what is
    at stake in USD. `rule` is the code of what resolved it: a rule, `gone`, `accepted`,
    `corrected`.
    """

    class State(models.TextChoices):
        OPEN = "open"
        ASSIGNED = "assigned"
        EXPLAINED = "explained", "explained, to be accepted"
        RESOLVING = "resolving", "resolving: a correction waits for a second person"
        RESOLVED = "resolved"
        AUTO_RESOLVED = "auto_resolved", "resolved by itself"

    source = models.CharField(max_length=NAME_MAX)
    key = models.CharField(max_length=160)
    type = models.CharField(max_length=13, choices=[(t.value, t.value) for t in BreakType])
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES)
    day = models.DateField()
    found_on = models.DateField()
    found_at = models.DateTimeField()
    state = models.CharField(max_length=13, choices=State, default=State.OPEN)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="breaks")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, null=True, related_name="+"
    )
    order_id = models.UUIDField(null=True)
    ours = models.JSONField()
    theirs = models.JSONField()
    asset = models.CharField(max_length=24)
    difference = AmountField(default=Decimal(0))
    cash = AmountField(default=Decimal(0))
    value = AmountField(default=Decimal(0))
    rule = models.CharField(max_length=40, blank=True, default="")
    assigned_to = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        limit_choices_to={"is_staff": True},
    )
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["source", "key"],
                condition=~Q(state__in=["resolved", "auto_resolved"]),
                name="break_open_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["resolved", "auto_resolved"], resolved_at__isnull=False)
                & ~Q(rule="")
                | (~Q(state__in=["resolved", "auto_resolved"]) & Q(resolved_at=None, rule="")),
                name="break_resolved_by_something",
            ),
        )
        indexes = (
            models.Index(
                fields=["-severity", "day"],
                condition=~Q(state__in=["resolved", "auto_resolved"]),
                name="break_queue",
            ),
            models.Index(fields=["source", "key", "-id"], name="break_latest"),
            models.Index(fields=["day"], name="break_by_day"),
        )

    def __str__(self) -> str:
        return f"{self.get_type_display().replace('_', ' ')}: {self.subject}"

    @property
    def is_open(self) -> bool:
        return self.state not in (self.State.RESOLVED, self.State.AUTO_RESOLVED)

    @property
    def subject(self) -> str:
        """Return what it is about, without the kind of its key."""
        return self.key.partition(":")[2]

    @property
    def apart(self) -> str:
        """Return the difference in words: `-10 AAPL`."""
        return f"{text(self.difference)} {self.asset}" if self.difference else "nothing"


class BreakStep(models.Model):
    """One thing that happened to a break, or that somebody did or wrote about it. Append-only."""

    class Kind(models.TextChoices):
        FOUND = "found"
        CHANGED = "changed"
        TAKEN = "taken"
        ASSIGNED = "assigned"
        NOTED = "noted"
        EXPLAINED = "explained"
        REFUSED = "refused"
        ACCEPTED = "accepted"
        ASKED = "asked", "correction asked for"
        CORRECTED = "corrected"
        WITHDRAWN = "withdrawn", "correction withdrawn"
        LAPSED = "lapsed", "correction not decided on in time"
        RESOLVED = "resolved", "resolved by itself"

    found = models.ForeignKey(Break, on_delete=models.PROTECT, related_name="steps", db_index=False)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=9, choices=Kind)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    note = models.CharField(max_length=1000, blank=True, default="")
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["found", "number"], name="break_step_once"),)
        ordering = ("found", "number")

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"
