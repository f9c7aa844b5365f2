"""A tick: one thing that the market said. Pure values and the rules that sort them."""

from __future__ import annotations

from collections.abc import Iterable
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
