"""The partitions of what is kept by time: made ahead, listed, and dropped when they are over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import connection, transaction

from marketdata import store

DAYS_AHEAD: Final = 7
"""What comes later still, because nobody has made partitions for a week, waits for its own."""

DAY: Final = timedelta(days=1)


class Kind(StrEnum):
    """What has partitions: trades and quotes one for each day, minute bars for each month (UTC)."""

    TRADES = "tapetrade"
    QUOTES = "tapequote"
    MINUTES = "minutebar"


_TABLES: Final = {
    Kind.TRADES: "marketdata_tapetrade",
    Kind.QUOTES: "marketdata_tapequote",
    Kind.MINUTES: "minutebar",
}


def begin_of(kind: Kind, day: date) -> date:
    """Return the first day of the partition that `day` lies in."""
    return day.replace(day=1) if kind is Kind.MINUTES else day


def end_of(kind: Kind, first: date) -> date:
    """Return the first day after the partition that begins on `first`."""
    if kind is Kind.MINUTES:
        return (first.replace(day=28) + 4 * DAY).replace(day=1)
    return first + DAY


def make_ahead(*, now: datetime) -> int:
    """Make the partitions of today and of the days to come that are missing; return how many."""
    today = now.astimezone(UTC).date()
    days = [today + number * DAY for number in range(DAYS_AHEAD + 1)]
    missing = []
    for kind in Kind:
        wanted = {begin_of(kind, day) for day in days}
        missing += [(kind, first) for first in sorted(wanted - set(made(kind)))]
    if not missing:
        return 0
    with transaction.atomic():
        store.take_turn()  # nobody writes ticks while those that wait move to their partition
        return sum(_make(kind, first) for kind, first in missing)


def _make(kind: Kind, first: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT openfloor_make_part(%s, %s, %s)", [kind.value, first, end_of(kind, first)]
        )
        return bool(cursor.fetchone()[0])


def made(kind: Kind) -> list[date]:
    """Return the first days of the partitions that there are, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT to_date(right(part.relname, 8), 'YYYYMMDD')
              FROM pg_inherits
              JOIN pg_class part ON part.oid = inhrelid
              JOIN pg_class whole ON whole.oid = inhparent
             WHERE whole.relname = %s AND part.relname ~ '_[0-9]{8}$'
             ORDER BY 1
            """,
            [_TABLES[kind]],
        )
        return [day for (day,) in cursor.fetchall()]


def drop(kind: Kind, first: date) -> bool:
    """Drop the partition that begins on `first` and all in it; tell whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT openfloor_drop_part(%s, %s)", [kind.value, first])
        return bool(cursor.fetchone()[0])
