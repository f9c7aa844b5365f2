"""The partitions of what is kept by time: made ahead, listed, and dropped when they are over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import connection, transaction

from marketdata import store

DAYS_AHEAD: Final = 7
"""What comes later still, because nobody has made partitions for a week, waits for its own."""

DAY: Final = timedelta(days=1)


class Kind(StrEnum):
    """What has a partition for each day (UTC)."""

    TRADES = "tapetrade"
    QUOTES = "tapequote"


def make_ahead(*, now: datetime, kinds: Iterable[Kind] = tuple(Kind)) -> int:
    """Make the partitions of today and of the days to come that are missing; return how many."""
    today = now.astimezone(UTC).date()
    days = [today + number * DAY for number in range(DAYS_AHEAD + 1)]
    wanted = [(kind, day) for kind in kinds for day in days]
    there = {(kind, day) for kind in kinds for day in made(kind)}
    missing = [each for each in wanted if each not in there]
    if not missing:
        return 0
    with transaction.atomic():
        store.take_turn()  # nobody writes ticks while those that wait move to their partition
        return sum(_make(kind, day) for kind, day in missing)


def _make(kind: Kind, day: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT openfloor_make_part(%s, %s, %s)", [kind.value, day, day + DAY])
        return bool(cursor.fetchone()[0])


def made(kind: Kind) -> list[date]:
    """Return the days that have a partition, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT to_date(right(part.relname, 8), 'YYYYMMDD')
              FROM pg_inherits
              JOIN pg_class part ON part.oid = inhrelid
             WHERE inhparent = %s::regclass AND part.relname ~ '_[0-9]{8}$'
             ORDER BY 1
            """,
            [f"marketdata_{kind.value}"],
        )
        return [day for (day,) in cursor.fetchall()]


def drop(kind: Kind, day: date) -> bool:
    """Drop the partition of a day with all that is in it; tell whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT openfloor_drop_part(%s, %s)", [kind.value, day])
        return bool(cursor.fetchone()[0])
