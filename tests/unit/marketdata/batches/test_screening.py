"""Whole batches are judged as their ticks would be, one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.batches import screening
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import rules
from marketdata.cleaning.rules import Known, Reason
from marketdata.ticks import Tick, TradeTick
from tests.unit.marketdata.batches.market import NOW, Market, ticks_of

markets = st.builds(
    Market,
    seed=st.integers(0, 2**32),
    pause=st.sampled_from([0.2, 1.0, 4.0]),
    wrong=st.sampled_from([0, 0.01, 0.2]),
    late=st.sampled_from([0, 0.05]),
    jumps=st.sampled_from([0, 0.02]),
    one_sided=st.sampled_from([0, 0.05]),
)


def begun() -> dict[str, Known]:
    return {
        "IBM": Known(asset_class="us_equity"),
        "BTC/USD": Known(asset_class="crypto", increment=Decimal("0.0001")),
        "QUIET": Known(asset_class="us_equity", source="another"),
    }


@settings(max_examples=15)
@given(market=markets, length=st.sampled_from([1, 7, 60]), is_live=st.booleans())
def test_a_batch_is_judged_as_its_ticks_one_by_one(
    market: Market, length: int, is_live: bool
) -> None:
    ticks = list(ticks_of(market, 160))
    by_one, at_once = begun(), begun()
    for place in range(0, len(ticks), length):
        batch = ticks[place : place + length]
        now = max(tick.at for tick in batch) - timedelta(seconds=3) if is_live else None
        expected = rules.clean(ticks=batch, known=by_one, source="feed", now=now)
        found = screening.clean(TickColumns.of(batch), known=at_once, source="feed", now=now)
        assert found.believed.ticks() == list(expected.believed)
        assert [normal(suspect) for _, suspect in found.suspects] == list(
            map(normal, expected.suspects)
        )
        assert found.known == expected.known
        by_one, at_once = dict(expected.known), dict(found.known)


@pytest.mark.parametrize("now", [NOW, None])
def test_a_clock_that_is_centuries_off_disturbs_no_other_instrument(now: datetime | None) -> None:
    symbols = [f"S{number}" for number in range(60)]
    known = {symbol: Known(asset_class="us_equity") for symbol in symbols}
    moments = [NOW, datetime(9000, 1, 1, tzinfo=UTC), NOW - timedelta(seconds=1), NOW]
    ticks: list[Tick] = [
        TradeTick(symbol, at, Decimal(100), Decimal(1), "")
        for at in (NOW, *moments)
        for symbol in symbols
    ]
    expected = rules.clean(ticks=ticks, known=known, source="feed", now=now)
    found = screening.clean(TickColumns.of(ticks), known=known, source="feed", now=now)
    assert found.believed.ticks() == list(expected.believed)
    assert found.known == expected.known


def normal(suspect: rules.Suspect) -> tuple[Reason, str, datetime, list[str]]:
    tick = suspect.tick
    numbers = (
        [tick.price, tick.size]
        if isinstance(tick, TradeTick)
        else [each for each in (tick.bid, tick.ask) if each is not None]
    )
    plain = [str(n.normalize()) if n.is_finite() else str(n) for n in numbers]
    return suspect.reason, tick.symbol, tick.at, plain


def test_the_made_up_markets_reach_every_reason_and_new_levels() -> None:
    wild = [Market(seed, 1.0, 0.2, 0.05, 0.02, 0.05) for seed in range(8)]
    seen: set[Reason] = set()
    for market in wild:
        known = begun()
        ticks = list(ticks_of(market, 270))
        for batch in (ticks[place : place + 30] for place in range(0, len(ticks), 30)):
            now = max(tick.at for tick in batch) - timedelta(seconds=3)
            cleaned = rules.clean(ticks=batch, known=known, source="feed", now=now)
            seen |= {suspect.reason for suspect in cleaned.suspects}
            known = dict(cleaned.known)
    assert seen == set(Reason) - {Reason.OTHER_SOURCE}  # seen before: see `sources`
