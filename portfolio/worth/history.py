"""What was written down of an account's worth, and the money that moved meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Q

from marketdata import calendars
from portfolio.models import EquityPoint, EquitySnapshot, Transfer
from portfolio.worth.curve import NOTHING, Mark

FLOWS: Final = (
    "deposit", "withdrawal", "dividend", "interest", "correction", "fee", "cash_in_lieu", "merger",
)  # fmt: skip


def closes(account_id: UUID, *, start: datetime, end: datetime) -> list[Mark]:
    """Return the ends of days from `start` to `end`, and the last before, in order.

    Each is at the midnight that ended its day, however long after it was written down.
    """
    rows = EquitySnapshot.objects.filter(account_id=account_id)
    first, last = calendars.date_of(start), calendars.date_of(end)
    before = rows.filter(day__lt=first).order_by("-day")[:1]
    found = [*before, *rows.filter(day__gte=first, day__lte=last).order_by("day")]
    return [
        Mark(calendars.midnight(row.day + timedelta(days=1)), row.equity, row.paid_in)
        for row in found
    ]


def points(account_id: UUID, *, start: datetime, end: datetime) -> list[Mark]:
    """Return the points from `start` to `end`, and the last before, in order."""
    rows = EquityPoint.objects.filter(account_id=account_id)
    before = rows.filter(at__lt=start).order_by("-at")[:1]
    found = [*before, *rows.filter(at__gte=start, at__lte=end).order_by("at")]
    return [Mark(row.at, row.equity, row.paid_in) for row in found]


def marks(account_id: UUID, *, start: datetime, end: datetime, is_intraday: bool) -> list[Mark]:
    """Return all that was written down from `start` to `end`, and the last before, in order."""
    found = closes(account_id, start=start, end=end)
    if is_intraday:
        found += points(account_id, start=start, end=end)
    return sorted(found, key=lambda mark: mark.at)


def base_of(found: list[Mark], start: datetime) -> Mark:
    """Return the last of these marks before or at `start`: what profit is counted from."""
    return next((mark for mark in reversed(found) if mark.at <= start), NOTHING)


def flows(
    account_id: UUID, *, start: datetime, end: datetime
) -> list[tuple[datetime, str, Decimal]]:
    """Return when money of FLOWS' kinds came in (or, negative, left) after `start` until `end`.

    What takes back such a transfer is of its kind.
    """
    own = {"owner_id": account_id, "kind": "customer", "asset": "USD"}
    kinds = Q(kind__in=FLOWS) | Q(kind="reversal", reverses__kind__in=FLOWS)
    found = []
    for side, sign in (("credit", 1), ("debit", -1)):
        rows = Transfer.objects.filter(
            kinds, **{f"{side}__{key}": value for key, value in own.items()}
        ).filter(at__gt=start, at__lte=end)
        for at, kind, reversed_kind, amount in rows.values_list(
            "at", "kind", "reverses__kind", "amount"
        ):
            found.append((at, reversed_kind or kind, sign * amount))
    return sorted(found)
