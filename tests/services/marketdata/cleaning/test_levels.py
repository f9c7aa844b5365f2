"""What a process has learned of a price lasts from batch to batch, and no batch undone teaches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from marketdata import services
from marketdata.batches import screening
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import levels, memory
from marketdata.models import Bar, Instrument, Quote, SuspectTick
from marketdata.ticks import QuoteTick, Tick, TradeTick

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_learned() -> Iterator[None]:
    memory.forget()
    yield
    memory.forget()


@pytest.fixture
def ibm(committed: None) -> Instrument:
    """Return an instrument whose quotes have stood at 100 for as many slots as are needed."""
    instrument = Instrument.objects.create(
        code="IBM",
        symbol="IBM",
        name="IBM",
        asset_class=Instrument.AssetClass.US_EQUITY,
        exchange="NYSE",
        reference_price=Decimal(100),
    )
    for number in range(levels.CLOSES_MIN + 1):
        at = NOW - (levels.CLOSES_MIN - number) * levels.SLOT
        services.accept(
            TickColumns.of([quote("99.99", at=at), trade("100", at=at)]), source="feed", now=at
        )
    return instrument


def quote(bid: str, *, at: datetime = NOW) -> QuoteTick:
    price = Decimal(bid)
    return QuoteTick("IBM", at, price, Decimal(100), price + Decimal("0.02"), Decimal(100))


def trade(price: str, *, at: datetime = NOW, number: str = "") -> TradeTick:
    return TradeTick("IBM", at, Decimal(price), Decimal(10), number)


def accept(*told: Tick, now: datetime = NOW) -> None:
    services.accept(TickColumns.of(told), source="feed", now=now)


def aside() -> list[str]:
    return list(SuspectTick.objects.order_by("id").values_list("reason", flat=True))


def test_a_still_price_is_watched_closely_and_doubted_when_it_moves_far(ibm: Instrument) -> None:
    accept(trade("100.49"))
    assert aside() == []
    accept(trade("100.51"))
    assert aside() == ["outlying"]
    standing = Quote.objects.get(instrument=ibm)
    assert (standing.last, standing.doubts) == (Decimal("100.49"), 1)
    accept(trade("100.50"))
    assert Quote.objects.get(instrument=ibm).doubts == 0


def test_a_process_that_starts_anew_believes_more(ibm: Instrument) -> None:
    memory.forget()
    accept(trade("102"))
    assert aside() == []
    assert Quote.objects.get(instrument=ibm).last == 102


def test_a_batch_that_was_not_committed_teaches_nothing(ibm: Instrument) -> None:
    later = NOW + levels.SLOT
    with transaction.atomic():
        accept(*[trade(price, at=later) for price in ("103", "103", "103")], now=later)
        assert Quote.objects.get(instrument=ibm).last == 103  # a new level, if it had stayed
        transaction.set_rollback(True)
    accept(trade("100.51", at=later), now=later)
    assert aside() == ["outlying"]


def test_many_ticks_are_booked_as_few_are(ibm: Instrument) -> None:
    count = screening.AT_ONCE_MIN + screening.AT_ONCE_MIN_EACH
    told: list[Tick] = [trade("100", number=str(number)) for number in range(count)]
    accept(*told, trade("120", number="wrong"), trade("NaN"), quote("100.01"))
    assert sorted(aside()) == ["not_finite", "outlying"]
    latest = Quote.objects.get(instrument=ibm)
    assert (latest.last, latest.bid, latest.doubts) == (100, Decimal("100.01"), 0)
    minute = Bar.objects.get(instrument=ibm, timeframe=Bar.Timeframe.MINUTE, start=NOW)
    assert (minute.high, minute.trades) == (100, count + 1)
    accept(*told)
    again = Bar.objects.get(instrument=ibm, timeframe=Bar.Timeframe.MINUTE, start=NOW)
    assert again.trades == minute.trades
    assert set(aside()[2:]) == {"repeated"}
