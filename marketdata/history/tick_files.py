"""Trades and quotes of a past from files: onto the tape and into bars, a piece at a time.

Lines become columns at once and take the way of any batch: they are cleaned as a past that is
played back, kept as they came, and added to bars. They are never a last price, nothing is
triggered by them, and what another source told of a bar stays. Where the tape has ticks of an
instrument already, only what is later is taken, so that a file may be read again, and goes on
where it was broken off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa
from django.db import transaction
from django.utils import timezone
from pyarrow import csv

from marketdata import services, store
from marketdata.batches import ingest
from marketdata.batches.columns import (
    DECIMALS_MAX,
    NOBODY,
    Ints,
    QuoteColumns,
    TickColumns,
    TradeColumns,
    microseconds,
    moment,
)
from marketdata.cleaning.rules import Known
from marketdata.history import reading, recording
from marketdata.history.importing import UnableToImport
from marketdata.history.records import Span
from marketdata.models import Bar, Quote
from marketdata.rollups import Part

BYTES_OF_A_PIECE: Final = 2**20
"""Between two pieces the feeds have their turn; one in which a level jumps is judged in turn."""

_AMOUNT: Final = pa.decimal128(18, DECIMALS_MAX)  # that fits into 64 bits as billionths
_QUOTE: Final = ("bid", "bid_size", "ask", "ask_size")
_TYPES: Final = {
    "symbol": pa.string(),
    "at": pa.timestamp("us", tz="UTC"),
    **dict.fromkeys((*_QUOTE, "price", "size"), _AMOUNT),
    "trade_id": pa.string(),
    "sets_last": pa.bool_(),
}


@dataclass(slots=True)
class TicksImported:
    """What became of a file's lines: kept, on the tape before, left out and why."""

    written: int = 0
    held: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def ticks(path: Path, *, source: str) -> TicksImported:
    """Import trades (symbol, at, price, size) or quotes (symbol, at, bid, bid_size, ask, ask_size).

    In order of time; `at` is RFC 3339 with an offset. An empty bid or ask is nobody's. Trades may
    have `trade_id` and `sets_last` (true, false). Other columns mean nothing here; a name that
    ends in .gz is unpacked. Raises UnableToImport; what came before stays.
    """
    done = TicksImported()
    past = _Past(source, done)
    for told in in_columns(path):
        past.book(told)
    return done


def in_columns(path: Path) -> Iterator[TickColumns]:
    """Yield the lines of a file in pieces that share no moment. Raises UnableToImport."""
    try:
        with _opened(path) as reader:
            left: pa.Table | None = None
            for batch in reader:
                table = pa.table(batch)
                table = table if left is None else pa.concat_tables([left, table])
                at = table["at"].cast(pa.int64()).to_numpy()
                if (np.diff(at) < 0).any():
                    raise UnableToImport(f"{path.name}: the lines are not in order of time")
                # Of its last moment more may follow.
                whole = int(np.searchsorted(at, at[-1:], side="left").sum())
                left = table.slice(whole)
                if whole:
                    yield _columns(table.slice(0, whole))
            if left is not None and len(left):
                yield _columns(left)
    except (OSError, pa.ArrowException) as error:
        raise UnableToImport(f"{path.name}: {error}") from error


def _opened(path: Path) -> csv.CSVStreamingReader:
    with pa.input_stream(path) as head:
        names = head.read(2**16).decode(errors="replace").split("\n", 1)[0].strip().split(",")
    wanted = ["symbol", "at", *(_QUOTE if "bid" in names else ("price", "size"))]
    if missing := [name for name in wanted if name not in names]:
        raise UnableToImport(f"{path.name}: the column {missing[0]} is missing")
    wanted += [name for name in ("trade_id", "sets_last") if "bid" not in names and name in names]
    return csv.open_csv(
        pa.input_stream(path),
        read_options=csv.ReadOptions(block_size=BYTES_OF_A_PIECE),
        convert_options=csv.ConvertOptions(
            column_types=_TYPES, include_columns=wanted, null_values=[""]
        ),
    )


