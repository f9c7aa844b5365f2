"""Day trades: what was opened and closed on one day of New York. Pure.

FINRA rule 4210(f)(8)(B): whoever makes four or more within five business days is a pattern day
trader. Sales that follow one another without a purchase between them close one day trade, however
many they are (Regulatory Notice 21-13); what was held overnight and is sold is none, unless more
was bought on the day: that is sold first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

ZERO: Final = Decimal(0)
ALLOWED: Final = 3
"""Within five business days; the fourth makes a pattern day trader."""
DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class Dealing:
    """A fill as day trading looks at it: signed, in the order of execution.

    What was executed before people have taken back that somebody is a pattern day trader closes
    what it closes, and does not count.
    """

    instrument: UUID
    day: date
    quantity: Decimal
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Day:
    """One instrument on one day: how many day trades, and what was opened and is still there."""

    count: int = 0
    opened: Decimal = ZERO
    is_armed: bool = False


def after(day: Day, position: Decimal, quantity: Decimal, *, counts: bool = True) -> Day:
    """Return the day after a dealing of `quantity` that met `position`."""
    if position * quantity >= 0:
        return Day(day.count, day.opened + quantity, is_armed=True)
    closed = min(abs(quantity), abs(position))
    beyond = abs(quantity) - closed
    undone = min(closed, abs(day.opened))
    count = day.count + (1 if undone and day.is_armed and counts else 0)
    opened = day.opened + undone.copy_sign(quantity)
    is_armed = day.is_armed and not undone
    if not beyond:
        return Day(count, opened, is_armed)
    return Day(count, beyond.copy_sign(quantity), is_armed=True)


def days_of(
    dealings: Iterable[Dealing], positions: Mapping[UUID, Decimal]
) -> dict[tuple[UUID, date], Day]:
    """Return each instrument's days, from fills in order and the positions after all of them."""
    in_order = list(dealings)
    before = dict(positions)
    for dealing in in_order:
        before[dealing.instrument] = before.get(dealing.instrument, ZERO) - dealing.quantity
    found: dict[tuple[UUID, date], Day] = {}
    for dealing in in_order:
        key = dealing.instrument, dealing.day
        position = before[dealing.instrument]
        found[key] = after(found.get(key, Day()), position, dealing.quantity, counts=dealing.counts)
        before[dealing.instrument] = position + dealing.quantity
    return found


def count(days: Mapping[tuple[UUID, date], Day]) -> int:
    return sum(day.count for day in days.values())


def could_be_one(day: Day, quantity: Decimal) -> bool:
    """Tell whether a dealing of `quantity` would close what was opened on this day."""
    return day.is_armed and day.opened * quantity < 0
