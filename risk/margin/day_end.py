"""What the trades of one day leave behind at its end: a deficiency, or a day that was too large.

Pure. Regulation T looks at the transactions of a day together (12 CFR 220.4(c)): what they ask for
beyond what the account has is called for, and what the market does is not. A security is worth, on
the day that it is traded, what it has cost (220.2). FINRA 4210(f)(8)(B) looks at what a pattern day
trader has opened and closed on the day: at the most that was open at one time, which requires the
maintenance of its cost, against the equity beyond maintenance at the close before.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from foundation import decimals
from foundation.decimals import CASH
from foundation.values import value
from risk.margin import requirements as margin
from risk.margin.requirements import Rates, Standing

ZERO: Final = Decimal(0)
DISREGARDED: Final = Decimal(1_000)
"""A deficiency of so much or less is not called for: 12 CFR 220.4(d)."""


@value
class Fill:
    """A fill of the day: what it was of, by code, how much, signed, and at which price."""

    code: str
    quantity: Decimal
    price: Decimal


def moved(fills: Iterable[Fill]) -> dict[str, Decimal]:
    """Return by how much these fills have changed each position."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        found[fill.code] += fill.quantity
    return dict(found)


def paid(fills: Iterable[Fill]) -> Decimal:
    """Return what these fills have cost in all, fees aside; below zero, what they have brought."""
    return sum((fill.quantity * fill.price for fill in fills), ZERO)


def costs(fills: Sequence[Fill]) -> dict[str, Decimal]:
    """Return what a unit has cost of each position that the day has changed.

    The average of the fills in the direction of the change; of what was opened and closed again
    nothing is left that could be worth it.
    """
    found = {}
    for code, change in moved(fills).items():
        same = [fill for fill in fills if fill.code == code and fill.quantity * change > 0]
        if same:
            found[code] = paid(same) / sum((fill.quantity for fill in same), ZERO)
    return found


def deficiency(found: Standing) -> Decimal:
    """Return what the account lacks to open what it has; below zero, what it has beyond."""
    return found.initial - found.equity


def created(*, before: Standing, after: Standing) -> Decimal:
    """Return by how much the day's trades have made a deficiency or enlarged one, in USD.

    Both standings are at the same prices, one without the trades. Zero where that is disregarded.
    """
    made = max(deficiency(after), ZERO) - max(deficiency(before), ZERO)
    return made if made > DISREGARDED else ZERO


def peak(
    fills: Iterable[Fill], *, positions: Mapping[str, Decimal], rates: Mapping[str, Rates]
) -> Decimal:
    """Return the most that the day's day trades required at one time, in USD.

    `fills` in their order, `positions` before them. What was held overnight and what is kept are
    no day trades; what was opened on the day is closed first, the oldest of it before the rest.
    """
    return _up(max(_required(fills, positions, rates), default=ZERO))


def exceeded(required: Decimal, *, excess: Decimal) -> Decimal:
    """Return what day trades required beyond the `excess` over maintenance of the last close."""
    return max(required - max(excess, ZERO), ZERO)


def _required(
    fills: Iterable[Fill], positions: Mapping[str, Decimal], rates: Mapping[str, Rates]
) -> list[Decimal]:
    """Return, after each fill, what the day trades that were open then required."""
    held = dict(positions)
    opened: defaultdict[str, deque[tuple[int, Decimal, Decimal]]] = defaultdict(deque)
    changes: defaultdict[int, Decimal] = defaultdict(Decimal)
    count = 0
    for index, fill in enumerate(fills):
        count += 1
        position, quantity = held.get(fill.code, ZERO), fill.quantity
        held[fill.code] = position + quantity
        if position * quantity < 0:
            closing = min(abs(quantity), abs(position))
            quantity = (abs(quantity) - closing).copy_sign(quantity)
            for at, amount, required in _closed(opened[fill.code], closing):
                changes[at] += required * amount
                changes[index] -= required * amount
        if quantity:
            unit = margin.maintenance_per_unit(
                rates.get(fill.code, Rates()), fill.price, is_short=quantity < 0
            )
            opened[fill.code].append((index, abs(quantity), unit))
    found, now = [], ZERO
    for index in range(count):
        now += changes[index]
        found.append(now)
    return found


def _closed(
    opened: deque[tuple[int, Decimal, Decimal]], closing: Decimal
) -> list[tuple[int, Decimal, Decimal]]:
    """Take what is closed from what was opened on the day: when, how much, required a unit."""
    found = []
    while opened and closing:
        at, amount, unit = opened.popleft()
        taken = min(amount, closing)
        found.append((at, taken, unit))
        closing -= taken
        if amount > taken:
            opened.appendleft((at, amount - taken, unit))
    return found


def _up(value: Decimal) -> Decimal:
    return decimals.quantize(value, asset=CASH, rounding=decimals.UP)
