"""Where a price has been of late, and how far from there it may lie. Pure and exact.

A robust rolling estimate: time is cut into slots of ten seconds, the last believed price of each
slot counts, and the fence of a slot stands around the median of the slots before it, at a multiple
of their median absolute deviation. Neither follows a few wrong prices, and a price that trends
widens its own fence. While too few slots are known, the fence is the widest there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

SLOT: Final = timedelta(seconds=10)
CLOSES_MAX: Final = 15
"""So many slots are looked back on: two and a half minutes of a lively price."""

CLOSES_MIN: Final = 8
"""With fewer, nobody knows yet how much the price moves."""

DEVIATIONS: Final = 8
"""How many median absolute deviations lie inside: of a steady trend the latest close lies two of
them from the median, of a normal scatter one in ten million more than eight."""

INCREMENTS: Final = 5
"""So many price increments always lie inside: a cheap share moves by much in one."""

WIDEST: Final[Mapping[str, Decimal]] = {"us_equity": Decimal("0.10"), "crypto": Decimal("0.15")}
"""How far from its level a price may lie at most, as a share of it, by asset class.

Wider than the 5 % of the US limit-up limit-down bands, so that a true fast market passes; a
wrong decimal, a missing digit or a stub quote lies far outside.
"""

NARROWEST: Final[Mapping[str, Decimal]] = {"us_equity": Decimal("0.005"), "crypto": Decimal("0.01")}
"""How far it may lie at least, however still it has been: it moves so far at once with the news."""

_SLOT_SECONDS: Final = int(SLOT.total_seconds())


class Terms(NamedTuple):
    """What the fences of an instrument depend on."""

    asset_class: str
    increment: Decimal


class Fence(NamedTuple):
    """The lowest and the highest price that is believed."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Level:
    """What one price of an instrument has been: the closes of the slots before `slot`, oldest
    first; the latest price, made in `slot`; the fence that stands in `slot`."""

    closes: tuple[Decimal, ...]
    slot: int
    price: Decimal | None
    fence: Fence

    def allows(self, price: Decimal) -> bool:
        return self.fence.low <= price <= self.fence.high


def slot_of(at: datetime) -> int:
    """Return the number of the slot that `at` lies in."""
    return int(at.timestamp()) // _SLOT_SECONDS


def first(price: Decimal, *, slot: int, terms: Terms) -> Level:
    """Return the level of a price of which no more is known than that it was `price`."""
    return Level((price,), slot, None, fence((price,), terms))


def begun(level: Level, *, slot: int, terms: Terms) -> Level:
    """Return `level` as it stands in `slot`: a later slot than its own closes that one."""
    if slot <= level.slot:
        return level
    if level.price is None:
        return Level(level.closes, slot, None, level.fence)
    closes = (*level.closes[-CLOSES_MAX + 1 :], level.price)
    return Level(closes, slot, None, fence(closes, terms))


def fence(closes: Sequence[Decimal], terms: Terms) -> Fence:
    """Return the fence around `closes`, at least one; of two in the middle the lower is median."""
    middle = (len(closes) - 1) // 2
    level = sorted(closes)[middle]
    reach = level * WIDEST[terms.asset_class]
    if len(closes) >= CLOSES_MIN:
        deviation = sorted([abs(close - level) for close in closes])[middle]
        least = level * NARROWEST[terms.asset_class], INCREMENTS * terms.increment
        reach = min(reach, max(*least, DEVIATIONS * deviation))
    return Fence(level - reach, level + reach)
