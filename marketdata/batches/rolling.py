"""Bars of whole batches: what `rollups.parts` says, of columns and at once.

Pure and exact: both ways give the same bars, which a property test holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from marketdata import calendars, rollups
from marketdata.bars import MINUTE, Bar
from marketdata.batches.columns import NOBODY, Flags, Ints, TickColumns, microseconds, moment
from marketdata.rollups import Part

_MINUTE: Final = MINUTE // timedelta(microseconds=1)
_HOUR: Final = 60 * _MINUTE
_MOST: Final = 2**63 - 1

Starts = Callable[[Ints], Ints]
"""Where the spans begin in which these moments lie."""


def minutes(at: Ints) -> Ints:
    """Return the first instant of each one's minute."""
    return at - at % _MINUTE


def hours(at: Ints) -> Ints:
    """Return the first instant of each one's hour."""
    return at - at % _HOUR


def days(at: Ints) -> Ints:
    """Return the midnight in New York at which each one's day begins."""
    if not len(at):
        return at
    first, last = (calendars.date_of(moment(each)) for each in (at.min(), at.max()))
    each_day = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    midnights = np.array([microseconds(calendars.midnight(day)) for day in each_day])
    begun: Ints = midnights[np.searchsorted(midnights, at, side="right") - 1]
    return begun


_LEVELS: Final[Mapping[str, Starts]] = {
    rollups.MINUTE: minutes,
    rollups.HOUR: hours,
    rollups.DAY: days,
}


def parts(columns: TickColumns) -> dict[str, list[Part]]:
    """Return by symbol what the trades in `columns` add to the bars of every length."""
    found: dict[str, list[Part]] = {}
    for timeframe in _LEVELS:
        for symbol, part in parts_of(columns, timeframe=timeframe):
            found.setdefault(symbol, []).append(part)
    return found


def parts_of(columns: TickColumns, *, timeframe: str) -> Iterator[tuple[str, Part]]:
    """Yield what the trades in `columns` add to the bars of one length, in order of symbol."""
    trades = columns.trades
    order, symbol, start, first = _spans(trades.symbol, _LEVELS[timeframe](trades.at))
    if not len(first):
        return
    price, size, sets_last = trades.price[order], trades.size[order], trades.sets_last[order]
    at = trades.at[order]
    rows = np.arange(len(order))
    opens = np.minimum.reduceat(np.where(sets_last, rows, _MOST), first).tolist()
    closes = np.maximum.reduceat(np.where(sets_last, rows, -1), first).tolist()
    highs = np.maximum.reduceat(np.where(sets_last, price, NOBODY), first)
    lows = np.minimum.reduceat(np.where(sets_last, price, _MOST), first)
    volumes, turnovers = _sums(size, first), _sums_of_products(price, size, first)
    counts = np.diff(first, append=len(order)).tolist()
    as_price, as_size = columns.price, columns.size
    decimals = columns.price_decimals + columns.size_decimals
    for span, row in enumerate(first.tolist()):
        has_price = closes[span] >= 0
        bar = Bar(
            start=moment(start[row]),
            open=as_price(price[opens[span]]) if has_price else None,
            high=as_price(highs[span]) if has_price else None,
            low=as_price(lows[span]) if has_price else None,
            close=as_price(price[closes[span]]) if has_price else None,
            volume=as_size(volumes[span]),
            turnover=Decimal(turnovers[span]).scaleb(-decimals),
            trades=counts[span],
        )
        open_at = moment(at[opens[span]]) if has_price else None
        close_at = moment(at[closes[span]]) if has_price else None
        yield columns.symbols[symbol[row]], Part(timeframe, bar, open_at, close_at)


def _spans(symbol: Ints, start: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return an order by symbol and start, both in that order, and where each span begins."""
    order = np.arange(len(symbol))
    if not _rises(symbol, start):
        order = np.lexsort((start, symbol))
        symbol, start = symbol[order], start[order]
    is_first = np.ones(len(symbol), dtype=np.bool_)
    is_first[1:] = (symbol[1:] != symbol[:-1]) | (start[1:] != start[:-1])
    return order, symbol, start, np.flatnonzero(is_first)


def _rises(symbol: Ints, start: Ints) -> bool:
    is_next: Flags = symbol[1:] > symbol[:-1]
    return bool((is_next | ((symbol[1:] == symbol[:-1]) & (start[1:] >= start[:-1]))).all())


def _sums(amounts: Ints, first: Ints) -> list[int]:
    """Return the sum of each span: in 64 bits where they suffice, else in numbers of any length."""
    if len(amounts) * int(np.abs(amounts).max()) < _MOST:
        whole: list[int] = np.add.reduceat(amounts, first).tolist()
        return whole
    ends = [*first[1:].tolist(), len(amounts)]
    plain = amounts.tolist()
    return [sum(plain[a:b]) for a, b in zip(first.tolist(), ends, strict=True)]


def _sums_of_products(price: Ints, size: Ints, first: Ints) -> list[int]:
    if len(price) * int(np.abs(price).max()) * int(np.abs(size).max()) < _MOST:
        whole: list[int] = np.add.reduceat(price * size, first).tolist()
        return whole
    products = [one * other for one, other in zip(price.tolist(), size.tolist(), strict=True)]
    ends = [*first[1:].tolist(), len(price)]
    return [sum(products[a:b]) for a, b in zip(first.tolist(), ends, strict=True)]
