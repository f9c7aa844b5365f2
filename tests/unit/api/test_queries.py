"""Query parameters are of their type and within their bounds, or the call fails."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.api import queries
from trading.api.errors import ApiError


@pytest.mark.parametrize(
    "value",
    ["2026-01-05T14:30:00Z", "2026-01-05T14:30:00+00:00", "2026-01-05T14:30:00 00:00",
     "2026-01-05T09:30:00-05:00", "2026-01-05T14:30:00"],
)  # fmt: skip
def test_a_time_is_read_as_clients_send_it(value: str) -> None:
    assert queries.moment({"after": value}, "after") == datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def test_a_date_is_its_midnight() -> None:
    assert queries.moment({"start": "2026-01-05"}, "start") == datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2100-12-31T23:59:59-05:00", "1970-01-01T00:00:00+05:00"])
def test_a_time_is_of_its_year_in_utc(value: str) -> None:
    with pytest.raises(ApiError):
        queries.moment({"after": value}, "after")


@pytest.mark.parametrize("value", ["True", "true", "1"])
def test_yes_is_read_as_clients_send_it(value: str) -> None:
    assert queries.flag({"nested": value}, "nested") is True


def test_symbols_come_once_and_in_order() -> None:
    assert queries.symbols({"symbols": "msft, AAPL,MSFT,,"}) == ["MSFT", "AAPL"]


def test_a_limit_beyond_the_most_is_the_most() -> None:
    assert queries.whole({"limit": "9999"}, "limit", default=50, most=500) == 500


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(value: str) -> None:
    query = {"x": value}
    for read in (
        lambda: queries.text(query, "x"),
        lambda: queries.choice(query, "x", ("a", "b"), default="a"),
        lambda: queries.whole(query, "x", default=1, most=10),
        lambda: queries.flag(query, "x"),
        lambda: queries.moment(query, "x"),
        lambda: queries.day(query, "x"),
        lambda: queries.symbols(query, "x"),
    ):
        with contextlib.suppress(ApiError):
            read()
