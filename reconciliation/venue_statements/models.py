"""Who tells us of our business from outside, and what they told, as it came."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

NAME_MAX: Final = 24


class StatementSource(models.Model):
    """A venue, custodian or bank that sends statements. The embedded exchange needs no row.

    `venue` is whose executions and orders it tells of, of a bank nobody's; `account` what it calls
    our account, which its files must name.
    """

    class Kind(models.TextChoices):
        VENUE = "venue", "venue: trades and open orders"
        CUSTODIAN = "custodian", "custodian: trades, positions and cash"
        BANK = "bank", "bank: lines and balances"

    name = models.CharField(max_length=NAME_MAX, unique=True)
    kind = models.CharField(max_length=9, choices=Kind)
    venue = models.CharField(max_length=NAME_MAX, blank=True, default="")
    account = models.CharField(max_length=40, blank=True, default="")
    is_expected = models.BooleanField(
        default=True, help_text="Every day on which the market opens; a missing one is a break."
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="bank", venue="") | (~Q(kind="bank") & ~Q(venue="")),
                name="statement_source_venue",
                violation_error_message="All but a bank tell of the orders of one venue.",
            ),
        )

    def __str__(self) -> str:
        return self.name


class StatementFile(models.Model):
    """What somebody told us of a day, to the byte. Append-only; of a day the latest counts.

    What is sent again after another is another row: who sends A, then B, then A means A.
    `made_at` is when they say that they made it, None where they do not.
    """

    source = models.CharField(max_length=NAME_MAX)
    day = models.DateField()
    format = models.CharField(max_length=16)
    file_name = models.CharField(max_length=120, blank=True, default="")
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    made_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField()
    taken_by = models.CharField(max_length=80)

    class Meta:
        indexes = (models.Index(fields=["source", "day", "-id"], name="statement_file_latest"),)

    def __str__(self) -> str:
        return f"{self.source} of {self.day:%Y-%m-%d}"
