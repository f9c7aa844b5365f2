"""What has to be closed to cure a margin deficit or an overdue deficiency, and no more. Pure.

Smallest loss of freedom first: what relieves the most of the requirement for each dollar that is
traded goes first, so that the least of what somebody owns has to go. No position is closed beyond
what cures the deficit, rounded up to a unit; what cannot be cured is closed whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Final

from risk.margin import requirements as margin
from risk.margin.requirements import Holding

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Closable:
    """A position that can be closed now, at `price`: the bid of what is long, the ask of a short.

    `unit` is the least by which its quantity changes. One that cannot be closed now has no price.
    """

    code: str
    holding: Holding
    price: Decimal | None
    unit: Decimal


@dataclass(frozen=True, slots=True)
class Closing:
    """How much of a position is to be closed: sold if it is long, bought back if it is short."""

    code: str
    quantity: Decimal
    is_buy: bool


@dataclass(frozen=True, slots=True)
class Cure:
    """What is to be cured: a deficit of what it takes to keep the positions, or to open them.

    So much of it is `spared`: it is left as it is.
    """

    is_to_open: bool = False
    spared: Decimal = ZERO


TO_KEEP: Final = Cure()


def plan(
    positions: Sequence[Closable], *, cash: Decimal, cure: Cure = TO_KEEP
) -> tuple[Closing, ...]:
    """Return what is to be closed, in order; nothing when there is no deficit."""
    left = {each.code: each for each in positions}
    found: list[Closing] = []
    deficit = _deficit(left.values(), cash, cure)
    ranked = sorted(
        (each for each in positions if each.price is not None),
        key=lambda each: (-_relief(each, positions, cure), each.code),
    )
    for each in ranked:
        if deficit <= 0:
            break
        units = int((abs(each.holding.quantity) / each.unit).to_integral_value(ROUND_CEILING))
        if _after(left, cash, each, units, cure)[0] >= deficit:
            continue  # at these prices, closing it costs more than it relieves
        needed = _least(left, cash, each, units, cure)
        quantity = min(needed * each.unit, abs(each.holding.quantity))
        found.append(Closing(each.code, quantity, is_buy=each.holding.quantity < 0))
        deficit, cash, left[each.code] = _after(left, cash, each, needed, cure)
    return tuple(found)


def _least(
    left: dict[str, Closable], cash: Decimal, closed: Closable, units: int, cure: Cure
) -> int:
    """Return the least number of units that cures, all of them when they do not: by halving."""
    if _after(left, cash, closed, units, cure)[0] > 0:
        return units
    low, high = 0, units
    while high - low > 1:
        middle = (low + high) // 2
        if _after(left, cash, closed, middle, cure)[0] > 0:
            low = middle
        else:
            high = middle
    return high


def _after(
    left: dict[str, Closable], cash: Decimal, closed: Closable, units: int, cure: Cure
) -> tuple[Decimal, Decimal, Closable]:
    """Return the deficit, the cash and the position once so many units are closed."""
    holding = closed.holding
    quantity = min(closed.unit * units, abs(holding.quantity)).copy_sign(holding.quantity)
    price = closed.price or ZERO
    reduced = replace(closed, holding=replace(holding, quantity=holding.quantity - quantity))
    money = cash + margin.Holding(quantity, price).value
    others = [each for code, each in left.items() if code != closed.code]
    return _deficit([*others, reduced], money, cure), money, reduced


def _deficit(positions: Iterable[Closable], cash: Decimal, cure: Cure) -> Decimal:
    """Return what is missing; below zero, what there is beyond."""
    holdings = [each.holding for each in positions]
    found = margin.standing(holdings, cash=cash, held=ZERO)
    required = found.initial if cure.is_to_open else found.maintenance
    return required - found.equity - cure.spared


def _relief(closed: Closable, positions: Sequence[Closable], cure: Cure) -> Decimal:
    """Return how much of the deficit a dollar relieves that is traded in this position."""
    gross = sum((abs(each.holding.value) for each in positions), ZERO)
    traded = replace(closed.holding, price=closed.price or ZERO).value
    if not traded:
        return ZERO
    lost = closed.holding.value - traded  # to those who quote
    if cure.is_to_open:
        return (margin.initial_of(closed.holding) - lost) / abs(traded)
    return (margin.maintenance_of(closed.holding, gross=gross) - lost) / abs(traded)
