"""The same stream leaves the same rows, in small batches and in large ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from foundation import bulk
from marketdata import services, store
from marketdata.batches import screening
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import memory
from marketdata.models import Bar, Instrument, PricePath, Quote, SuspectTick
from marketdata.ticks import Point, Tick, TradeTick
from tests.unit.marketdata.batches.market import NOW, Market, ticks_of

COUNT = 1_000
SMALL = COUNT // 10
CLASSES = {"IBM": Instrument.AssetClass.US_EQUITY, "BTC/USD": Instrument.AssetClass.CRYPTO}


@pytest.fixture(autouse=True)
def _nothing_learned(committed: None) -> Iterator[None]:
    memory.forget()
    yield
    memory.forget()


def stream(seed: int) -> list[Tick]:
    """Return two seconds of ticks around a full hour, each trade with a number of its own.

    The last trades set no last price, so that the latest trade and the last price are two.
    """
    market = Market(seed, pause=0.002, wrong=0.06, late=0.02, jumps=0.002, one_sided=0.02)
    told: list[Tick] = []
    for number, tick in enumerate(ticks_of(market, COUNT)):
        at = tick.at - timedelta(seconds=1)
        if isinstance(tick, TradeTick):
            sets_last = tick.sets_last and number < COUNT - 20
            told.append(replace(tick, at=at, trade_id=str(number), sets_last=sets_last))
        else:
            told.append(replace(tick, at=at))
    return told


def booked(told: Sequence[Tick], *, suffix: str, size: int) -> dict[str, Any]:
    """Book `told` in batches of `size`, of instruments of their own; return what is stored then."""
    for symbol, asset_class in CLASSES.items():
        Instrument.objects.create(
            code=symbol + suffix, symbol=symbol + suffix, name=symbol, exchange="X",
            asset_class=asset_class, reference_price=Decimal(100),
            price_increment=Decimal("0.0001"),
        )  # fmt: skip
    own = [replace(tick, symbol=tick.symbol + suffix) for tick in told]
    for place in range(0, len(own), size):
        services.accept(
            TickColumns.of(own[place : place + size]), source="feed", now=NOW + timedelta(seconds=1)
        )
    return {symbol: stored(symbol + suffix) for symbol in (*CLASSES, "NOBODY")}


def stored(symbol: str) -> dict[str, Any]:
    suspects = SuspectTick.objects.filter(symbol=symbol).order_by("id")
    found: dict[str, Any] = {"aside": list(suspects.values_list("reason", "tick"))}
    instrument = Instrument.objects.filter(symbol=symbol).first()
    if instrument is None:
        return found
    (quote,) = Quote.objects.filter(instrument=instrument).values()
    bars = Bar.objects.filter(instrument=instrument).order_by("timeframe", "start").values()
    paths = PricePath.objects.filter(instrument=instrument).order_by("number")
    return {
        **found,
        "quote": without(quote, "instrument_id", "sequence", "paths"),
        "bars": [without(bar, "id", "instrument_id") for bar in bars],
        "trades": taped("trade", "price, size, trade_id, sets_last", instrument),
        "quotes": taped("quote", "bid, bid_size, ask, ask_size", instrument),
        "way": [store.point(point) for path in paths for point in path.points],
    }


def taped(kind: str, names: str, instrument: Instrument) -> list[Any]:
    table = f"marketdata_tape{kind}"
    statement = f"SELECT at, {names} FROM {table} WHERE instrument_id = %s ORDER BY at, {names}"
    return list(bulk.execute(statement, [instrument.pk]))


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize("seed", range(3))
def test_at_once_or_one_by_one_small_batches_and_large_ones_leave_the_same_rows(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stream(seed)
    found = {}
    for at_once, size in ((True, COUNT), (False, COUNT), (True, SMALL), (False, SMALL)):
        monkeypatch.setattr(screening, "pays", lambda columns, is_so=at_once: is_so)
        found[at_once, size] = booked(told, suffix=f".{len(found)}", size=size)
    assert found[True, COUNT] == found[False, COUNT]
    assert found[True, SMALL] == found[False, SMALL]

    large, small = found[True, COUNT], found[True, SMALL]
    for symbol in CLASSES:
        one, other = (shape(each[symbol].pop("way")) for each in (large, small))
        assert one == other
        assert len({bar["start"] for bar in large[symbol]["bars"]}) > 2
    assert small == large
    reasons = {reason for each in large.values() for reason, _ in each["aside"]}
    assert reasons >= {"outlying", "out_of_order", "crossed", "not_finite", "unknown_symbol"}


def shape(way: Sequence[Point]) -> list[Decimal]:
    """Return what is left of a way that is too long, whatever pieces it was kept in."""
    return [way[0].price, min(way).price, max(way).price, way[-1].price]
