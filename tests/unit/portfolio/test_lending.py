"""What a day of a debit costs, and what is due when."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio import lending

D = Decimal


@pytest.mark.parametrize(
    ("debit", "rate", "expected"),
    [
        ("10000", "0.08", "2.222222222"),  # 10,000 x 0.08 / 360
        ("36000", "0.10", "10"),
        ("0.01", "0.08", "0.000002222"),
        ("0", "0.08", "0"),
    ],
)
def test_a_day_costs_the_rate_over_360(debit, rate, expected):
    assert lending.interest_of_day(debit=D(debit), rate=D(rate)) == D(expected)


@pytest.mark.parametrize(
    ("accrued", "charged"), [("66.666666660", "66.67"), ("0.005", "0.00"), ("0.015", "0.02")]
)
def test_a_month_is_charged_in_cents_half_to_even(accrued, charged):
    assert lending.charge(D(accrued)) == D(charged)


def test_the_first_day_ever_is_yesterday():
    assert lending.days_to_accrue(None, today=date(2026, 3, 1)) == [date(2026, 2, 28)]


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 60))
def test_every_missed_day_is_made_up_for_once_and_today_is_not_over(last, later):
    today = last + timedelta(days=later)
    days = lending.days_to_accrue(last, today=today)
    assert len(days) == max(later - 1, 0)
    assert all(last < day < today for day in days)
    assert lending.days_to_accrue(days[-1] if days else last, today=today) == []
