"""Windows of time, and what an account was worth at the end of each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.worth import curve
from portfolio.worth.curve import NOTHING, Hours, Mark, Timeframe, Window

D = Decimal
FRIDAY = date(2026, 6, 5)


def at(text: str) -> datetime:
    """Return this time of the Friday in New York, four hours behind UTC."""
    hour, minute = map(int, text.split(":"))
    return datetime(2026, 6, 5, 4, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def mark(when: str, equity: str, paid_in: str) -> Mark:
    return Mark(at(when), D(equity), D(paid_in))


def starts(timeframe: Timeframe, hours: Hours, *, calendar: str = "XNYS") -> list[Window]:
    return curve.windows(
        timeframe, calendar=calendar, hours=hours, start=at("0:00"), end=at("23:59")
    )


@pytest.mark.parametrize(
    ("hours", "count", "first", "last_end"),
    [
        (Hours.REGULAR, 7, "9:30", "16:00"),
        (Hours.EXTENDED, 16, "4:00", "20:00"),
        (Hours.ALL, 24, "0:00", "24:00"),
    ],
)
def test_the_hours_of_a_day(hours: Hours, count: int, first: str, last_end: str) -> None:
    found = starts(Timeframe.HOUR, hours)
    assert (len(found), found[0].start, found[-1].end) == (count, at(first), at(last_end))


def test_a_market_that_never_closes_has_all_hours_regular() -> None:
    assert len(starts(Timeframe.QUARTER, Hours.REGULAR, calendar="always")) == 96


def test_days_are_those_of_the_calendar() -> None:
    week = {"start": at("0:00"), "end": at("0:00") + timedelta(days=6)}
    days = curve.windows(Timeframe.DAY, calendar="XNYS", hours=Hours.REGULAR, **week)
    assert [each.day.day for each in days] == [5, 8, 9, 10, 11]
    every = curve.windows(Timeframe.DAY, calendar="XNYS", hours=Hours.ALL, **week)
    assert [each.day.day for each in every] == [5, 6, 7, 8, 9, 10, 11]


def test_a_deposit_is_no_profit() -> None:
    marks = [
        mark("9:00", "100.00", "100.00"),
        mark("10:10", "110.00", "100.00"),
        mark("11:30", "205.00", "200.00"),
    ]
    windows = [Window(FRIDAY, at(f"{hour}:00"), at(f"{hour + 1}:00")) for hour in (8, 9, 10, 11)]
    found = curve.samples(windows, marks, base=NOTHING)
    assert [(s.mark.equity, s.profit, s.profit_ratio) for s in found] == [
        (D("100.00"), D(0), D(0)),
        (D("100.00"), D(0), D(0)),
        (D("110.00"), D("10.00"), D("0.1")),
        (D("205.00"), D("5.00"), D("0.025")),
    ]


def test_nothing_at_stake_has_no_ratio() -> None:
    [found] = curve.samples([Window(FRIDAY, at("8:00"), at("9:00"))], [], base=NOTHING)
    assert (found.mark.equity, found.profit, found.profit_ratio) == (D(0), D(0), None)


def test_each_day_may_begin_anew() -> None:
    next_day = timedelta(days=1)
    marks = [
        mark("10:00", "100.00", "100.00"),
        mark("12:00", "130.00", "100.00"),
        Mark(at("0:00") + next_day, D("120.00"), D("100.00")),
        Mark(at("10:00") + next_day, D("150.00"), D("125.00")),
    ]
    windows = [
        Window(FRIDAY, at("12:00"), at("13:00")),
        Window(FRIDAY + next_day, at("10:00") + next_day, at("11:00") + next_day),
    ]
    profits = [
        [s.profit for s in curve.samples(windows, marks, base=NOTHING, resets_daily=resets)]
        for resets in (False, True)
    ]
    assert profits == [[D("30.00"), D("25.00")], [D("30.00"), D("5.00")]]


@pytest.mark.parametrize(
    ("last", "count", "unit", "first"),
    [
        ("2026-06-05", 1, "D", "2026-06-05"),
        ("2026-06-05", 1, "W", "2026-05-30"),
        ("2026-06-05", 1, "M", "2026-05-06"),
        ("2026-03-31", 1, "M", "2026-03-01"),
        ("2026-01-15", 1, "M", "2025-12-16"),
        ("2028-02-29", 1, "A", "2027-03-01"),
        ("2026-06-05", 18, "M", "2024-12-06"),
    ],
)
def test_periods_end_with_their_last_day(last: str, count: int, unit: str, first: str) -> None:
    found = curve.first_day(date.fromisoformat(last), count=count, unit=unit)
    assert found == date.fromisoformat(first)


_moments = st.integers(0, 48 * 60).map(lambda minutes: at("0:00") + timedelta(minutes=minutes))
_cents = st.decimals("-1000", "100000", places=2)
_marks = st.lists(st.builds(Mark, _moments, _cents, _cents), max_size=20).map(
    lambda marks: sorted(marks, key=lambda each: each.at)
)


@given(marks=_marks, base=st.builds(Mark, st.just(at("0:00")), _cents, _cents))
def test_profits_of_parts_add_up(marks: list[Mark], base: Mark) -> None:
    """Whatever happened: profit is what equity gained beyond what was paid in."""
    windows = starts(Timeframe.QUARTER, Hours.ALL)
    found = curve.samples(windows, marks, base=base)
    assert [each.window for each in found] == windows
    for sample in found:
        known = [each for each in marks if each.at <= sample.window.end]
        assert sample.mark == (known[-1] if known else base)
        gained = sample.mark.equity - base.equity
        assert sample.profit == gained - (sample.mark.paid_in - base.paid_in)
