"""Trades rolled up into the bars that are stored: of a minute, an hour and a day. Pure.

Every other length is gathered from these when it is read. An hour is stored because minutes are
thrown away long before anybody has seen enough of hours, and because sixty times as many rows
would have to be read: bars of an hour over sixty days of a market that never closes are 1,440
rows instead of 86,400. Weeks and months need no store of their own: ten years are 2,520 days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from marketdata import bars, calendars
from marketdata.bars import Bar
from marketdata.ticks import TradeTick

MINUTE: Final = "1Min"
HOUR: Final = "1Hour"
DAY: Final = "1Day"


@dataclass(frozen=True, slots=True)
class Part:
    """A bar, or a part of one, and when the first and the last trade that set its price were made.

    By these, parts add up to the same bar in whatever order they come: a trade that is told late
    opens or closes its bar only where it was indeed the first or the last. Both are None where
    nothing set a price.
    """

    timeframe: str
    bar: Bar
    open_at: datetime | None
    close_at: datetime | None


def whole(timeframe: str, bar: Bar) -> Part:
    """Return a bar of whose trades nothing is known, as a part: what comes later closes it."""
    at = None if bar.open is None else bar.start
    return Part(timeframe, bar, at, at)


def hour_of(at: datetime) -> datetime:
    """Return the first instant of the hour: New York's days begin on one."""
    return at.replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    return calendars.midnight(calendars.date_of(at))


_LEVELS: Final[tuple[tuple[str, Callable[[datetime], datetime]], ...]] = (
    (MINUTE, bars.minute_of),
    (HOUR, hour_of),
    (DAY, day_of),
)


def parts(trades: Sequence[TradeTick]) -> Iterator[Part]:
    """Yield what `trades` of one instrument, by their time, add to the bars of every length."""
    for timeframe, start_of in _LEVELS:
        first: dict[datetime, datetime] = {}
        last: dict[datetime, datetime] = {}
        for trade in trades:
            if trade.sets_last:
                start = start_of(trade.at)
                first.setdefault(start, trade.at)
                last[start] = trade.at
        for bar in bars.roll(trades, start_of=start_of):
            yield Part(timeframe, bar, first.get(bar.start), last.get(bar.start))
