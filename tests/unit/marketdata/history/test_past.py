"""The simulated past joins the living market, and is the same for the same seed."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marketdata import bars, calendars
from marketdata.history import past

NOW = datetime(2026, 3, 4, 15, 30, 20, tzinfo=UTC)
IBM = past.Character(
    code="US.IBM",
    calendar=calendars.ALWAYS,
    price=Decimal("246.10"),
    price_increment=Decimal("0.01"),
    volume_increment=Decimal(1),
    daily_volume=Decimal(4_200_000),
    volatility=Decimal("0.24"),
)


@pytest.fixture(scope="module")
def told() -> past.Past:
    return past.simulate(IBM, seed=1, now=NOW)


def test_it_ends_at_the_reference_price_with_the_last_full_minute(told: past.Past) -> None:
    assert told.minutes[-1].start == NOW.replace(minute=29, second=0)
    assert told.minutes[-1].close == told.days[-1].close == IBM.price


def test_it_reaches_back_a_year_in_days_and_two_days_and_today_in_minutes(told: past.Past) -> None:
    assert len(told.days) == 366
    assert told.days[0].start == calendars.midnight(NOW.date() - timedelta(days=365))
    assert told.minutes[0].start == calendars.midnight(NOW.date() - timedelta(days=2))


def test_it_has_no_gap_and_every_bar_holds_its_prices(told: past.Past) -> None:
    for rows in (told.minutes, told.days):
        assert all(b.open == a.close for a, b in itertools.pairwise(rows))
        for bar in rows:
            assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high  # type: ignore[type-var, operator]
            assert bar.low > 0
            assert bar.volume > 0
            assert bar.trades > 0
            assert bar.close % IBM.price_increment == 0  # type: ignore[operator]


def test_its_last_days_are_their_own_minutes(told: past.Past) -> None:
    timeframe = bars.parse_timeframe("1Day")
    assert list(told.days[-3:]) == bars.aggregate(told.minutes, timeframe=timeframe)


def test_the_seed_decides(told: past.Past) -> None:
    assert past.simulate(IBM, seed=1, now=NOW) == told
    assert past.simulate(IBM, seed=2, now=NOW).days[0] != told.days[0]


def test_a_market_with_hours_has_bars_in_them_only() -> None:
    listed = past.Character(**{**_fields(IBM), "calendar": "XNYS"})  # type: ignore[arg-type]
    told = past.simulate(listed, seed=1, now=datetime(2026, 3, 2, 3, tzinfo=UTC))  # Sunday evening
    assert all(calendars.is_open("XNYS", bar.start) for bar in told.minutes)
    assert told.minutes[-1].start == datetime(2026, 2, 27, 20, 59, tzinfo=UTC)
    assert told.minutes[-1].close == IBM.price


def _fields(character: past.Character) -> dict[str, object]:
    return {name: getattr(character, name) for name in character.__slots__}
