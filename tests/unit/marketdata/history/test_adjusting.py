"""Prices of before on today's terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from marketdata.bars import Bar
from marketdata.history import adjusting

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 5, 5, tzinfo=UTC)
D = Decimal


def bar(day: int, price: str = "100", volume: str = "10") -> Bar:
    p, v = D(price), D(volume)
    return Bar(FIRST + day * DAY, p, p, p, p, v, p * v, 1)


def closes(bars: list[Bar]) -> list[Decimal | None]:
    return [each.close for each in bars]


def test_a_split_divides_what_was_before_its_ex_date_and_nothing_else():
    told = [bar(0, "700", "3"), bar(1, "700", "3"), bar(2, "100", "21")]
    found = adjusting.adjust(told, [adjusting.split(FIRST + 2 * DAY, new=7, old=1)])
    assert found == [bar(0, "100", "21"), bar(1, "100", "21"), bar(2, "100", "21")]


def test_a_dividend_takes_the_part_of_the_price_that_it_was_and_no_volume():
    step = adjusting.dividend(FIRST + DAY, cash=D(2), close=D(100))
    found = adjusting.adjust([bar(0, "50", "4"), bar(1)], [step])
    assert (found[0].close, found[0].volume, found[0].turnover) == (49, 4, 196)
    assert found[1] == bar(1)


def test_a_dividend_of_the_whole_price_says_nothing_of_prices():
    assert adjusting.dividend(FIRST, cash=D(100), close=D(100)) is None


def test_a_spin_off_takes_its_share_of_the_value():
    found = adjusting.adjust([bar(0)], [adjusting.spin_off(FIRST + DAY, share=D("0.25"))])
    assert closes(found) == [75]


def test_steps_multiply_each_for_what_is_older_than_it():
    steps = [
        adjusting.split(FIRST + DAY, new=2, old=1),
        adjusting.split(FIRST + 3 * DAY, new=1, old=10),
    ]
    found = adjusting.adjust([bar(n) for n in (3, 2, 1, 0)], steps)
    assert closes(found) == [100, 1000, 1000, 500]


def test_a_span_with_volume_alone_has_no_prices_afterwards_either():
    empty = Bar(FIRST, None, None, None, None, D(7), D(700), 1)
    (found,) = adjusting.adjust([empty], [adjusting.split(FIRST + DAY, new=2, old=1)])
    assert found == Bar(FIRST, None, None, None, None, D(14), D(700), 1)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), max_size=8))
def test_there_and_back_is_where_it_was(ratios: list[tuple[int, int]]):
    """Each split and then its contrary: no digit is lost on the way, as rounding comes last."""
    there = [adjusting.split(FIRST + DAY, new=a, old=b) for a, b in ratios]
    back = [adjusting.split(FIRST + DAY, new=b, old=a) for a, b in ratios]
    odd = bar(0, "123.456789123", "0.000000007")
    (found,) = adjusting.adjust([odd], [*there, *back])
    assert found == odd