def _columns(table: pa.Table) -> TickColumns:
    encoded = table["symbol"].combine_chunks().dictionary_encode()
    number = encoded.indices.to_numpy().astype(np.int64)
    at, place = table["at"].cast(pa.int64()).to_numpy(), np.arange(len(table))
    nothing = TickColumns.of([])
    quotes, trades = nothing.quotes, nothing.trades
    if "bid" in table.column_names:
        sides = (_amounts(table[name]) for name in _QUOTE)
        bid, bid_size, ask, ask_size = sides
        quotes = QuoteColumns(
            place, number, at,
            bid, np.where(bid == NOBODY, 0, bid_size), ask, np.where(ask == NOBODY, 0, ask_size),
        )  # fmt: skip
    else:
        prices, sizes = _amounts(table["price"]), _amounts(table["size"])
        trades = TradeColumns(
            place, number, at, prices, sizes,
            _given(table, "trade_id", "").astype(np.object_),
            _given(table, "sets_last", True).astype(np.bool_),
        )  # fmt: skip
    return TickColumns.of_billionths(tuple(encoded.dictionary.to_pylist()), quotes, trades)


def _given(table: pa.Table, name: str, otherwise: Any) -> Any:
    if name not in table.column_names:
        return np.full(len(table), otherwise)
    return table[name].fill_null(otherwise).to_numpy()


def _amounts(column: pa.ChunkedArray) -> Ints:
    """Return decimals as billionths: of their 128 bits those that they may have."""
    array = column.combine_chunks()
    halves = np.frombuffer(array.buffers()[1], dtype="<i8")
    low = halves[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    return np.where(array.is_null().to_numpy(zero_copy_only=False), NOBODY, low)


class _Past:
    """What is known of each instrument so far, as its past is played back."""

    def __init__(self, source: str, done: TicksImported) -> None:
        self._source, self._done = source, done
        self._stood: dict[str, Quote] = {}
        self._known: dict[str, Known] = {}

    @transaction.atomic
    def book(self, told: TickColumns) -> None:
        store.take_turn()
        strangers = self._meet(told.names)
        unknown, told = told.parted(strangers)
        self._done.left_out["not listed"] += len(unknown)
        told = self._later(told)
        ingested = ingest.ingest(told, known=self._known, source=self._source, now=None)
        recording.record(ingested.believed, standing=self._stood, source=self._source)
        self._add(ingested.outcome.parts)
        self._done.written += len(ingested.believed)
        self._done.left_out.update(suspect.reason.value for suspect in ingested.suspects)
        self._known = dict(ingested.known)
        for symbol, tick in ingested.outcome.quotes.items():
            stood = self._stood[symbol]
            stood.source, stood.at = self._source, tick.at
            stood.bid, stood.bid_size = tick.bid, tick.bid_size
            stood.ask, stood.ask_size = tick.ask, tick.ask_size

    def _meet(self, symbols: set[str]) -> set[str]:
        """Learn what instruments these are; return the symbols that are none of ours."""
        new = services.standing(symbols - self._stood.keys(), now=timezone.now())
        for symbol, quote in new.items():
            instrument = quote.instrument
            self._stood[symbol] = Quote(instrument=instrument, source="")
            self._known[symbol] = Known(
                asset_class=instrument.asset_class, increment=instrument.price_increment
            )
        return symbols - self._stood.keys()

    def _later(self, told: TickColumns) -> TickColumns:
        """Return what comes after all that the tape has of its time."""
        held = 0
        for columns, kept in ((told.quotes, reading.quotes), (told.trades, reading.trades)):
            if not len(columns):
                continue
            start, end = moment(columns.at[0]), moment(columns.at[-1])
            is_held = np.zeros(len(columns), dtype=np.bool_)
            for number in np.unique(columns.symbol).tolist():
                key = self._stood[told.symbols[number]].instrument_id
                for last in kept(Span(key, start, end, limit=1, is_ascending=False)):
                    is_held |= (columns.symbol == number) & (columns.at <= microseconds(last.at))
            held += int(is_held.sum())
            told = told.without(columns.place[is_held].tolist())
        self._done.held += held
        return told

    def _add(self, found: Mapping[str, Sequence[Part]]) -> None:
        parts = [
            (self._stood[symbol].instrument_id, part) for symbol in found for part in found[symbol]
        ]
        others = _bars_of_others(parts, source=self._source)
        store.add_bars(
            [
                (key, part)
                for key, part in parts
                if (key, part.timeframe, part.bar.start) not in others
            ],
            source=self._source,
        )


def _bars_of_others(parts: Sequence[tuple[UUID, Part]], *, source: str) -> set[tuple[Any, ...]]:
    """Return which of these bars another source has told."""
    if not parts:
        return set()
    starts = [part.bar.start for _, part in parts]
    rows = Bar.objects.filter(
        instrument_id__in={key for key, _ in parts}, start__range=(min(starts), max(starts))
    ).exclude(source=source)
    return set(rows.values_list("instrument_id", "timeframe", "start"))
