"""The way of the last price through a batch: short, and nothing that matters is left out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata import ticks
from marketdata.ticks import Point, TradeTick

START = datetime(2026, 3, 2, 15, tzinfo=UTC)


def trades(prices: Sequence[int], *, sets_last: bool = True) -> list[TradeTick]:
    return [
        TradeTick("IBM", at(place), Decimal(price), Decimal(1), str(place), sets_last)
        for place, price in enumerate(prices)
    ]


def at(place: int) -> datetime:
    return START + timedelta(milliseconds=place)


def prices_of(points: Sequence[Point]) -> list[int]:
    return [int(point.price) for point in points]


def deepest_fall(prices: Sequence[int]) -> int:
    """Return how far below an earlier price a later one lies: what reaches trailing stops."""
    highs = itertools.accumulate(prices, max)
    return max(high - price for high, price in zip(highs, prices, strict=True))


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([], []),
        ([5], [5]),
        ([5, 5, 5], [5, 5]),
        ([1, 2, 3], [1, 3]),
        ([1, 3, 2, 2, 1, 4], [1, 3, 1, 4]),
        ([104, 105, 104], [104, 105, 104]),
    ],
)
def test_where_it_began_turned_and_ended(prices, expected):
    assert prices_of(ticks.path(trades(prices))) == expected


def test_a_point_has_the_time_of_its_trade_and_odd_prints_have_none():
    told = [*trades([1, 2]), *trades([9], sets_last=False)]
    assert ticks.path(told) == [Point(Decimal(1), at(0)), Point(Decimal(2), at(1))]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=ticks.POINTS_MAX))
def test_whoever_follows_the_path_has_seen_what_matters(prices):
    seen = prices_of(ticks.path(trades(prices)))
    assert (min(seen), max(seen)) == (min(prices), max(prices))
    assert (seen[0], seen[-1]) == (prices[0], prices[-1])
    assert deepest_fall(seen) == deepest_fall(prices)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=200))
def test_a_path_is_short_and_has_the_extremes(prices):
    seen = prices_of(ticks.path(trades(prices)))
    assert len(seen) <= ticks.POINTS_MAX
    assert (min(seen), max(seen), seen[-1]) == (min(prices), max(prices), prices[-1])
