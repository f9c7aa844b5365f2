"""Day trades, by the examples of FINRA's Regulatory Notice 21-13 and by property."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin import day_trades
from risk.margin.day_trades import Dealing

ONE = uuid.UUID(int=1)
MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)


def count(*quantities: int, overnight: int = 0, day: date = MONDAY) -> int:
    dealings = [Dealing(ONE, day, Decimal(q)) for q in quantities]
    after = {ONE: Decimal(overnight + sum(quantities))}
    return day_trades.count(day_trades.days_of(dealings, after))


@pytest.mark.parametrize(
    ("quantities", "expected"),
    [
        ([250, -250], 1),
        ([100, 150, -250], 1),
        ([250, -100, -100, -50], 1),  # sales that follow one another
        ([100, -100, 100, -100], 2),
        ([100, -50, 50, -100], 2),
        ([250], 0),
        ([-100, 100], 1),  # short, and covered
        ([-100, 60, 40], 1),
    ],
)
def test_day_trades_of_what_was_opened_today(quantities: list[int], expected: int) -> None:
    assert count(*quantities) == expected


def test_what_was_held_overnight_may_be_sold_and_bought_again() -> None:
    assert count(-100, 100, overnight=100) == 0


def test_more_of_what_was_held_overnight_is_sold_first() -> None:
    assert count(100, -100, overnight=100) == 1


def test_another_day_is_another_matter() -> None:
    dealings = [Dealing(ONE, MONDAY, Decimal(10)), Dealing(ONE, TUESDAY, Decimal(-10))]
    assert day_trades.count(day_trades.days_of(dealings, {})) == 0


def test_turning_round_closes_and_opens() -> None:
    days = day_trades.days_of(
        [Dealing(ONE, MONDAY, Decimal(q)) for q in (10, -30)], {ONE: Decimal(-20)}
    )
    day = days[ONE, MONDAY]
    assert (day.count, day.opened) == (1, Decimal(-20))
    assert day_trades.could_be_one(day, Decimal(5))
    assert not day_trades.could_be_one(day, Decimal(-5))


@given(st.lists(st.integers(-50, 50).filter(bool), max_size=12), st.integers(-100, 100))
def test_what_is_left_of_today_never_exceeds_what_was_traded(
    quantities: list[int], overnight: int
) -> None:
    dealings = [Dealing(ONE, MONDAY, Decimal(q)) for q in quantities]
    position = Decimal(overnight + sum(quantities))
    day = day_trades.days_of(dealings, {ONE: position}).get((ONE, MONDAY), day_trades.Day())
    assert abs(day.opened) <= abs(position) or day.opened * position >= 0
    assert day.count <= max(len(quantities) - 1, 0)  # one that turns round closes and opens
    if not any(q > 0 for q in quantities) or not any(q < 0 for q in quantities):
        assert overnight != 0 or day.count == 0
