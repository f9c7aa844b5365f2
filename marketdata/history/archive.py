"""Old ticks out of the tables and into files, a day (UTC) at a time, and read from there again.

A file is written under another name, made to last, and only then given its own; then, in one
transaction, it is noted in `ArchivedTicks` and its rows are dropped. Whatever dies in between
leaves either the rows, and a file that nobody has heard of and the next run writes over, or the
note and the file. Prices are exact: decimals of the width of the columns. Rows are in the order
of the tables' key, so that a reader takes up few of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import structlog
from django.conf import settings
from django.db import connection, transaction

from foundation import failpoints
from marketdata import store
from marketdata.history import partitions
from marketdata.history.models import ArchivedTicks
from marketdata.history.partitions import Kind
from marketdata.history.records import Print, Sides, Span

log = structlog.get_logger(__name__)

DAYS_MAX: Final = 40
"""So many days of each kind one run archives; the next one goes on."""
UNFINISHED_SECONDS_MAX: Final = 86_400
ROWS_AT_ONCE: Final = 50_000
LOCK_WAIT: Final = "2s"  # for readers of what is dropped; who comes after them waits as long

COLUMNS: Final = {
    Kind.TRADES: ("instrument_id", *(each.name for each in fields(Print))),
    Kind.QUOTES: ("instrument_id", *(each.name for each in fields(Sides))),
}
"""Of a file's rows, in this order; also those of the tables."""

Record = TypeVar("Record", Print, Sides)


def archive(kind: Kind, *, before: date, now: datetime) -> int:
    """Archive the ticks of days before `before`, oldest first; return how many days were."""
    _clean_up(now)
    days = _days(kind, before)[:DAYS_MAX]
    for day in days:
        _archive_day(kind, day, now)
    return len(days)


def drop(*, before: date) -> int:
    """Drop files of days before `before` for good; return how many."""
    old = list(ArchivedTicks.objects.filter(day__lt=before))
    for each in old:
        each.delete()  # first: a file without a note is litter, a note without a file a gap
        (folder() / each.file).unlink(missing_ok=True)
    return len(old)


def folder() -> Path:
    """Return where the files lie: a place that every machine of the installation sees."""
    return Path(settings.ARCHIVE)


def _clean_up(now: datetime) -> None:
    """Remove what runs have begun that were killed, long after any could be at work still."""
    for unfinished in folder().glob("*.tmp"):
        if unfinished.stat().st_mtime < now.timestamp() - UNFINISHED_SECONDS_MAX:
            unfinished.unlink(missing_ok=True)


def _days(kind: Kind, before: date) -> list[date]:
    """Return the days that have rows or a partition."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS[kind], [_begin(before)])
        with_rows = {day for (day,) in cursor.fetchall()}
    return sorted(with_rows | {day for day in partitions.made(kind) if day < before})


def _archive_day(kind: Kind, day: date, now: datetime) -> None:
    part = ArchivedTicks.objects.filter(kind=kind.value, day=day).count() + 1
    name = f"{kind.value}-{day:%Y-%m-%d}-{part}.parquet"
    seen = _rows_of(kind, day)
    written = _write(kind, day, folder() / name) if seen.rows else 0
    failpoints.reach("archive.written")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        store.take_turn()
        if _rows_of(kind, day) != seen or written != seen.rows:
            # Told late, or another run was faster: the next one looks again.
            log.info("ticks_changed_while_archived", kind=kind.value, day=str(day))
            return
        if seen.rows:
            ArchivedTicks.objects.create(
                kind=kind.value, day=day, part=part, rows=seen.rows, file=name, at=now
            )
        if not partitions.drop(kind, day):
            cursor.execute(_DELETE[kind], [_begin(day), _begin(day + partitions.DAY)])
    failpoints.reach("archive.dropped")


class _Seen(NamedTuple):
    """How many rows a day has, and the latest of their numbers."""

    rows: int
    latest: int | None


_DAYS: Final = {
    kind: f"SELECT DISTINCT (at AT TIME ZONE 'UTC')::date FROM marketdata_{kind.value}"  # noqa: S608
    " WHERE at < %s"
    for kind in COLUMNS
}
_SEEN: Final = {
    kind: f"SELECT count(*), max(number) FROM marketdata_{kind.value}"  # noqa: S608 - constants
    " WHERE at >= %s AND at < %s"
    for kind in COLUMNS
}
_ROWS: Final = {
    kind: f"SELECT {', '.join(columns)} FROM marketdata_{kind.value}"  # noqa: S608 - constants
    " WHERE at >= %s AND at < %s ORDER BY instrument_id, at, number"
    for kind, columns in COLUMNS.items()
}
_DELETE: Final = {
    kind: f"DELETE FROM marketdata_{kind.value} WHERE at >= %s AND at < %s"  # noqa: S608
    for kind in COLUMNS
}


def _rows_of(kind: Kind, day: date) -> _Seen:
    with connection.cursor() as cursor:
        cursor.execute(_SEEN[kind], [_begin(day), _begin(day + partitions.DAY)])
        return _Seen(*cursor.fetchone())


def _write(kind: Kind, day: date, path: Path) -> int:
    # Lazily: the library takes 50 MB, and most processes never read or write a file.
    from marketdata.history import parquet

    return parquet.write(path, _rows_at_once(kind, day), kind=kind)


def _rows_at_once(kind: Kind, day: date) -> Iterator[Sequence[tuple[Any, ...]]]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_ROWS[kind], [_begin(day), _begin(day + partitions.DAY)])
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# --- Reading -----------------------------------------------------------------------------------


def read(kind: Kind, span: Span, record: type[Record]) -> list[Record]:
    """Return what the archive has of `span`, in its order, at most its limit.

    Raises records.ArchiveIncomplete.
    """
    files = ArchivedTicks.objects.filter(
        kind=kind.value,
        day__gte=span.earliest.astimezone(UTC).date(),
        day__lte=span.latest.astimezone(UTC).date(),
    )
    days: dict[date, list[str]] = {}
    for day, name in files.order_by("day", "part").values_list("day", "file"):
        days.setdefault(day, []).append(name)
    if not days:
        return []
    # Lazily, as in `_write`.
    from marketdata.history import parquet

    found: list[Record] = []
    for day in days if span.is_ascending else reversed(days):
        of_day = [
            record(**row)
            for name in days[day]
            for row in parquet.read(folder() / name, span, day=day)
        ]
        of_day.sort(key=lambda each: each.place, reverse=not span.is_ascending)
        found += of_day
        if len(found) >= span.limit:
            break
    return found[: span.limit]
