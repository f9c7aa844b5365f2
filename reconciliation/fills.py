"""Which fill that a venue tells of is which of ours. Pure.

By the venue's own id first. What is left is looked at again for what explains it: a bust, fills
that are told in other parts or under another name of the same chain of replacements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from foundation.decimals import CASH, text
from reconciliation.records import (
    ZERO,
    Apart,
    Break,
    BreakType,
    Count,
    Execution,
    Facts,
    Terms,
    Told,
)

NOTHING: Final[Facts] = {}


class Named(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=Named)


@dataclass(slots=True)
class Fills:
    """What came of it: the breaks, how much more each order has executed there, and what is apart
    for that."""

    breaks: list[Break] = field(default_factory=list)
    executed: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    apart: list[Apart] = field(default_factory=list)

    def part(self, each: Execution, sign: int) -> None:
        """Count what one side alone has moved: theirs with the sign 1, ours with -1."""
        self.apart.append(Apart(each.day, each.symbol, sign * each.signed))
        self.apart.append(Apart(each.day, CASH, sign * each.cash))


def match(ours: Told, theirs: Told, terms: Terms, count: Count) -> Fills:
    """Return the fills that only one side has, has twice, otherwise or late."""
    here, twice_here = once(ours.executions)
    there, twice_there = once(theirs.executions)
    count.ours, count.theirs = len(here), len(there)
    fills = Fills()
    for sign, again in ((1, twice_there), (-1, twice_here)):
        for each in again:
            if each.day in theirs.days:
                fills.breaks.append(_twice(each, sign))
                fills.part(each, sign)
    for name in sorted(here.keys() & there.keys()):
        _pair(here[name], there[name], theirs, terms, count, fills)
    only_here, only_there = _without(here, there), _without(there, here)
    explained = _in_other_parts(
        only_here, only_there, _undone(only_here) | _undone(only_there), terms
    )
    count.explained += len(explained)
    for sign, left, told in ((1, only_there, theirs), (-1, only_here, ours)):
        for each in left.values():
            if each.id in explained:
                fills.part(each, sign)
            # Of a day that they have not told of, that is a break of its own.
            elif each.day in theirs.days:
                executed = -each.quantity if each.busts else each.quantity
                fills.executed[terms.first(each.order)] += sign * executed
                fills.part(each, sign)
                if not _is_on_its_way(each, told, terms):
                    fills.breaks.append(_alone(each, sign))
    fills.breaks += _fees(here, there, explained, terms)
    return fills


def _pair(
    ours: Execution, theirs: Execution, told: Told, terms: Terms, count: Count, fills: Fills
) -> None:
    fills.executed[terms.first(ours.order)] += theirs.quantity - ours.quantity
    found = _differing(ours, theirs)
    if found is None:
        count.agreed += 1
    else:
        fills.breaks.append(found)
    is_told = min(ours.day, theirs.day) in told.days
    if is_told and (ours.day, ours.signed, ours.cash) != (theirs.day, theirs.signed, theirs.cash):
        fills.part(theirs, 1)
        fills.part(ours, -1)


def once(told: Iterable[N]) -> tuple[dict[str, N], list[N]]:
    """Return each by its id, and those whose id had been told before."""
    found: dict[str, N] = {}
    again = []
    for each in told:
        if each.id in found:
            again.append(each)
        else:
            found[each.id] = each
    return found, again


def _without(one: Mapping[str, Execution], other: Mapping[str, Execution]) -> dict[str, Execution]:
    return {name: one[name] for name in one if name not in other}


def _undone(left: Mapping[str, Execution]) -> set[str]:
    """Return fills with the busts that took them back, of which the other side tells neither."""
    busts = [each for each in left.values() if each.busts in left]
    return {each.id for each in busts} | {each.busts for each in busts}


def _in_other_parts(
    here: Mapping[str, Execution],
    there: Mapping[str, Execution],
    explained: set[str],
    terms: Terms,
) -> set[str]:
    """Return fills that both sides tell of, but in other parts: as much, for as much.

    That is by the first order of a chain, whichever name of it a side uses; of one day and price
    before of one day, and that before of all days, so that what is missing is not mixed in.
    """
    found = set(explained)
    for alike in (_same_day_and_price, _same_day, _same_order):
        groups: dict[tuple[object, ...], tuple[list[Execution], list[Execution]]] = {}
        for side, left in enumerate((here, there)):
            for each in left.values():
                if each.id not in found:
                    of = terms.first(each.order), each.symbol, each.signed > 0, alike(each)
                    groups.setdefault(of, ([], []))[side].append(each)
        for mine, other in groups.values():
            if mine and other and _totals(mine) == _totals(other):
                found |= {each.id for each in (*mine, *other)}
    return found


def _same_day_and_price(each: Execution) -> object:
    return each.day, each.price


def _same_day(each: Execution) -> object:
    return each.day


def _same_order(_: Execution) -> object:
    return None


def _totals(executions: Iterable[Execution]) -> tuple[Decimal, Decimal]:
    executions = list(executions)
    return (
        sum((each.signed for each in executions), ZERO),
        sum((each.gross for each in executions), ZERO),
    )


def _is_on_its_way(each: Execution, told: Told, terms: Terms) -> bool:
    return told.until is not None and each.at is not None and each.at > told.until - terms.grace


def _differing(ours: Execution, theirs: Execution) -> Break | None:
    """Return how two that have one name differ, by what matters most."""
    key, late = f"execution:{ours.id}", abs((theirs.day - ours.day).days)
    difference, cash = theirs.signed - ours.signed, theirs.gross - ours.gross
    value = abs(cash)
    if (ours.symbol, ours.signed) != (theirs.symbol, theirs.signed):
        kind = BreakType.QUANTITY
        value = max(value, abs(difference) * ours.price)
    elif ours.price != theirs.price:
        kind = BreakType.PRICE
    elif late:
        kind = BreakType.LATE
    else:
        return None
    return Break(
        kind, key, min(ours.day, theirs.day), _facts(ours), _facts(theirs), ours.symbol,
        difference, value, cash, ours.order, days_late=late,
    )  # fmt: skip


def _twice(each: Execution, sign: int) -> Break:
    facts = _facts(each) | {"told": "twice"}
    ours, theirs = (_facts(each), facts) if sign > 0 else (facts, _facts(each))
    return _of_one(BreakType.DUPLICATE, each, ours, theirs, sign)


def _alone(each: Execution, sign: int) -> Break:
    facts = _facts(each)
    if sign > 0:
        return _of_one(BreakType.MISSING_HERE, each, NOTHING, facts, sign)
    return _of_one(BreakType.MISSING_THERE, each, facts, NOTHING, sign)


def _of_one(kind: BreakType, each: Execution, ours: Facts, theirs: Facts, sign: int) -> Break:
    return Break(
        kind, f"execution:{each.id}", each.day, ours, theirs, each.symbol, sign * each.signed,
        abs(each.gross), sign * each.cash, each.order,
    )  # fmt: skip


def _facts(each: Execution) -> Facts:
    found = {
        "execution": each.id,
        "order": each.order,
        "day": each.day.isoformat(),
        "symbol": each.symbol,
        "side": each.side,
        "quantity": text(each.quantity),
        "price": text(each.price),
    }
    if each.busts:
        found["busts"] = each.busts
    if each.at is not None:
        found["at"] = each.at.isoformat()
    return found


def _fees(
    here: Mapping[str, Execution],
    there: Mapping[str, Execution],
    explained: set[str],
    terms: Terms,
) -> list[Break]:
    """Return by which orders' fees the sides differ: an order's, because it is rounded as one.

    Of an order that they do not tell the same fills of, the fills are the break.
    """
    mine, others = (
        _by_order(here.values(), terms),
        _by_order(there.values(), terms),
    )
    found = []
    for order in sorted(mine.keys() & others.keys()):
        ours, theirs = mine[order], others[order]
        if {each.id for each in ours} - explained != {each.id for each in theirs} - explained:
            continue
        charged, stated = _sum_of_fees(ours), _sum_of_fees(theirs)
        if charged is None or stated is None or charged == stated:
            continue
        found.append(
            Break(
                BreakType.FEE, f"fee:{order}", max(each.day for each in ours),
                {"order": order, "fee": text(charged)}, {"order": order, "fee": text(stated)},
                CASH, charged - stated, abs(charged - stated),
                order=max(ours, key=lambda each: (each.day, each.id)).order,
            )
        )  # fmt: skip
    return found


def _by_order(executions: Iterable[Execution], terms: Terms) -> dict[str, list[Execution]]:
    found: dict[str, list[Execution]] = defaultdict(list)
    for each in executions:
        found[terms.first(each.order)].append(each)
    return found


def _sum_of_fees(executions: Iterable[Execution]) -> Decimal | None:
    fees = [each.fee for each in executions]
    return None if None in fees else sum((fee for fee in fees if fee is not None), ZERO)
