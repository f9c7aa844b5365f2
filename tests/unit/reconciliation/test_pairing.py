"""What must be true of pairing a bank's lines with ours, whatever both say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation import matching
from reconciliation.bank import pairing
from reconciliation.records import BankLine, BreakType, Count, Holding, Matter, Told

D = Decimal
FIRST = date(2026, 3, 2)
DAYS = frozenset(FIRST + timedelta(days=number) for number in range(8))
LAST = max(DAYS)
BANK = frozenset({Matter.LINE, Matter.CASH})


def line(number: int, **told: object) -> BankLine:
    return BankLine(**{"id": f"transfer:{number}", "day": FIRST, "amount": D(5), **told})  # type: ignore[arg-type]


def told(lines) -> Told:
    total = sum((each.amount for each in lines), D(0))
    return Told(DAYS, BANK, lines=tuple(lines), holdings=(Holding("USD", LAST, total),))


@st.composite
def two_sides(
    draw: st.DrawFn, *, is_distinct: bool = False
) -> tuple[list[BankLine], list[BankLine]]:
    """Return our lines and a bank's: with our reference or none, alike, amiss, late or twice.

    Where they are distinct no two lines of a side say the same.
    """
    ways = ("alike", "here", "there", "amount", "late", *(() if is_distinct else ("twice",)))
    ours, theirs = [], []
    for number in range(draw(st.integers(1, 7))):
        day = FIRST + timedelta(days=draw(st.integers(0, 5)))
        amount = D(number + 100) if is_distinct else D(draw(st.sampled_from((-3, 4, 5))))
        mine = line(number, day=day, amount=amount, reference=f"D{number}")
        said = draw(st.sampled_from((f"D{number}", f"ACH d{number} IN", "", "who is it")))
        other = BankLine(f"B{number}", day, amount, said)
        way = draw(st.sampled_from(ways))
        ours += [mine] * (way != "there")
        match way:
            case "alike" | "there":
                theirs.append(other)
            case "amount":
                theirs.append(replace(other, amount=2 * amount))
            case "late":
                theirs.append(replace(other, day=day + timedelta(days=2)))
            case "twice":
                theirs += [other, replace(other, id=f"B{number}-again")]
    return ours, theirs


@given(two_sides())
def test_each_line_is_paired_once_or_a_break_once(sides):
    ours, theirs = sides
    count = Count()
    found = pairing.match(told(ours), told(theirs), count)
    kinds = Counter(each.type for each in found.breaks)
    of_both = count.agreed + kinds[BreakType.CASH] + kinds[BreakType.LATE]
    assert of_both + kinds[BreakType.MISSING_THERE] == len(ours)
    only_theirs = kinds[BreakType.MISSING_HERE] + kinds[BreakType.DUPLICATE]
    assert of_both + only_theirs == len(theirs)
    keys = [each.key for each in found.breaks]
    assert len(set(keys)) == len(keys)


@given(two_sides())
def test_the_breaks_explain_the_balance(sides):
    ours, theirs = (told(side) for side in sides)
    found = matching.match(ours, theirs).breaks
    assert not [each for each in found if each.key.startswith("cash:")]
    apart = theirs.holdings[0].amount - ours.holdings[0].amount
    assert sum((each.difference for each in found), D(0)) == apart


@given(two_sides(is_distinct=True), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(sides, chance):
    before = matching.match(*(told(side) for side in sides))
    for side in sides:
        chance.shuffle(side)
    assert matching.match(*(told(side) for side in sides)) == before


def test_of_two_lines_that_say_the_same_the_first_of_the_file_is_ours():
    one, again = (BankLine(name, FIRST, D(5), "D1") for name in ("B9", "B10"))
    before = BankLine("B8", FIRST - timedelta(days=1), D(5), "D1")
    mine = line(1, reference="D1")
    for rows, twice in (([one, again], "B10"), ([again, one], "B9"), ([one, before], "B9")):
        found = matching.match(told([mine]), told(rows)).breaks
        assert [each.key for each in found if each.type is BreakType.DUPLICATE] == [f"line:{twice}"]


@given(two_sides())
def test_a_bank_that_says_the_same_with_our_references_agrees(sides):
    ours, _ = sides
    theirs = [
        BankLine(f"B{n}", each.day, each.amount, each.reference) for n, each in enumerate(ours)
    ]
    found = matching.match(told(ours), told(theirs))
    assert found.breaks == ()
    assert found.counts[Matter.LINE].agreed == len(ours)


@pytest.mark.parametrize(("days", "is_found"), [(5, True), (6, False)])
def test_a_line_without_a_reference_is_found_by_its_amount_within_five_days(days, is_found):
    theirs = BankLine("B1", FIRST + timedelta(days=days), D(5))
    kinds = [each.type for each in matching.match(told([line(1)]), told([theirs])).breaks]
    alone = [BreakType.MISSING_HERE, BreakType.MISSING_THERE]
    assert kinds == ([BreakType.LATE] if is_found else alone)


@pytest.mark.parametrize(("booked", "difference"), [("5", []), ("4", [D(1)])])
def test_a_correcting_entry_counts_with_the_line_that_it_corrects(booked, difference):
    entry = line(2, amount=D(booked), corrects="B1")
    theirs = BankLine("B1", FIRST, D(5), "who is it")
    found = matching.match(told([entry]), told([theirs])).breaks
    assert [each.difference for each in found] == difference
    assert {each.type for each in found} <= {BreakType.CASH}
