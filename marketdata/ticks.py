"""A tick: one thing that the market said. Pure values and the rules that sort them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

SIMULATED: Final = "simulated"
"""The source of prices that we make up ourselves; whoever shows them says so."""


@dataclass(frozen=True, slots=True)
class QuoteTick:
    """The best bid and offer of `symbol` from `at` on; a side without orders is None.

    Prices in the instrument's currency, sizes in units (shares, coins), `at` aware UTC.
    """

    symbol: str
    at: datetime
    bid: Decimal | None
    bid_size: Decimal
    ask: Decimal | None
    ask_size: Decimal


@dataclass(frozen=True, slots=True)
class TradeTick:
    """One print on the tape. `trade_id` is the source's own number of it.

    A print that the tape's rules keep out of the last price (an average price, one reported
    late, a derived price) has `sets_last` False: it counts in volume and nowhere else.
    """

    symbol: str
    at: datetime
    price: Decimal
    size: Decimal
    trade_id: str
    sets_last: bool = True


Tick = QuoteTick | TradeTick


class Point(NamedTuple):
    """A last price and when it was made."""

    price: Decimal
    at: datetime


POINTS_MAX: Final = 32
"""So many points of a path are kept; of one that turns more often, the ends and the extremes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Ticks sorted for the books: what survives conflation, in the order of the tape.

    `quotes` has the latest quote of each symbol: what it replaced was never the last word.
    `trades` has every print of each symbol, as each of them is volume.
    """

    quotes: Mapping[str, QuoteTick]
    trades: Mapping[str, list[TradeTick]]


def conflate(ticks: Iterable[Tick]) -> Batch:
    """Return the latest quote and every trade of each symbol in `ticks`."""
    quotes: dict[str, QuoteTick] = {}
    trades: dict[str, list[TradeTick]] = {}
    for tick in ticks:
        if isinstance(tick, QuoteTick):
            quotes[tick.symbol] = tick
        else:
            trades.setdefault(tick.symbol, []).append(tick)
    return Batch(quotes, trades)


def path(trades: Iterable[TradeTick]) -> list[Point]:
    """Return the way of the last price through `trades`: where it began, turned and ended.

    Whoever follows prices up and down has seen all that matters: what lies between two points
    lies on the straight way from one to the other.
    """
    points: list[Point] = []
    for trade in trades:
        if not trade.sets_last:
            continue
        goes_on = len(points) > 1 and (
            points[-2].price <= points[-1].price <= trade.price
            or points[-2].price >= points[-1].price >= trade.price
        )
        if goes_on:
            points.pop()
        points.append(Point(trade.price, trade.at))
    return shortened(points)


def shortened(points: list[Point]) -> list[Point]:
    """Return `points`; of too many the ends and the extremes."""
    if len(points) <= POINTS_MAX:
        return points
    places = range(len(points))
    lowest = min(places, key=lambda place: points[place].price)
    highest = max(places, key=lambda place: points[place].price)
    return [points[place] for place in sorted({0, lowest, highest, len(points) - 1})]
