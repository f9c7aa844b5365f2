"""Statements that are past their seven years: into a file, proved, and only then out of the table.

A file has the rows of one month and their CSVs, whole. It is written under another name, made to
last, read back and compared, every CSV against the digest that the row has always had; then, in
one transaction, it is noted in `ArchivedStatements` and its rows are dropped. Accounts under a
legal hold are passed over: another file has theirs when the hold is over. Transfers, trades and
activities stay where they are.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import transaction

from reconciliation.statements import composing, holds, periods
from reconciliation.statements.models import ArchivedStatements, Statement

log = structlog.get_logger(__name__)

STATEMENTS_MAX: Final = 20_000
"""So many one file has; the next run goes on with the rest of the month."""
AT_ONCE: Final = 200
FIELDS: Final = (
    "id", "account_id", "kind", "first", "last", "revision", "layout", "number", "before",
    "through", "closings", "washes", "said", "digest", "size", "made_at",
)  # fmt: skip


class NotProved(RuntimeError):
    """What was read back is not what was to be kept. Nothing was dropped."""


def run(*, day: date, now: datetime, progress: Callable[[int, int], None]) -> str:
    """Archive what is older than seven years on `day`, the oldest month first."""
    files = count = 0
    months = _months(periods.kept_since(day), day)
    for place, month in enumerate(months):
        progress(place, len(months))
        count += archive_month(month, day=day, now=now)
        files += 1
    progress(len(months), len(months))
    return f"{count} statements into {files} files"


def archive_month(month: date, *, day: date, now: datetime) -> int:
    """Archive the statements that end in `month`, at most STATEMENTS_MAX; return how many.

    Raises NotProved.
    """
    wanted = list(_due(month, day).values_list("pk", flat=True)[:STATEMENTS_MAX])
    if not wanted:
        return 0
    number = ArchivedStatements.objects.filter(month=month).count() + 1
    path = folder() / f"statements-{month:%Y-%m}-{number}.parquet"
    _write(path, wanted)
    digest = _proved(path, wanted)
    with transaction.atomic():
        ArchivedStatements.objects.create(
            month=month, number=number, file=path.name, statements=len(wanted), digest=digest,
            at=now,
        )  # fmt: skip
        Statement.objects.filter(pk__in=wanted).delete()
    log.info("statements_archived", file=path.name, statements=len(wanted))
    return len(wanted)


def folder() -> Path:
    """Return where the files lie: beside those of ticks."""
    return Path(settings.ARCHIVE)


def read(file: str) -> Iterator[dict[str, Any]]:
    """Return the statements of a file, each with its `csv` as bytes."""
    # Lazily: the library takes 50 MB, and most processes never read or write a file.
    import pyarrow.parquet as pq

    with pq.ParquetFile(folder() / file) as opened:
        for batch in opened.iter_batches(AT_ONCE):
            yield from batch.to_pylist()


def _months(before: date, day: date) -> list[date]:
    held = holds.on(day).values("account")
    ends = Statement.objects.filter(last__lt=before).exclude(account__in=held)
    return list(ends.dates("last", "month", order="ASC"))


def _due(month: date, day: date) -> Any:
    held = holds.on(day).values("account")
    rows = Statement.objects.filter(last__year=month.year, last__month=month.month)
    return rows.exclude(account__in=held).order_by("last", "number")


def _write(path: Path, wanted: Sequence[object]) -> None:
    """Write the statements to `path`, for good, or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, whole = pa.string(), pa.int64()
    kinds = {"revision": whole, "layout": whole, "before": whole, "through": whole,
             "closings": whole, "washes": whole, "size": whole}  # fmt: skip
    schema = pa.schema([*((name, kinds.get(name, text)) for name in FIELDS), ("csv", pa.binary())])
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for start in range(0, len(wanted), AT_ONCE):
                some = Statement.objects.in_bulk(list(wanted[start : start + AT_ONCE]))
                rows = [_row(some[key]) for key in wanted[start : start + AT_ONCE]]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    opened = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _row(statement: Statement) -> dict[str, Any]:
    kept = {name: getattr(statement, name) for name in FIELDS}
    found = {
        name: value if isinstance(value, int) else _text(value) for name, value in kept.items()
    }
    return {**found, "csv": b"".join(composing.csv(statement))}


def _text(value: object) -> str:
    import orjson

    if isinstance(value, dict):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return value.isoformat() if isinstance(value, date) else str(value)


def _proved(path: Path, wanted: Sequence[object]) -> str:
    """Read the file back and return its digest. Raises NotProved unless all of it is there."""
    left = [str(key) for key in wanted]
    rows = Statement.objects.in_bulk(list(wanted))
    for place, kept in enumerate(read(path.name)):
        if place >= len(left) or kept["id"] != left[place]:
            raise NotProved(f"{path.name} has another statement in place {place}.")
        statement = rows[wanted[place]]
        told = {name: kept[name] for name in FIELDS}
        again = {
            name: value if isinstance(value, int) else _text(value)
            for name in FIELDS
            for value in [getattr(statement, name)]
        }
        if told != again or hashlib.sha256(kept["csv"]).hexdigest() != statement.digest:
            raise NotProved(f"{statement.number} is not in {path.name} as it was made.")
        left[place] = ""
    if any(left):
        raise NotProved(f"{path.name} lacks {sum(map(bool, left))} statements.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
