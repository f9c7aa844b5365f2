"""What must be true of the matching whatever two sides tell: nothing lost, nothing told twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation import fills, matching
from reconciliation.records import (
    Basis,
    BreakType,
    Count,
    Execution,
    Holding,
    Matter,
    OpenOrder,
    Terms,
    Told,
)

D = Decimal
FIRST = date(2026, 3, 2)
DAYS = frozenset(FIRST + timedelta(days=number) for number in range(5))
LAST = max(DAYS)
TRADES = frozenset({Matter.EXECUTION, Matter.ORDER})
CUSTODY = frozenset({Matter.EXECUTION, Matter.POSITION, Matter.CASH})
SYMBOLS = ("AAPL", "KO")
OTHER_WAY = {
    BreakType.MISSING_HERE: BreakType.MISSING_THERE,
    BreakType.MISSING_THERE: BreakType.MISSING_HERE,
}


def fill(number: int, **told: object) -> Execution:
    given_ = {
        "id": f"T{number}", "day": FIRST, "order": "O1", "symbol": "AAPL", "side": "buy",
        "quantity": D(10), "price": D(100), "fee": D(0), **told,
    }  # fmt: skip
    return Execution(**given_)  # type: ignore[arg-type]


@st.composite
def told_by_one(draw: st.DrawFn, *, fees: bool = False) -> list[Execution]:
    """Return what one side may tell: fills of a few orders, some of them busted."""
    found = []
    for number in range(draw(st.integers(1, 8))):
        order = draw(st.integers(1, 3))
        each = fill(
            number,
            order=f"O{order}",
            symbol=SYMBOLS[order % 2],
            side=("buy", "sell")[order == 3],
            day=draw(st.sampled_from(sorted(DAYS))),
            quantity=D(draw(st.integers(1, 4))),
            price=D(draw(st.integers(9, 11))),
            fee=D(draw(st.integers(0, 3))) / 100 if fees else D(0),
        )
        found.append(each)
        if draw(st.booleans()) and draw(st.booleans()):
            found.append(replace(each, id=f"X{number}", busts=each.id))
    return found


WAYS = ("alike",) * 3 + ("here", "there", "more", "dearer", "late", "twice", "parts")


@st.composite
def two_sides(draw: st.DrawFn) -> tuple[list[Execution], list[Execution]]:
    """Return what two sides tell of the same trades: alike, and in every way that they may not."""
    ours, theirs = [], []
    for each in draw(told_by_one()):
        way = draw(st.sampled_from(WAYS))
        ours += [each] * (way != "there")
        match way:
            case "alike" | "there":
                theirs.append(each)
            case "more":
                theirs.append(replace(each, quantity=each.quantity + draw(st.integers(1, 3))))
            case "dearer":
                theirs.append(replace(each, price=each.price + draw(st.integers(1, 2))))
            case "late":
                theirs.append(replace(each, day=min(each.day + timedelta(days=1), LAST)))
            case "twice":
                theirs += [each, each]
            case "parts":
                half = each.quantity / 2
                theirs += [replace(each, id=f"{each.id}{part}", quantity=half) for part in "ab"]
    return ours, theirs


def told(executions=(), *, matters=TRADES, holdings=(), orders=()) -> Told:
    return Told(DAYS, matters, tuple(executions), tuple(orders), tuple(holdings))


def holdings(executions) -> list[Holding]:
    """Return what is there in the end of all that was executed, with the cash that it took."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for each in executions:
        sums[each.symbol] += each.signed
        sums["USD"] += each.cash
    return [Holding(asset, LAST, amount, Basis.TRADED) for asset, amount in sorted(sums.items())]


def custody(executions) -> Told:
    return told(executions, matters=CUSTODY, holdings=holdings(executions))


def open_orders(sizes) -> list[OpenOrder]:
    return [OpenOrder(f"O{n}", LAST, "KO", "buy", D(size)) for n, size in enumerate(sizes) if size]


# --- Whatever they tell ------------------------------------------------------------------------


@given(told_by_one(fees=True), st.lists(st.integers(0, 3), max_size=4))
def test_sides_that_tell_the_same_agree_in_all(executions, sizes):
    orders = open_orders(sizes)
    side = told(
        executions, matters=CUSTODY | {Matter.ORDER}, holdings=holdings(executions), orders=orders
    )  # fmt: skip
    found = matching.match(side, side)
    assert found.breaks == ()
    for matter, count in found.counts.items():
        assert count.agreed == count.ours == count.theirs, matter
        assert count.explained == count.broken == 0, matter


@given(two_sides(), st.lists(st.integers(0, 3), min_size=4, max_size=8))
def test_to_swap_the_sides_swaps_what_is_missing_and_turns_every_sign(sides, sizes):
    ours, theirs = sides
    mine, other = open_orders(sizes[::2]), open_orders(sizes[1::2])
    one = matching.match(told(ours, orders=mine), told(theirs, orders=other))
    swapped = matching.match(told(theirs, orders=other), told(ours, orders=mine))
    there = Counter(
        (OTHER_WAY.get(each.type, each.type), each.key, each.day, -each.difference, -each.cash)
        for each in one.breaks
    )
    assert Counter(
        (each.type, each.key, each.day, each.difference, each.cash) for each in swapped.breaks
    ) == there  # fmt: skip


