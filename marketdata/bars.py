"""Bars: what happened in a span of time. Pure and exact.

A minute begins at its full minute, a day at midnight in New York, which is also when the
trading day of a market that never closes turns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from typing import Final, Protocol

from marketdata.calendars import date_of, midnight
from marketdata.ticks import TradeTick

MINUTE: Final = timedelta(minutes=1)


class UnknownTimeframe(ValueError):
    """The text names no timeframe: 1Min to 59Min, 1Hour to 23Hour, 1Day, 1Week, 1Month."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close, volume, trades and traded value of the span that begins at `start`.

    Without a print that sets the price, the four prices are None: the span has volume only.
    """

    start: datetime
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: Decimal
    turnover: Decimal
    trades: int

    @property
    def average(self) -> Decimal | None:
        """The volume-weighted average price, unrounded."""
        return self.turnover / self.volume if self.volume else self.close


COLUMNS: Final = tuple(field.name for field in fields(Bar))
"""What of a stored bar one is made of, in the order that makes it."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where the best price of one side began, went and ended; `size` is what it ended with.

    None is nobody: the price of a side on which there was no order.
    """

    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    size: Decimal


class Quoted(Protocol):
    """The best bid and offer from `at` on, as a feed has told them or the tape keeps them."""

    @property
    def at(self) -> datetime: ...
    @property
    def bid(self) -> Decimal | None: ...
    @property
    def bid_size(self) -> Decimal: ...
    @property
    def ask(self) -> Decimal | None: ...
    @property
    def ask_size(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class QuoteBar:
    """The best bid and offer of the minute that begins at `start`."""

    start: datetime
    bid: Side
    ask: Side


class Unit(StrEnum):
    MINUTE = "Min"
    HOUR = "Hour"
    DAY = "Day"
    WEEK = "Week"
    MONTH = "Month"


_COUNT_MAX: Final = {
    Unit.MINUTE: 59,
    Unit.HOUR: 23,
    Unit.DAY: 1,
    Unit.WEEK: 1,
    Unit.MONTH: 12,
}
_PARTS_MAX: Final = {
    Unit.MINUTE: 1,
    Unit.HOUR: 60,
    Unit.DAY: 1,
    Unit.WEEK: 7,
    Unit.MONTH: 31,
}
_TIMEFRAME = re.compile(r"([1-9]\d?)(Min|T|Hour|H|Day|D|Week|W|Month|M)")
_SHORT: Final = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A length of bar: `count` times `unit`."""

    count: int
    unit: Unit

    @property
    def is_intraday(self) -> bool:
        return self.unit in (Unit.MINUTE, Unit.HOUR)

    @property
    def parts_max(self) -> int:
        """How many stored bars (minutes, or days) at most one bar of this length is made of."""
        return self.count * _PARTS_MAX[self.unit]

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


def parse_timeframe(text: str) -> Timeframe:
    """Return the timeframe that `text` names, such as 5Min, 1Hour or 1Day (also 5T, 1H, 1D).

    Raises UnknownTimeframe.
    """
    match = _TIMEFRAME.fullmatch(text)
    if match is None:
        raise UnknownTimeframe(f"{text!r} is no timeframe; examples are 1Min, 15Min, 1Hour, 1Day")
    count, unit = int(match[1]), Unit(_SHORT.get(match[2], match[2]))
    is_whole_part_of_a_year = unit is not Unit.MONTH or 12 % count == 0
    if count > _COUNT_MAX[unit] or not is_whole_part_of_a_year:
        raise UnknownTimeframe(f"{text!r} is no timeframe: {unit} goes up to {_COUNT_MAX[unit]}")
    return Timeframe(count, unit)


def minute_of(at: datetime) -> datetime:
    """Return the first instant of the minute that `at` lies in."""
    return at.replace(second=0, microsecond=0)


def roll(trades: Iterable[TradeTick], *, start_of: Callable[[datetime], datetime]) -> list[Bar]:
    """Return the bars of `trades` (of one instrument, in order), begun where `start_of` says."""
    return [_bar(start, prints) for start, prints in _spans(trades, start_of)]


