"""An instrument has one source of prices: ticks of any other are refused, counted and not mixed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marketdata import services
from marketdata.arrival import late
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import memory
from marketdata.models import Bar, Instrument, PricePath, Quote, SuspectCount, TapeTrade
from marketdata.ticks import SIMULATED, QuoteTick, Tick, TradeTick

D = Decimal
NOW = datetime(2026, 3, 2, 15, 0, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FEED = "acme"


@pytest.fixture(autouse=True)
def feed(settings, db):
    settings.FEEDS = {FEED: "ws://127.0.0.1:1", "other": "ws://127.0.0.1:2"}
    memory.forget()


def listed(symbol: str = "IBM", *, source: str = FEED) -> Instrument:
    return Instrument.objects.create(
        code=symbol, symbol=symbol, name=symbol, asset_class="us_equity", exchange="NYSE",
        reference_price=D(100), source=source,
    )  # fmt: skip


def quote(bid: str, ask: str, *, symbol: str = "IBM") -> QuoteTick:
    return QuoteTick(symbol, NOW, D(bid), D(100), D(ask), D(200))


def trade(price: str, size: str, number: int, *, second: float = 0, symbol: str = "IBM"):
    at = NOW + second * SECOND
    return TradeTick(symbol, at, D(price), D(size), str(number))


def accept(ticks: Iterable[Tick], source: str = FEED, now: datetime = NOW) -> None:
    services.accept(TickColumns.of(ticks), source=source, now=now)


def standing(instrument: Instrument) -> dict[str, object]:
    return Quote.objects.filter(instrument=instrument).values().get()


def refused(source: str) -> int:
    found = SuspectCount.objects.filter(source=source, reason="other_source").first()
    return found.count if found else 0


@pytest.mark.parametrize("source", [SIMULATED, "replay", "other"])
def test_of_an_instrument_with_a_feed_no_other_source_is_heard(source):
    ibm = listed()
    accept([quote("99", "100"), trade("99.5", "10", 1)])
    before = standing(ibm)
    accept([quote("50", "51"), trade("50.5", "7", 2)], source=source)
    assert standing(ibm) == before
    assert refused(source) == 2
    assert TapeTrade.objects.count() == 1
    assert set(Bar.objects.values_list("source", "volume")) == {(FEED, D(10))}


def test_a_feed_tells_nothing_of_what_has_the_prices_of_the_house():
    bac = listed("BAC", source="")
    accept([trade("10", "5", 1, symbol="BAC")], source=SIMULATED)
    before = standing(bac)
    accept([trade("20", "5", 2, symbol="BAC")])
    assert standing(bac) == before
    assert refused(FEED) == 1


def test_what_is_refused_does_not_unlearn_the_levels_of_the_source():
    listed()
    accept([trade("100", "1", 1)])
    accept([trade("500", "1", 2)], source=SIMULATED)
    accept([trade("500", "1", 3)])  # beyond the fence around 100
    assert Quote.objects.get().last == D(100)
    assert SuspectCount.objects.get(source=FEED).reason == "outlying"


class TestLate:
    def told(self, *trades: TradeTick, source: str = FEED) -> tuple[int, int, int]:
        taken = late.accept(trades, source=source, now=NOW + 10 * SECOND)
        return taken.booked, taken.held, taken.kept_aside

    def test_they_repair_the_bars_and_the_day_and_are_never_the_last_price(self):
        ibm = listed()
        accept([quote("99", "101"), trade("100", "10", 5)])
        paths = PricePath.objects.count()
        booked = self.told(
            trade("101", "2", 3, second=-20), trade("99.5", "3", 2, second=-25),
            trade("100.5", "4", 6, second=2),
        )  # fmt: skip
        assert booked == (3, 0, 0)
        after = Quote.objects.get(instrument=ibm)
        assert (after.last, after.last_at, after.last_trade_id) == (D(100), NOW, "5")
        assert (after.day_open, after.day_high, after.day_low) == (D("99.5"), D(101), D("99.5"))
        assert after.day_volume == D(19)
        assert PricePath.objects.count() == paths
        for bar in Bar.objects.filter(instrument=ibm):
            assert (bar.open, bar.high, bar.low, bar.close) == (
                D("99.5"), D(101), D("99.5"), D("100.5"),
            )  # fmt: skip
            assert (bar.volume, bar.trades) == (D(19), 4)

    def test_each_counts_once_however_often_and_by_whom_it_is_told(self):
        listed()
        accept([trade("100", "10", 5)])
        assert self.told(trade("100", "10", 5), trade("100", "1", 4, second=-1)) == (1, 1, 0)
        both = trade("100", "1", 4, second=-1), trade("100", "2", 3, second=-2)
        assert self.told(*both, both[1]) == (1, 2, 0)
        assert Quote.objects.get().day_volume == D(13)
        assert {bar.volume for bar in Bar.objects.all()} == {D(13)}
        assert TapeTrade.objects.count() == 3

    def test_they_begin_the_day_where_nothing_else_has(self):
        listed()
        accept([trade("98", "10", 1, second=-86_400)], now=NOW - 86_400 * SECOND)
        told = [trade("99", "1", 2, second=-80_000), trade("101", "2", 3), trade("100", "4", 4)]
        assert self.told(*told) == (3, 0, 0)
        accept([trade("100.5", "8", 5, second=1)], now=NOW + SECOND)
        after = Quote.objects.get()
        assert (after.day, after.previous_close) == (NOW.date(), D(98))
        assert (after.day_open, after.day_high, after.day_low) == (D(101), D(101), D(100))
        assert (after.day_volume, after.last) == (D(14), D("100.5"))

    def test_two_of_one_number_and_another_price_are_two(self):
        listed()
        assert self.told(trade("100", "1", 4), trade("100.5", "1", 4)) == (2, 0, 0)

    def test_what_is_wrong_with_one_keeps_it_aside(self):
        listed()
        accept([trade("100", "10", 1, second=-30)])
        wrong = [
            trade("0", "1", 2), trade("-100", "1", 3), trade("NaN", "1", 4), trade("10000", "1", 5),
            trade("100", "1", 6, second=60), trade("100", "1", 7, symbol="NOBODY"),
            trade("100", "1", 9, second=-3 * 86_400),
        ]  # fmt: skip
        long_ago = replace(wrong[0], at=datetime.min.replace(tzinfo=UTC))
        far_off = replace(wrong[0], at=datetime.max.replace(tzinfo=UTC))
        assert self.told(*wrong, long_ago, far_off, trade("101", "1", 8)) == (1, 0, 9)
        found = SuspectCount.objects.values_list("reason", "count")
        assert dict(found) == {
            "zero": 1, "negative": 1, "not_finite": 1, "outlying": 1, "future": 2, "stale": 2,
            "unknown_symbol": 1,
        }  # fmt: skip

    def test_those_of_another_source_are_refused(self):
        listed()
        assert self.told(trade("100", "1", 4), source="other") == (0, 0, 1)
        assert not TapeTrade.objects.exists() and not Bar.objects.exists()
