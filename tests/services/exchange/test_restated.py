"""Instruments whose terms change under the exchange: a split, a new symbol."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marketdata.models import Instrument
from tests.services.exchange.running import listed
from venues.exchange import records
from venues.exchange.floor import Cycle, Floor

D = Decimal


class Trading:
    """A floor whose participants trade, a second at a time."""

    def __init__(self, now) -> None:
        self.floor, self.now = Floor(records.recover(), seed=1), now

    def seconds(self, count: int) -> list[Cycle]:
        done = []
        for _ in range(count):
            self.now += timedelta(seconds=1)
            self.floor._looks_at = float("-inf")
            done.append(self.floor.decide([], now=self.now, is_market_due=True))
        return done

    def middle(self, symbol: str) -> Decimal | None:
        best = self.floor.engine.best(symbol)
        if best.bid is None or best.ask is None:
            return None
        return (best.bid + best.ask) * self.floor.engine.listings[symbol].terms.tick / 2


@pytest.fixture
def trading(committed, now):
    listed(price="200.00", quantity_increment=D(1))
    found = Trading(now)
    found.seconds(5)
    assert abs(found.middle("AAPL") - 200) < 10
    return found


def test_after_a_split_the_market_goes_on_at_the_new_price_within_new_bands(trading):
    Instrument.objects.update(halted=True)
    trading.seconds(2)
    Instrument.objects.update(reference_price=D(50))
    trading.seconds(2)
    Instrument.objects.update(halted=False)
    trading.seconds(20)
    assert abs(trading.middle("AAPL") - 50) < 5
    bands = trading.floor.engine.listings["AAPL"].bands
    assert bands.lower < trading.middle("AAPL") * 100 < bands.upper


def test_finer_steps_leave_the_market_where_it_is_and_in_cents(trading):
    before = trading.middle("AAPL")
    Instrument.objects.update(fine_increment=D("0.0001"), fine_below=D(1))
    trading.seconds(3)
    listing = trading.floor.engine.listings["AAPL"]
    assert listing.terms.tick == D("0.0001")
    assert abs(trading.middle("AAPL") - before) < 1
    prices = [each.price for each in listing.orders()]
    assert len(prices) > 20
    assert not any(price % 100 for price in prices)


def test_what_falls_below_a_dollar_is_made_a_market_in_finer_steps(trading):
    Instrument.objects.update(
        fine_increment=D("0.0001"), fine_below=D(1), reference_price=D("0.80")
    )
    trading.seconds(20)
    assert abs(trading.middle("AAPL") - D("0.80")) < D("0.08")
    prices = {each.price for each in trading.floor.engine.listings["AAPL"].orders()}
    assert len(prices) > 20
    assert any(price % 100 for price in prices)


def test_the_market_restarts_once_and_then_goes_its_way(trading):
    Instrument.objects.update(reference_price=D(50))
    trading.seconds(2)
    scene = trading.floor.market._scenes["AAPL"]
    trading.seconds(3)
    assert trading.floor.market._scenes["AAPL"] is scene


def test_nobody_trades_any_more_under_a_symbol_that_was(trading):
    Instrument.objects.update(symbol="APPL")
    trading.seconds(5)
    assert trading.middle("AAPL") is None
    assert abs(trading.middle("APPL") - 200) < 20
    later = trading.seconds(3)
    told = {tick.symbol for each in later for ticks in each.ticks.values() for tick in ticks}
    assert told == {"APPL"}
