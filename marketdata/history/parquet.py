"""Files of ticks in Apache Parquet: written to last or not at all, and read in part.

Prices and sizes are decimals of the width of the columns, exact to the last digit. Rows are in
the order of the tables' key, so that of a file little is read for one instrument.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marketdata.history.partitions import Kind
from marketdata.history.records import ArchiveIncomplete, Span

_PLACE: Final = [
    ("instrument_id", pa.string()),
    ("at", pa.timestamp("us", tz="UTC")),
    ("number", pa.int64()),
    ("source", pa.string()),
]
_PRICE: Final = pa.decimal128(20, 9)
_SIZE: Final = pa.decimal128(28, 9)
SCHEMAS: Final = {
    Kind.TRADES: pa.schema(
        [
            *_PLACE,
            ("price", _PRICE),
            ("size", _SIZE),
            ("trade_id", pa.string()),
            ("sets_last", pa.bool_()),
        ]
    ),
    Kind.QUOTES: pa.schema(
        [*_PLACE, ("bid", _PRICE), ("bid_size", _SIZE), ("ask", _PRICE), ("ask_size", _SIZE)]
    ),
}


def write(path: Path, batches: Iterable[Sequence[tuple[Any, ...]]], *, kind: Kind) -> int:
    """Write the rows of `batches` to `path`, whole and for good; return how many.

    Until all of them lie on the disk they lie under another name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    written = 0
    with unfinished.open("wb") as file:
        with pq.ParquetWriter(file, SCHEMAS[kind], compression="zstd") as writer:
            for rows in batches:
                writer.write_batch(_columns(kind, rows))
                written += len(rows)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    _make_last(path.parent)
    return written


def _columns(kind: Kind, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    keys, *others = zip(*rows, strict=True)
    columns = [list(map(str, keys)), *map(list, others)]
    schema = SCHEMAS[kind]
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def _make_last(where: Path) -> None:
    """Have the folder's own list of names survive a power cut."""
    opened = os.open(where, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read(path: Path, span: Span, *, day: date) -> list[dict[str, Any]]:
    """Return what a file of `day` has of `span` by the names of the columns, the oldest first.

    Where there is more than its limit, that which comes first in its order. Raises
    ArchiveIncomplete.
    """
    at, number = pc.field("at"), pc.field("number")
    wanted = pc.field("instrument_id") == str(span.instrument_id)
    wanted &= (at >= span.start) & (at <= span.end)
    if span.after is not None and span.is_ascending:
        wanted &= (at > span.after.at) | ((at == span.after.at) & (number > span.after.number))
    elif span.after is not None:
        wanted &= (at < span.after.at) | ((at == span.after.at) & (number < span.after.number))
    try:
        table = pq.read_table(path, filters=wanted)
    except (OSError, pa.ArrowException) as error:
        raise ArchiveIncomplete(f"{path.name}: {error}", day=day) from error
    first = 0 if span.is_ascending else max(0, len(table) - span.limit)
    rows: list[dict[str, Any]] = (
        table.slice(first, span.limit).drop_columns("instrument_id").to_pylist()
    )
    return [{**row, "at": row["at"].astimezone(UTC)} for row in rows]
