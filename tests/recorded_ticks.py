"""Recorded days as columns of ticks, and the vendor's own marks and bars of them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from marketdata import calendars, conditions
from marketdata.bars import QuoteBar, Side
from marketdata.batches.columns import NOBODY, Flags, Ints, QuoteColumns, TickColumns, TradeColumns
from marketdata.batches.columns import microseconds as since_1970
from tests import recorded

PRICE_DECIMALS = 4
_KINDS = {"side": "U1", "exchange": "U1", "cond_hex": "U8"}


@dataclass(frozen=True)
class Day:
    """The ticks of `symbol` on `day`, and which of their places the vendor calls suspicious."""

    symbol: str
    day: str
    ticks: TickColumns
    suspicious: frozenset[int]

    @property
    def midnight(self) -> int:
        """When the day began, in microseconds since 1970."""
        return _midnight(self.day)


def name(symbol: str, day: str, kind: str) -> str:
    return f"ticks/{symbol}_{day}_{kind}.csv.gz"


def quotes(symbol: str, day: str, *, with_suspicious: bool = False) -> Day:
    """Return every quote of a day: a row of the file changes one side, the other one stands."""
    rows = _rows(name(symbol, day, "quotes"))
    is_marked = rows["suspicious"] == 1
    if not with_suspicious:
        rows, is_marked = rows[~is_marked], is_marked[~is_marked]
    at = rows["time_ms"] * 1000 + _midnight(day)
    is_bid = rows["side"] == "B"
    sides = [
        _standing(is_told, rows["price_e4"], rows["size"], is_marked)
        for is_told in (is_bid, ~is_bid)
    ]
    place, zero = np.arange(len(at)), np.zeros(len(at), dtype=np.int64)
    columns = QuoteColumns(place, zero, at, *sides[0], *sides[1])
    marked = frozenset(np.flatnonzero(is_marked).tolist())
    return Day(symbol, day, _of(symbol, columns, TickColumns.of([]).trades), marked)


def trades(symbol: str, day: str) -> Day:
    """Return every print of a day that the vendor does not call suspicious."""
    rows = _rows(name(symbol, day, "trades"))
    rows = rows[rows["suspicious"] == 0]
    kinds, kind = np.unique(rows["cond_hex"], return_inverse=True)
    sets_last = [conditions.effect_of_mask(int(each, 16)).sets_last for each in kinds]
    columns = TradeColumns(
        np.arange(len(rows)),
        np.zeros(len(rows), dtype=np.int64),
        rows["time_ms"] * 1000 + _midnight(day),
        rows["price_e4"].copy(),
        rows["size"].copy(),
        np.array([str(number) for number in range(1, len(rows) + 1)], dtype=np.object_),
        np.array(sets_last)[kind],
    )
    return Day(symbol, day, _of(symbol, TickColumns.of([]).quotes, columns), frozenset())


def together(*days: Day) -> TickColumns:
    """Return quotes and trades of `days` in the order of their times, quotes first."""
    symbols = tuple(dict.fromkeys(day.symbol for day in days))
    quotes = _joined([(day, day.ticks.quotes) for day in days], symbols)
    trades = _joined([(day, day.ticks.trades) for day in days], symbols)
    order = np.argsort(np.concatenate([quotes.at, trades.at]), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return TickColumns(
        symbols,
        PRICE_DECIMALS,
        0,
        replace(quotes, place=place[: len(quotes)]),
        replace(trades, place=place[len(quotes) :]),
    )


def between(ticks: TickColumns, first: int, last: int) -> TickColumns:
    """Return the ticks at the places from `first` up to `last`."""
    return replace(
        ticks,
        quotes=_of_places(ticks.quotes, first, last - first),
        trades=_of_places(ticks.trades, first, last - first),
    )


def _of_places(columns: Any, first: int, size: int) -> Any:
    chosen = np.flatnonzero((columns.place >= first) & (columns.place < first + size))
    chosen = chosen[np.argsort(columns.place[chosen])]
    taken = columns.taken(chosen)
    return replace(taken, place=taken.place - first)


def _joined(parts: Sequence[tuple[Day, Any]], symbols: Sequence[str]) -> Any:
    kind = type(parts[0][1])
    numbered = [
        replace(columns, symbol=np.full(len(columns), symbols.index(day.symbol)))
        for day, columns in parts
    ]
    joined = kind(
        *(np.concatenate([getattr(each, f.name) for each in numbered]) for f in fields(kind))
    )
    return joined.taken(np.argsort(joined.at, kind="stable"))


def vendor_bars(kind: str, symbol: str, day: str) -> Iterator[dict[str, int]]:
    """Yield the vendor's bars of a day as they are in its file `kind`."""
    with gzip.open(recorded.FOLDER / f"minute/{kind}_bars.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            if (row.pop("symbol"), row.pop("date")) == (symbol, day):
                yield {key: int(value) for key, value in row.items()}


def quote_bars(symbol: str, day: str) -> dict[int, list[Decimal | None]]:
    """Return the vendor's bars of quotes by the minute of the day, as `by_minute` returns ours."""
    return {
        row.pop("time_ms") // 60_000: [*map(Decimal, row.values())]
        for row in vendor_bars("quote", symbol, day)
    }


def by_minute(bars: Iterable[QuoteBar], day: Day) -> dict[int, list[Decimal | None]]:
    """Return bars by the minute of the day: bid, then ask, of each its prices and its size."""
    return {
        (since_1970(bar.start) - day.midnight) // 60_000_000: [*_e4(bar.bid), *_e4(bar.ask)]
        for bar in bars
    }


def _e4(side: Side) -> list[Decimal | None]:
    prices = [side.open, side.high, side.low, side.close]
    return [*(None if price is None else price * 10_000 for price in prices), side.size]


def _rows(file: str) -> Any:
    with gzip.open(recorded.FOLDER / file, "rt") as lines:
        names = next(lines).strip().split(",")
        kinds = [(each, _KINDS.get(each, "i8")) for each in names]
        return np.loadtxt(lines, delimiter=",", dtype=kinds)


def _midnight(day: str) -> int:
    return since_1970(calendars.midnight(date.fromisoformat(day)))


def _standing(is_told: Flags, prices: Ints, sizes: Ints, is_marked: Flags) -> tuple[Ints, Ints]:
    """Return what stands on a side at each row; a suspicious row changes nothing after it."""
    rows = np.arange(len(prices))
    latest = np.maximum.accumulate(np.where(is_told & ~is_marked, rows, -1))
    latest = np.where(is_told, rows, latest)
    is_there = (latest >= 0) & (prices[latest] > 0) & (sizes[latest] > 0)
    return np.where(is_there, prices[latest], NOBODY), np.where(is_there, sizes[latest], 0)


def _of(symbol: str, quoted: QuoteColumns, traded: TradeColumns) -> TickColumns:
    return TickColumns((symbol,), PRICE_DECIMALS, 0, quoted, traded)
