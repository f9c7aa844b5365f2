"""Hold what we say against what they say: executions, open orders, positions, cash, bank lines.

Pure. Everything is paired by name first; what is left is looked at again for what explains it
without a fault of either side: a bust, a chain of replacements, fills told in other parts, a day's
boundary, a settlement under way. The rest are breaks, each told once: a missing fill is not told
again as a wrong position.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from foundation.decimals import CASH, text
from reconciliation import fills
from reconciliation.bank import pairing
from reconciliation.records import (
    ZERO,
    Apart,
    Basis,
    Break,
    BreakType,
    Count,
    Facts,
    Holding,
    Matched,
    Matter,
    OpenOrder,
    Terms,
    Told,
)

NOTHING: Final[Facts] = {}
DEFAULT: Final = Terms()


def match(ours: Told, theirs: Told, terms: Terms = DEFAULT) -> Matched:
    """Return what the two sides do not agree on, of all that they tell of."""
    counts = {matter: Count() for matter in Matter if matter in theirs.matters & ours.matters}
    breaks: list[Break] = []
    apart: list[Apart] = []
    executed: Mapping[str, Decimal] = {}
    if Matter.EXECUTION in counts:
        found = fills.match(ours, theirs, terms, counts[Matter.EXECUTION])
        breaks, apart, executed = found.breaks, found.apart, found.executed
    if Matter.ORDER in counts:
        breaks += _orders(ours, theirs, terms, executed, counts[Matter.ORDER])
    if Matter.LINE in counts:
        lines = pairing.match(ours, theirs, counts[Matter.LINE])
        breaks += lines.breaks
        apart += lines.apart
    for matter in (Matter.POSITION, Matter.CASH):
        if matter in counts:
            breaks += _holdings(ours, theirs, terms, apart, matter, counts[matter])
    breaks = [each for each in breaks if each.day in theirs.days]
    for each in breaks:
        matter = _matter_of(each)
        if matter in counts:
            counts[matter].broken += 1
    return Matched(tuple(sorted(breaks, key=lambda each: each.key)), counts)


def _matter_of(found: Break) -> Matter:
    kind = found.key.partition(":")[0]
    return Matter.EXECUTION if kind == "fee" else Matter(kind)


# --- Orders that are open at the end -------------------------------------------------------------


def _orders(
    ours: Told, theirs: Told, terms: Terms, executed: Mapping[str, Decimal], count: Count
) -> list[Break]:
    """Return orders of which another quantity is open: what fills do not explain."""
    here, _ = fills.once(ours.orders)
    there, _ = fills.once(theirs.orders)
    count.ours, count.theirs = len(here), len(there)
    mine, other = _by_chain(here.values(), terms), _by_chain(there.values(), terms)
    breaks = []
    for chain in sorted(mine.keys() | other.keys()):
        group, others = mine.get(chain, []), other.get(chain, [])
        left, stated = _leaves(group), _leaves(others)
        one = (group or others)[0]
        if left == stated:
            count.agreed += len(group)
        elif any(each.is_moving for each in (*group, *others)) or (
            stated - left == -executed.get(chain, ZERO)
        ):
            count.explained += len(group) or len(others)
        elif one.day in theirs.days or others:
            breaks.append(_of_order(one, group, others, stated - left))
    return breaks


def _by_chain(orders: Iterable[OpenOrder], terms: Terms) -> dict[str, list[OpenOrder]]:
    found: dict[str, list[OpenOrder]] = defaultdict(list)
    for each in sorted(orders, key=lambda each: each.id):
        found[terms.first(each.id)].append(each)
    return found


def _leaves(orders: Iterable[OpenOrder]) -> Decimal:
    return sum((each.leaves for each in orders), ZERO)


def _of_order(
    one: OpenOrder, mine: list[OpenOrder], other: list[OpenOrder], difference: Decimal
) -> Break:
    has_leaves = _leaves(mine), _leaves(other)
    kind = BreakType.QUANTITY
    if not has_leaves[0]:
        kind = BreakType.MISSING_HERE
    elif not has_leaves[1]:
        kind = BreakType.MISSING_THERE
    sides = [
        {"order": each[0].id, "symbol": one.symbol, "side": one.side, "open": text(_leaves(each))}
        if each
        else NOTHING
        for each in (mine, other)
    ]
    return Break(
        kind, f"order:{one.id}", one.day, sides[0], sides[1], one.symbol, difference, order=one.id
    )


# --- Positions and cash --------------------------------------------------------------------------


def _holdings(
    ours: Told, theirs: Told, terms: Terms, apart: Iterable[Apart], matter: Matter, count: Count
) -> list[Break]:
    """Return assets of which there is more or less there, beyond what is told already."""
    is_cash = matter is Matter.CASH
    kind = BreakType.CASH if is_cash else BreakType.POSITION

    mine, stated = _of(ours, is_cash=is_cash), _of(theirs, is_cash=is_cash)
    # Who has nothing of anything does not say on which basis.
    stated_on = {(day, on) for day, on, _ in stated} or {(max(theirs.days), Basis.TRADED)}
    # Only of the days and on the basis that they state: what they do not name there is nothing.
    mine = {key: each for key, each in mine.items() if key[:2] in stated_on}
    count.ours, count.theirs = len(mine), len(stated)
    breaks = []
    for key in sorted(mine.keys() | stated.keys()):
        day, on, asset = key
        here, there = mine.get(key), stated.get(key)
        amounts = here.amount if here else ZERO, there.amount if there else ZERO
        difference = amounts[1] - amounts[0]
        carried = terms.carried.get(asset, ZERO)
        known = [
            carried + sum(e.amount for e in apart if e.asset == asset and e.day <= until)
            for until in _counted_until(day, on, theirs.days)
        ]
        beyond = difference - known[0]
        if difference == 0:
            count.agreed += 1
        elif difference in known:
            count.explained += 1
        else:
            breaks.append(
                Break(
                    kind, f"{matter}:{asset}", day, {asset: text(amounts[0])},
                    {asset: text(amounts[1])}, asset, beyond, abs(beyond) if is_cash else ZERO,
                    is_timing=here is not None and beyond in here.timing,
                )
            )  # fmt: skip
    return breaks


def _of(told: Told, *, is_cash: bool) -> dict[tuple[date, Basis, str], Holding]:
    return {
        (each.day, each.on, each.asset): each
        for each in told.holdings
        if (each.asset == CASH) == is_cash
    }


def _counted_until(day: date, on: Basis, days: Iterable[date]) -> list[date]:
    """Return up to which days a holding may count what was told of them, the likeliest first.

    By settlement that is usually all but the day itself; a holiday may make it more.
    """
    if on is Basis.TRADED:
        return [day]
    before = sorted((each for each in days if each < day), reverse=True)
    return [*before[:1], day, *before[1:]]
