import math
import statistics
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from venues.exchange.commands import (
    Admit,
    BandTerms,
    CloseSession,
    Halt,
    MassQuote,
    OpenSession,
    Take,
    Trade,
    Wake,
)
from venues.exchange.engine import Engine
from venues.exchange.market import Instrument, Market
from venues.exchange.prices import FairPrice, MarketFactor, rhythm

MORNING = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
TRADED = {
    "AAPL": Instrument("AAPL", False, Decimal("0.01"), Decimal(1), Decimal("232.50")),
    "SPY": Instrument("SPY", False, Decimal("0.01"), Decimal(1), Decimal("628.70")),
    "DULL": Instrument("DULL", False, Decimal("0.01"), Decimal(1), Decimal("54.10")),
    "PENNY": Instrument("PENNY", False, Decimal("0.01"), Decimal(1), Decimal("0.35")),
    "BTC/USD": Instrument("BTC/USD", True, Decimal("0.01"), Decimal("1E-8"), Decimal(108450)),
}


class Town:
    """A market and its exchange, ten rounds a second."""

    def __init__(self, *symbols: str, seed: str = "1", engine: Engine | None = None) -> None:
        self.engine = engine or Engine()
        self.market = Market(seed=seed)
        self.rounds = 0
        self.events: list = []
        self.takes: list[int] = []
        for symbol in symbols or TRADED:
            each = TRADED[symbol]
            self.engine.apply(Admit(symbol, each.tick, each.lot, each.lot, "always"), MORNING)
            self.market.admit(each)
        self.engine.apply(OpenSession("always", date(2026, 3, 4)), MORNING)

    def run(self, seconds: float):
        for _ in range(round(seconds * 10)):
            self.rounds += 1
            now = MORNING + timedelta(milliseconds=100 * self.rounds)
            for command in self.market.step(now, self.engine):
                self.takes += [command.quantity] if isinstance(command, Take) else []
                self.apply(command, now)
            yield now

    def apply(self, command, now) -> None:
        for event in self.engine.apply(command, now):
            self.events.append(event)
            if isinstance(event, Trade):
                self.market.observe(event)

    def settle(self, seconds: float) -> None:
        for _ in self.run(seconds):
            pass


