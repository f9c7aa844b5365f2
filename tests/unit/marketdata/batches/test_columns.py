"""Ticks side by side are the same ticks, and their bars the same bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata import outcomes
from marketdata.batches import conflation
from marketdata.batches.columns import TickColumns
from marketdata.ticks import QuoteTick, Tick, TradeTick

START = datetime(2026, 3, 2, 4, 58, tzinfo=UTC)  # two minutes before a New York midnight

times = st.integers(0, 4 * 60 * 1_000_000).map(lambda us: START + timedelta(microseconds=us))
symbols = st.sampled_from(["IBM", "BAC", "BTC/USD"])


def amounts(places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=Decimal(1), max_value=10_000, places=places)


numbers = st.sampled_from([0, 2, 4, 9]).flatmap(amounts)
trades = st.builds(TradeTick, symbols, times, numbers, numbers, st.text(max_size=2), st.booleans())
quotes = st.builds(
    QuoteTick, symbols, times, st.none() | numbers, numbers, st.none() | numbers, numbers
)
odd = st.builds(
    TradeTick,
    symbols,
    times,
    st.sampled_from(["NaN", "sNaN", "-Infinity", "1e10", "1e-10"]).map(Decimal),
    numbers,
    st.text(max_size=2),
)


def same(one: Tick, other: Tick) -> bool:
    return repr(one) == repr(other) or one == other  # NaN is not equal to itself


@settings(max_examples=40)
@given(st.lists(trades | quotes | odd, max_size=20))
def test_ticks_come_out_of_columns_as_they_went_in(told: list[Tick]) -> None:
    columns = TickColumns.of(told)
    assert len(columns) == len(told)
    for form in (columns, columns.by_symbol()):
        assert all(map(same, form.ticks(), told))
    assert list(columns.by_symbol().trades.symbol) == sorted(columns.trades.symbol)


@settings(max_examples=40)
@given(st.lists(trades | quotes | odd, max_size=20), st.sets(symbols), st.sets(st.integers(0, 19)))
def test_ticks_are_taken_out_by_their_symbols_and_places(
    told: list[Tick], names: set[str], places: set[int]
) -> None:
    columns = TickColumns.of(told)
    assert columns.names == {tick.symbol for tick in told}
    assert columns.places == list(range(len(told)))
    chosen, others = columns.parted(names)
    assert all(map(same, chosen.ticks(), [tick for tick in told if tick.symbol in names]))
    assert all(map(same, others.ticks(), [tick for tick in told if tick.symbol not in names]))
    assert len(chosen) + len(others) == len(told)
    rest = columns.without(sorted(places)).ticks()
    kept = [tick for place, tick in enumerate(told) if place not in places]
    assert len(rest) == len(kept) and all(map(same, rest, kept))


few_prices = st.builds(
    TradeTick, symbols, times, st.integers(1, 4).map(Decimal), numbers, st.just(""), st.booleans()
)


@settings(max_examples=60)
@given(st.lists(few_prices | trades | quotes, max_size=120))
def test_columns_come_to_what_their_ticks_come_to(told: list[Tick]) -> None:
    assert conflation.outcome(TickColumns.of(told).by_symbol()) == outcomes.of_ticks(told)


def test_what_fits_into_no_column_counts_as_well() -> None:
    told = [
        TradeTick("IBM", START, Decimal(1), Decimal(2), "1"),
        TradeTick("IBM", START, Decimal("1.0000000001"), Decimal(2), "2"),
    ]
    assert conflation.outcome(TickColumns.of(told)) == outcomes.of_ticks(told)
