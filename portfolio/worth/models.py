"""What accounts were worth in the course of a day."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from accounts.models import Account


class EquityPoint(models.Model):
    """What an account was worth at a moment, and all that had been paid in until then.

    A point says nothing new unless it differs from the one before it, so there is one only where
    something moved: until the next the account was worth the same. Points are kept for a month;
    of what is older the end of each day is left (`EquitySnapshot`).
    """

    pk = models.CompositePrimaryKey("account", "at")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    equity = models.DecimalField(max_digits=38, decimal_places=9)
    paid_in = models.DecimalField(max_digits=38, decimal_places=9)

    class Meta:
        # They come in the order of time, so that a block's range finds those that are too old.
        indexes = (BrinIndex(fields=["at"], name="equity_point_at"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.equity}"
