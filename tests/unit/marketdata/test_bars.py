"""Bars are exact, whichever way they are put together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata import bars, calendars
from marketdata.bars import Bar, QuoteBar, Side, UnknownTimeframe
from marketdata.ticks import QuoteTick, TradeTick

NINE = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def trade(seconds: float, price: str, size: str = "100", *, sets_last: bool = True) -> TradeTick:
    at = NINE + timedelta(seconds=seconds)
    return TradeTick("IBM", at, Decimal(price), Decimal(size), "", sets_last)


def test_trades_roll_into_minutes() -> None:
    rolled = bars.roll(
        [trade(0, "10"), trade(59.999999, "9", "50"), trade(60, "12"), trade(180, "7")],
        start_of=bars.minute_of,
    )
    assert rolled == [
        Bar(NINE, Decimal(10), Decimal(10), Decimal(9), Decimal(9), Decimal(150), Decimal(1450), 2),
        Bar(
            NINE + timedelta(minutes=1),
            Decimal(12),
            Decimal(12),
            Decimal(12),
            Decimal(12),
            Decimal(100),
            Decimal(1200),
            1,
        ),
        Bar(
            NINE + timedelta(minutes=3),
            Decimal(7),
            Decimal(7),
            Decimal(7),
            Decimal(7),
            Decimal(100),
            Decimal(700),
            1,
        ),
    ]


def test_a_print_that_sets_no_price_counts_in_volume_only() -> None:
    (bar,) = bars.roll(
        [trade(0, "99", sets_last=False), trade(1, "10"), trade(2, "1", sets_last=False)],
        start_of=bars.minute_of,
    )
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades) == (
        10,
        10,
        10,
        10,
        300,
        3,
    )
    (lone,) = bars.roll([trade(0, "99", sets_last=False)], start_of=bars.minute_of)
    assert lone.open is None
    assert lone.volume == 100


def quote(seconds: float, bid: str | None, ask: str | None, size: str = "100") -> QuoteTick:
    sides = (None if price is None else Decimal(price) for price in (bid, ask))
    bid_price, ask_price = sides
    at = NINE + timedelta(seconds=seconds)
    return QuoteTick("IBM", at, bid_price, Decimal(size), ask_price, Decimal(size) * 2)


def test_quotes_roll_into_minutes_that_open_with_what_stood() -> None:
    told = [
        quote(1, "10.00", None),
        quote(59, "10.02", "10.05"),
        quote(61, "10.05", "10.06", "300"),
        quote(300, None, "10.01", "7"),
    ]
    minute = timedelta(minutes=1)
    expected = [
        QuoteBar(NINE, side("10 10.02 10 10.02", 100), side("10.05 10.05 10.05 10.05", 200)),
        QuoteBar(
            NINE + minute,
            side("10.02 10.05 10.02 10.05", 300),
            side("10.05 10.06 10.05 10.06", 600),
        ),
        QuoteBar(
            NINE + 5 * minute,
            Side(Decimal("10.05"), Decimal("10.05"), Decimal("10.05"), None, Decimal(7)),
            side("10.06 10.06 10.01 10.01", 14),
        ),
    ]
    assert list(bars.roll_quotes(told)) == expected
    assert list(bars.roll_quotes(told[2:], before=told[1])) == expected[1:]


def side(prices: str, size: int) -> Side:
    return Side(*map(Decimal, prices.split()), Decimal(size))


def test_the_average_is_the_traded_value_for_each_share() -> None:
    (bar,) = bars.roll([trade(0, "10", "1"), trade(1, "13", "2")], start_of=bars.minute_of)
    assert bar.average == Decimal(12)


trades = st.lists(
    st.tuples(
        st.integers(0, 4 * 24 * 3600),
        st.decimals(min_value=Decimal("0.0001"), max_value=10_000, places=4),
        st.decimals(min_value=Decimal("0.00000001"), max_value=10_000, places=8),
        st.booleans(),
    ),
    max_size=60,
).map(
    lambda rows: [
        TradeTick("IBM", NINE + timedelta(seconds=second), price, size, "", sets_last)
        for second, price, size, sets_last in sorted(rows, key=lambda row: row[0])
    ]
)


@given(trades, st.sampled_from(["5Min", "7Min", "1Hour", "23Hour", "1Day", "1Week", "1Month"]))
def test_bars_of_bars_are_the_bars_of_the_trades(prints: list[TradeTick], name: str) -> None:
    timeframe = bars.parse_timeframe(name)
    minutes = bars.roll(prints, start_of=bars.minute_of)
    direct = bars.roll(prints, start_of=lambda at: bars.start_of(at, timeframe=timeframe))
    assert bars.aggregate(minutes, timeframe=timeframe) == direct
    assert sum(bar.volume for bar in direct) == sum(each.size for each in prints)
    assert sum(bar.turnover for bar in direct) == sum(each.price * each.size for each in prints)


@given(
    st.datetimes(min_value=datetime(1999, 1, 1), max_value=datetime(2035, 1, 1)),  # noqa: DTZ001
    st.sampled_from(
        ["1Min", "17Min", "59Min", "1Hour", "5Hour", "1Day", "1Week", "1Month", "6Month"]
    ),
)
def test_every_instant_lies_in_exactly_one_bar(at: datetime, name: str) -> None:
    timeframe = bars.parse_timeframe(name)
    instant = at.replace(tzinfo=UTC)
    start = bars.start_of(instant, timeframe=timeframe)
    end = bars.end_of(start, timeframe=timeframe)
    assert start <= instant < end
    assert bars.start_of(start, timeframe=timeframe) == start
    assert bars.start_of(end, timeframe=timeframe) == end


@pytest.mark.parametrize(
    ("text", "name"),
    [("1Min", "1Min"), ("59Min", "59Min"), ("15T", "15Min"), ("23Hour", "23Hour"), ("1H", "1Hour"),
     ("1D", "1Day"), ("1W", "1Week"), ("1M", "1Month"), ("12Month", "12Month")],
)  # fmt: skip
def test_timeframes_are_named_as_in_the_compatible_api(text: str, name: str) -> None:
    assert str(bars.parse_timeframe(text)) == name


@pytest.mark.parametrize(
    "text",
    ["", "Min", "0Min", "60Min", "24Hour", "2Day", "2Week", "5Month", "1min", "1Year", "1Min "],
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(UnknownTimeframe):
        bars.parse_timeframe(text)


def test_a_day_begins_at_midnight_in_new_york_and_has_23_or_25_hours_when_clocks_change() -> None:
    day = bars.parse_timeframe("1Day")
    spring, autumn = calendars.midnight(date(2026, 3, 8)), calendars.midnight(date(2026, 11, 1))
    assert spring == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert bars.end_of(spring, timeframe=day) - spring == timedelta(hours=23)
    assert bars.end_of(autumn, timeframe=day) - autumn == timedelta(hours=25)


def test_a_week_begins_on_monday() -> None:
    week = bars.parse_timeframe("1Week")
    sunday_night = datetime(2026, 3, 9, 3, 59, tzinfo=UTC)  # 23:59 of Sunday in New York
    assert bars.start_of(sunday_night, timeframe=week) == calendars.midnight(date(2026, 3, 2))
    assert bars.start_of(sunday_night + timedelta(minutes=1), timeframe=week) == calendars.midnight(
        date(2026, 3, 9)
    )