@given(two_sides(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(sides, chance):
    before = matching.match(*(custody(side) for side in sides))
    shuffled = []
    for side in sides:
        rows, totals = list(side), holdings(side)
        chance.shuffle(rows)
        chance.shuffle(totals)
        shuffled.append(told(rows, matters=CUSTODY, holdings=totals))
    assert matching.match(*shuffled) == before


@given(two_sides())
def test_the_breaks_explain_all_by_which_the_totals_differ(sides):
    """By symbol and in cash; positions and cash are therefore not told again."""
    found = matching.match(*(custody(side) for side in sides)).breaks
    assert {each.key.partition(":")[0] for each in found} <= {"execution"}
    apart: dict[str, Decimal] = defaultdict(Decimal)
    for each in found:
        apart[each.asset] += each.difference
        apart["USD"] += each.cash
    for sign, side in zip((1, -1), sides, strict=True):
        for each in holdings(side):
            apart[each.asset] += sign * each.amount
    assert not any(apart.values()), dict(apart)


@given(two_sides())
def test_each_row_is_agreed_explained_or_broken_and_that_once(sides):
    ours, theirs = sides
    count = Count()
    found = fills.match(told(ours), told(theirs), Terms(), count)
    names = {each.id for each in (*ours, *theirs)}
    again = sum(each.type is BreakType.DUPLICATE for each in found.breaks)
    assert count.agreed + count.explained + len(found.breaks) - again == len(names)
    told_once = [each.key for each in found.breaks if each.type is not BreakType.DUPLICATE]
    assert len(set(told_once)) == len(told_once)


# --- One thing that is wrong -------------------------------------------------------------------


def left_out(rows, at):
    return [*rows[:at], *rows[at + 1 :]], BreakType.MISSING_THERE


def invented(rows, at):
    return [*rows, fill(99, order="O9", symbol=rows[at].symbol)], BreakType.MISSING_HERE


def more(rows, at):
    return _told_as(rows, at, quantity=rows[at].quantity + 1), BreakType.QUANTITY


def other_way(rows, at):
    side = {"buy": "sell", "sell": "buy"}[rows[at].side]
    return _told_as(rows, at, side=side), BreakType.QUANTITY


def dearer(rows, at):
    return _told_as(rows, at, price=rows[at].price + D("0.01")), BreakType.PRICE


def costlier(rows, at):
    return _told_as(rows, at, fee=rows[at].fee + D("0.02")), BreakType.FEE


def twice(rows, at):
    return [*rows, rows[at]], BreakType.DUPLICATE


def late(rows, at):
    day = rows[at].day
    return _told_as(rows, at, day=day + timedelta(days=1 if day < LAST else -1)), BreakType.LATE


def _told_as(rows, at, **otherwise):
    return [*rows[:at], replace(rows[at], **otherwise), *rows[at + 1 :]]


PLANTED = (left_out, invented, more, other_way, dearer, costlier, twice, late)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
@given(executions=told_by_one(fees=True), place=st.integers(0, 30))
def test_one_thing_that_is_wrong_is_one_break_of_its_type(plant, executions, place):
    """Its position and cash differ as well, and are not told again."""
    at = place % len(executions)
    theirs, kind = plant(executions, at)
    [found] = matching.match(custody(executions), custody(theirs)).breaks
    assert found.type is kind
    if kind is BreakType.FEE:
        assert (found.key, found.difference) == (f"fee:{executions[at].order}", D("-0.02"))


@given(told_by_one(), st.sampled_from([*SYMBOLS, "USD"]), st.integers(1, 9), st.booleans())
def test_a_holding_that_nothing_explains_is_one_break(executions, asset, much, is_less):
    ours = custody(executions)
    by = D(-much if is_less else much)
    amounts = {each.asset: each.amount for each in ours.holdings}
    amounts[asset] = amounts.get(asset, D(0)) + by
    stated = tuple(Holding(name, LAST, amount) for name, amount in amounts.items())
    [found] = matching.match(ours, replace(ours, holdings=stated)).breaks
    kind = BreakType.CASH if asset == "USD" else BreakType.POSITION
    assert (found.type, found.asset, found.difference) == (kind, asset, by)


@pytest.mark.parametrize(
    ("here", "there", "kind", "difference"),
    [
        (5, 0, BreakType.MISSING_THERE, -5),
        (0, 5, BreakType.MISSING_HERE, 5),
        (5, 6, BreakType.QUANTITY, 1),
    ],
)
def test_an_order_that_is_open_otherwise_is_one_break(here, there, kind, difference):
    [found] = matching.match(
        told(orders=open_orders([here, 2])), told(orders=open_orders([there, 2]))
    ).breaks
    assert (found.type, found.key, found.difference) == (kind, "order:O0", difference)


# --- Where the bounds lie ----------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "is_break"), [(59, False), (60, True), (61, True)], ids=str)
def test_what_is_younger_than_a_minute_may_be_on_its_way(seconds, is_break):
    until = datetime(2026, 3, 2, 17, tzinfo=UTC)
    one = fill(1, at=until - timedelta(seconds=seconds))
    for sides in (([one], []), ([], [one])):
        ours, theirs = (replace(told(side), until=until) for side in sides)
        assert bool(matching.match(ours, theirs).breaks) is is_break


def test_two_fills_under_each_others_names_are_one_until_both_have_told_both():
    """Nobody can say on the first evening that they are two: as many, for as much, of one order."""
    ours, theirs = fill(1), fill(2)
    evening = matching.match(told([ours]), told([theirs]))
    assert evening.breaks == ()
    assert evening.counts[Matter.EXECUTION].explained == 2
    one_more = matching.match(told([ours, theirs]), told([theirs]))
    assert [each.key for each in one_more.breaks] == ["execution:T1"]
    assert matching.match(told([ours, theirs]), told([theirs, ours])).breaks == ()
    dearer_ = replace(theirs, price=D("100.01"))
    assert len(matching.match(told([ours]), told([dearer_])).breaks) == 2
