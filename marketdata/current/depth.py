"""The depth of a book: its best levels, by price and by order. Pure values, and as plain ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from foundation import decimals

LEVELS_MAX: Final = 10
ORDERS_MAX: Final = 50
"""Of a level so many orders are told one by one, the first in the queue; its size has them all."""

Plain = list[Any]


class Resting(NamedTuple):
    """An order as the market shows it: the market's number of it, and its size."""

    number: int
    size: Decimal


@dataclass(frozen=True, slots=True)
class Level:
    """All that stands at one price: the sum of it, and the orders in their queue."""

    price: Decimal
    size: Decimal
    orders: tuple[Resting, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """The best levels of `symbol` at `at`, LEVELS_MAX a side at most, the best first."""

    symbol: str
    at: datetime
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


def as_stored(side: Iterable[Level]) -> Plain:
    """Return a side as [price, size, [[number, size], ...]] of each level, amounts as texts."""
    text = decimals.text
    return [
        [
            text(each.price),
            text(each.size),
            [[order.number, text(order.size)] for order in each.orders],
        ]
        for each in side
    ]


def from_stored(side: Sequence[Plain]) -> tuple[Level, ...]:
    """Return the side that `as_stored` wrote down."""
    return tuple(
        Level(
            Decimal(price),
            Decimal(size),
            tuple(Resting(number, Decimal(left)) for number, left in orders),
        )
        for price, size, orders in side
    )
