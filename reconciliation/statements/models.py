"""Statements that were made, what they were made of besides the ledger, and legal holds."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Account, User
from marketdata.models import PriceField
from reconciliation.statements.periods import Kind


class Statement(models.Model):
    """A statement of one account for the days from `first` to `last`. Append-only.

    What it says is not kept: it is made again from the ledger, to the byte, whatever was booked
    since. `through` is the transfer up to which the ledger had been booked when it was made, and
    `before` that of the statement before; for a tax report, `closings` and `washes` are the same of
    closings of lots and of wash sales.
    `said` are facts that change elsewhere, as they were. `digest` is the SHA-256 of its CSV.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="statements", db_index=False
    )
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kind])
    first = models.DateField()
    last = models.DateField()
    revision = models.PositiveSmallIntegerField(default=1)
    layout = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=40, unique=True)
    before = models.BigIntegerField()
    through = models.BigIntegerField()
    closings = models.BigIntegerField(default=0)
    washes = models.BigIntegerField(default=0)
    said = models.JSONField()
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="Of its CSV, in bytes.")
    made_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["account", "kind", "last", "revision"], name="statement_once"
            ),
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="statement_in_order"),
        )
        indexes = (
            models.Index(fields=["account", "-last"], name="statement_of"),
            models.Index(fields=["last"], name="statement_by_age"),
        )

    def __str__(self) -> str:
        return self.number


class StatementDay(models.Model):
    """A day whose statements were all made. Append-only.

    `through` is the last transfer that was seen before the first of them was made.
    """

    day = models.DateField(primary_key=True)
    through = models.BigIntegerField()
    statements = models.PositiveIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.day}"


class ClosingMark(models.Model):
    """What an instrument was called, and worth, when a day ended, as statements say it.

    Append-only: symbols change and prices are restated, statements are not. `price` is null where
    nobody had said one.
    """

    day = models.DateField()
    code = models.CharField(max_length=24)
    symbol = models.CharField(max_length=24)
    name = models.CharField(max_length=120)
    price = PriceField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["day", "code"], name="closing_mark_once"),)

    def __str__(self) -> str:
        return f"{self.day} {self.symbol}"


class LegalHold(models.Model):
    """Nothing of the account is thrown away or taken out of the tables until this ends.

    Append-only. One person places it; it ends on its day, or when two have agreed to.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="legal_holds")
    reason = models.CharField(max_length=300)
    until = models.DateField(
        null=True, blank=True, help_text="Its last day; empty: until released."
    )
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account}: {self.reason}"


class LegalHoldRelease(models.Model):
    """The end of a legal hold: asked for by one person, agreed to by another. Append-only."""

    hold = models.OneToOneField(
        LegalHold, on_delete=models.PROTECT, primary_key=True, related_name="release"
    )
    reason = models.CharField(max_length=300)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agreed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(asked_by=F("agreed_by")), name="legal_hold_released_by_two"
            ),
        )

    def __str__(self) -> str:
        return f"{self.hold_id} released"


class ArchivedStatements(models.Model):
    """A file of statements that are out of the table: proved to read back before. Append-only.

    `number` is the file's, of those of its month. `digest` is the SHA-256 of the whole file.
    """

    month = models.DateField(help_text="In which their periods end: its first day.")
    number = models.PositiveSmallIntegerField()
    file = models.CharField(max_length=80, unique=True)
    statements = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["month", "number"], name="archived_statements_once"),
        )

    def __str__(self) -> str:
        return self.file