def roll_quotes(quotes: Iterable[Quoted], *, before: Quoted | None = None) -> Iterator[QuoteBar]:
    """Yield the bars of each minute's `quotes` (of one instrument, in order), as they end.

    What stood when a minute began, at first `before`, is where its prices open, and belongs to its
    high and low. A minute in which nothing was quoted has no bar.
    """
    for start, group in groupby(quotes, key=lambda quote: minute_of(quote.at)):
        told = list(group)
        bids, asks = [quote.bid for quote in told], [quote.ask for quote in told]
        bid = _side(before.bid if before else None, bids, told[-1].bid_size)
        ask = _side(before.ask if before else None, asks, told[-1].ask_size)
        yield QuoteBar(start, bid, ask)
        before = told[-1]


def _side(before: Decimal | None, prices: Sequence[Decimal | None], size: Decimal) -> Side:
    seen = [price for price in (before, *prices) if price is not None]
    if not seen:
        return Side(None, None, None, None, size)
    return Side(open=seen[0], high=max(seen), low=min(seen), close=prices[-1], size=size)


def _spans(
    ticks: Iterable[TradeTick], start_of: Callable[[datetime], datetime]
) -> list[tuple[datetime, list[TradeTick]]]:
    """Return where each span begins that has ticks, and its ticks, in order."""
    spans: dict[datetime, list[TradeTick]] = {}
    for tick in ticks:
        spans.setdefault(start_of(tick.at), []).append(tick)
    return sorted(spans.items())


def _bar(start: datetime, prints: Sequence[TradeTick]) -> Bar:
    prices = [trade.price for trade in prints if trade.sets_last]
    return Bar(
        start=start,
        open=prices[0] if prices else None,
        high=max(prices, default=None),
        low=min(prices, default=None),
        close=prices[-1] if prices else None,
        volume=sum((trade.size for trade in prints), Decimal(0)),
        turnover=sum((trade.price * trade.size for trade in prints), Decimal(0)),
        trades=len(prints),
    )


def merge(bars: Sequence[Bar], *, start: datetime) -> Bar:
    """Return the one bar that `bars`, in order and at least one, are parts of."""
    priced = [bar for bar in bars if bar.open is not None]
    return Bar(
        start=start,
        open=priced[0].open if priced else None,
        high=max((bar.high for bar in priced if bar.high is not None), default=None),
        low=min((bar.low for bar in priced if bar.low is not None), default=None),
        close=priced[-1].close if priced else None,
        volume=sum((bar.volume for bar in bars), Decimal(0)),
        turnover=sum((bar.turnover for bar in bars), Decimal(0)),
        trades=sum(bar.trades for bar in bars),
    )


def aggregate(bars: Iterable[Bar], *, timeframe: Timeframe) -> list[Bar]:
    """Return `bars` (minutes or days, in order) gathered into bars of a longer `timeframe`."""
    spans: dict[datetime, list[Bar]] = {}
    for bar in bars:
        spans.setdefault(start_of(bar.start, timeframe=timeframe), []).append(bar)
    return [merge(parts, start=start) for start, parts in spans.items()]


def start_of(at: datetime, *, timeframe: Timeframe) -> datetime:
    """Return where the bar of `timeframe` that `at` lies in begins.

    Minutes and hours are counted from midnight in New York, in elapsed time, so that the day
    on which the clocks change has 23 or 25 hours. A week begins on Monday.
    """
    day = date_of(at)
    if timeframe.is_intraday:
        length = timeframe.count * (MINUTE if timeframe.unit is Unit.MINUTE else 60 * MINUTE)
        first = midnight(day)
        return first + (at - first) // length * length
    if timeframe.unit is Unit.DAY:
        return midnight(day)
    if timeframe.unit is Unit.WEEK:
        return midnight(day - timedelta(days=day.weekday()))
    month = (day.month - 1) // timeframe.count * timeframe.count + 1
    return midnight(day.replace(month=month, day=1))


def end_of(start: datetime, *, timeframe: Timeframe) -> datetime:
    """Return where the bar of `timeframe` that begins at `start` ends: the next one's start."""
    if timeframe.is_intraday:
        length = timeframe.count * (MINUTE if timeframe.unit is Unit.MINUTE else 60 * MINUTE)
        next_midnight = midnight(date_of(start) + timedelta(days=1))
        return min(start + length, next_midnight)
    day = date_of(start)
    if timeframe.unit is Unit.DAY:
        return midnight(day + timedelta(days=1))
    if timeframe.unit is Unit.WEEK:
        return midnight(day + timedelta(days=7))
    months = day.year * 12 + day.month - 1 + timeframe.count
    return midnight(date(months // 12, months % 12 + 1, 1))
