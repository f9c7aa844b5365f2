"""Instruments whose prices nobody would expect, for whoever tests the binary stream."""

from __future__ import annotations

from hypothesis import strategies as st

from marketdata.stream.pictures import (
    COUNT_MAX,
    ONE,
    PRICE_MAX,
    SECONDS_MAX,
    SIZE_MAX,
    TIME_MAX,
    TURNOVER_MAX,
    Bar,
    Depth,
    Level,
    Quote,
    Status,
    Trade,
    Units,
)

CENT = ONE // 100
OPENED_AT = 1_381_152_600_000_000  # 2013-10-07 09:30 in New York

prices = st.one_of(
    st.integers(0, 50_000).map(lambda ticks: ticks * CENT),  # most: on the tick
    st.integers(0, 20_000_000).map(lambda parts: parts * ONE // 10_000),
    st.integers(0, PRICE_MAX),
)
sizes = st.one_of(
    st.integers(0, 5_000).map(lambda lots: lots * 100 * ONE),
    st.integers(0, 9_999).map(lambda shares: shares * ONE),
    st.integers(0, SIZE_MAX),
)
times = st.one_of(
    st.integers(0, 60_000).map(lambda milliseconds: OPENED_AT + milliseconds * 1000),
    st.integers(0, 60_000_000).map(lambda microseconds: OPENED_AT + microseconds),
    st.integers(0, TIME_MAX),
)
texts = st.text(max_size=12)
trade_ids = st.one_of(
    st.just(""),
    st.integers(0, 10**16).map(str),
    st.integers(0, 120).map(lambda number: f"N{number:03}"),
    texts,
)
units = st.sampled_from(
    [Units(CENT, 100 * ONE), Units(CENT, ONE), Units(CENT, 10), Units(25 * CENT, ONE), Units(1, 1)]
)

quotes = st.builds(Quote, times, prices, sizes, prices, sizes)
trades = st.builds(
    Trade, times, prices, sizes, trade_ids, st.sampled_from(["", "N", "Q"]), texts, st.booleans()
)
bars = st.builds(
    Bar,
    st.integers(0, 2),
    st.integers(0, SECONDS_MAX),
    prices,
    prices,
    prices,
    prices,
    sizes,
    st.integers(0, COUNT_MAX),
    st.one_of(
        st.integers(0, 10**9).map(lambda value: value * ONE * CENT), st.integers(0, TURNOVER_MAX)
    ),
)
statuses = st.builds(Status, texts, st.booleans(), st.booleans(), st.booleans(), st.booleans())
_levels = st.lists(st.builds(Level, prices, sizes), max_size=5, unique_by=lambda level: level.price)
depths = st.builds(
    Depth,
    times,
    _levels.map(lambda levels: tuple(sorted(levels, reverse=True))),
    _levels.map(lambda levels: tuple(sorted(levels))),
)
updates = st.one_of(quotes, trades, bars, depths, statuses)
steps = st.lists(st.lists(updates, min_size=1, max_size=4), min_size=1, max_size=8)