def test_a_month_neither_kills_a_price_nor_makes_it_explode():
    for seed in range(2):
        market = MarketFactor(Random(f"{seed}"))
        random = Random(seed)
        fair = FairPrice(anchor=100.0, volatility=0.45, beta=1.3)
        values, returns = [], []
        for _ in range(30 * 86_400 // 30):
            before = fair.value(market)
            market.step(30, 1.0)
            fair.step(30, 1.0, random)
            values.append(fair.value(market))
            returns.append(math.log(values[-1] / before))
        assert 40 < min(values) < 100 < max(values) < 250
        assert max(values) / min(values) > 1.05
        # Volatility clusters: the size of a move says something of the size of the next.
        sizes = [abs(each) for each in returns]
        assert statistics.correlation(sizes[:-1], sizes[1:]) > 0.05
        assert abs(statistics.correlation(returns[:-1], returns[1:])) < 0.05


def test_new_york_is_busy_at_its_open_and_close_and_crypto_never_sleeps():
    def at(hour, minute=0):
        return datetime(2026, 3, 4, hour + 5, minute, tzinfo=UTC)

    opening, noon, closing, night = (
        rhythm(each, is_round_the_clock=False)
        for each in (at(9, 35), at(12, 45), at(15, 55), at(3))
    )
    assert opening > 2 * noon > 3 * night > 0.5
    assert closing > 2 * noon
    crypto = [rhythm(at(hour), is_round_the_clock=True) for hour in range(18)]
    assert max(crypto) / min(crypto) < 2
    day = [rhythm(at(9, 30) + timedelta(minutes=m), is_round_the_clock=False) for m in range(390)]
    assert statistics.mean(day) == pytest.approx(1, abs=0.05)


def test_the_same_seed_and_inputs_give_the_same_market():
    towns = [Town(seed="7"), Town(seed="7"), Town(seed="8")]
    for town in towns:
        town.settle(20)
    one, twin, other = (town.engine.snapshot() for town in towns)
    assert one == twin != other


def test_spreads_and_depth_are_those_of_the_name():
    town = Town()
    town.settle(3)
    spreads: dict[str, list[int]] = {symbol: [] for symbol in TRADED}
    for _ in town.run(60):
        for symbol, seen in spreads.items():
            best = town.engine.best(symbol)
            assert best.bid is not None
            assert best.ask is not None
            seen.append(best.ask - best.bid)
    usual = {symbol: statistics.median(seen) for symbol, seen in spreads.items()}
    assert usual["AAPL"] <= 2
    assert usual["SPY"] <= 2
    assert 2 <= usual["DULL"] <= 8
    assert usual["PENNY"] <= 2
    assert 500 <= usual["BTC/USD"] <= 4000
    for symbol in TRADED:
        book = town.engine.listings[symbol].book
        assert len(book.bids.depth(10)) == 10
        assert len(book.asks.depth(10)) == 10


def test_trades_happen_on_both_sides_and_few_are_large():
    town = Town("AAPL")
    town.settle(300)
    trades = [event for event in town.events if isinstance(event, Trade)]
    buys = sum(trade.aggressor == "buy" for trade in trades)
    assert len(trades) > 100
    assert 0.25 < buys / len(trades) < 0.75
    sizes = sorted(town.takes)
    assert sizes[-1] > 20 * statistics.median(sizes)
    assert statistics.mean(sizes) > 1.5 * statistics.median(sizes)


def test_the_book_is_full_again_soon_after_it_was_swept():
    town = Town("AAPL")
    town.settle(5)
    sweep = Take("customer", "AAPL", 1, 10**9, 10**7)
    town.apply(sweep, MORNING + timedelta(milliseconds=100 * town.rounds))
    assert town.engine.best("AAPL").ask is None
    town.settle(2)
    best = town.engine.best("AAPL")
    assert best.bid is not None
    assert best.ask is not None
    assert best.ask - best.bid <= 4
    assert len(town.engine.listings["AAPL"].book.asks.depth(10)) == 10


def test_the_market_goes_on_from_where_the_books_stand():
    town = Town("AAPL")
    town.settle(5)
    town.market.come_back("AAPL", Decimal("181.50"))
    town.settle(2)
    before = town.engine.best("AAPL")
    successor = Town("AAPL", seed="2", engine=Engine.restore(town.engine.snapshot()))
    successor.settle(2)
    after = successor.engine.best("AAPL")
    assert before.bid is not None
    assert after.bid is not None
    assert abs(after.bid - before.bid) < 30
    assert 18000 < after.bid < 18300


def test_participants_leave_and_come_back():
    town = Town("AAPL")
    town.settle(2)
    for command in town.market.withdraw("AAPL"):
        town.apply(command, MORNING)
    town.settle(2)
    assert not town.engine.listings["AAPL"].book.orders
    town.market.come_back("AAPL", Decimal(50))
    town.settle(2)
    best = town.engine.best("AAPL")
    assert best.bid is not None
    assert abs(best.bid - 5000) < 20


def test_nobody_quotes_while_the_market_is_closed():
    town = Town("AAPL")
    town.settle(2)
    town.engine.apply(CloseSession("always"), MORNING)
    town.settle(1)
    assert not town.engine.listings["AAPL"].book.orders
    assert town.market.step(MORNING + timedelta(hours=1), town.engine) == []


def test_a_mass_quote_is_only_sent_when_there_is_something_to_say():
    town = Town("DULL")
    town.settle(2)
    quotes = 0
    for now in town.run(30):
        quotes += sum(isinstance(each, MassQuote) for each in town.market.step(now, town.engine))
    assert quotes < 30 * 4


def test_participants_withdraw_during_a_halt_and_come_back_after_its_auction():
    town = Town("AAPL")
    town.settle(2)
    now = MORNING + timedelta(milliseconds=100 * town.rounds)
    town.apply(Halt("AAPL", True), now)
    town.settle(1)
    assert not town.engine.listings["AAPL"].book.orders
    town.apply(Halt("AAPL", False, 3), MORNING + timedelta(milliseconds=100 * town.rounds))
    town.settle(1)
    assert not town.engine.listings["AAPL"].book.orders
    town.settle(4)
    assert not town.engine.is_trading("AAPL")
    town.apply(Wake(), MORNING + timedelta(milliseconds=100 * town.rounds))
    town.settle(2)
    best = town.engine.best("AAPL")
    assert best.bid is not None
    assert best.ask is not None


def test_makers_quotes_stand_through_the_auctions_of_midnight():
    town = Town("AAPL")
    town.settle(2)
    before = town.engine.best("AAPL")
    now = MORNING + timedelta(milliseconds=100 * town.rounds)
    town.apply(CloseSession("always"), now)
    town.apply(OpenSession("always", date(2026, 3, 5)), now)
    assert town.engine.best("AAPL") == before


def test_the_living_market_stays_within_the_bands():
    town = Town("AAPL", "DULL")
    for symbol in ("AAPL", "DULL"):
        each = TRADED[symbol]
        bands = BandTerms(Decimal(5))
        terms = Admit(symbol, each.tick, each.lot, each.lot, "always", bands)
        town.engine.apply(terms, MORNING)
    for now in town.run(420):
        assert not town.engine.is_due(now)
    assert town.engine.listings["AAPL"].bands.reference
