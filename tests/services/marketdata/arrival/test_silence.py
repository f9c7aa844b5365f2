"""A feed that says nothing for longer than a quote may age is silent, and counted once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from marketdata import services
from marketdata.arrival.silence import Watch
from marketdata.batches.columns import TickColumns
from marketdata.models import Instrument, SuspectCount
from marketdata.ticks import QuoteTick

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
AGE = timedelta(seconds=1.8)
MOMENT = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _listed(db: None, settings: Any) -> None:
    settings.QUOTE_AGE_SECONDS_MAX = AGE.total_seconds()
    for symbol in ("IBM", "BAC", "BTC"):
        Instrument.objects.create(
            code=symbol,
            symbol=symbol,
            name=symbol,
            asset_class=Instrument.AssetClass.US_EQUITY,
            exchange="NYSE",
            reference_price=Decimal(100),
        )


def told(*symbols: str, source: str = "feed", at: datetime = NOW) -> None:
    price, size = Decimal(100), Decimal(1)
    ticks = [QuoteTick(symbol, at, price, size, price, size) for symbol in symbols]
    services.accept(TickColumns.of(ticks), source=source, now=at)


def counted() -> list[tuple[date, str, str, int]]:
    return list(SuspectCount.objects.values_list("day", "source", "reason", "count"))


def test_each_silence_counts_once_and_a_whole_feed_is_told_of() -> None:
    told("IBM", "BAC")
    told("BTC", source="other")
    watch = Watch()
    with capture_logs() as logs:
        watch.look(sources=["feed"], now=NOW + AGE)
        assert counted() == []
        told("BAC", at=NOW + AGE)
        watch.look(sources=["feed"], now=NOW + AGE + MOMENT)
        watch.look(sources=["feed"], now=NOW + AGE + 2 * MOMENT)
        assert counted() == [(date(2026, 3, 2), "feed", "silent", 1)]
        assert watch.silent_feeds == frozenset()
        watch.look(sources=["feed"], now=NOW + 3 * AGE)
        assert counted() == [(date(2026, 3, 2), "feed", "silent", 2)]
        assert watch.silent_feeds == {"feed"}
        told("IBM", at=NOW + 3 * AGE)
        watch.look(sources=["feed"], now=NOW + 3 * AGE)
        assert watch.silent_feeds == frozenset()
        watch.look(sources=["feed"], now=NOW + 5 * AGE)
    assert counted() == [(date(2026, 3, 2), "feed", "silent", 3)]
    assert [(each["event"], each["source"]) for each in logs] == [
        ("feed_silent", "feed"),
        ("feed_heard_again", "feed"),
        ("feed_silent", "feed"),
    ]
