"""Where a feed tells the prices, customers trade at its quotes, and nothing is printed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Quote
from marketdata.ticks import QuoteTick
from tests.services.exchange.running import listed, order
from venues.exchange import records
from venues.exchange.commands import OURSELVES, Enter, MassQuote, Report
from venues.exchange.floor import Floor
from venues.exchange.outside import PARTICIPANT
from venues.messages import ReportKind

FEED = "acme"


class Playing:
    """A trading floor of which the test turns the clock and the outside quote."""

    def __init__(self) -> None:
        self.aapl = listed(source=FEED, price_increment=Decimal("0.01"))
        self.now = timezone.now()
        self.floor = Floor(records.recover(), seed=1)
        self.told: dict[str, list[object]] = {}
        self.forward(0.2)

    def quotes(self, bid: str | None, ask: str | None, *, size: str = "300", source: str = FEED):
        Quote.objects.update_or_create(
            instrument=self.aapl,
            defaults={
                "sequence": 1, "source": source, "at": self.now, "received_at": self.now,
                "bid": bid and Decimal(bid), "bid_size": Decimal(size),
                "ask": ask and Decimal(ask), "ask_size": Decimal(size), "day": self.now.date(),
            },
        )  # fmt: skip

    def forward(self, seconds: float, *requests, is_confirmed: bool = True) -> list[Report]:
        told: list[Report] = []
        for round_ in range(round(seconds * 10)):
            self.now += timedelta(milliseconds=100)
            if is_confirmed:
                Quote.objects.update(received_at=self.now)
            self.floor.look_for_replays()
            entered = [Enter(OURSELVES, each) for each in requests] if round_ == 0 else []
            cycle = self.floor.decide(entered, now=self.now, is_market_due=True)
            told += [event for event in cycle.events if isinstance(event, Report)]
            for source, ticks in cycle.ticks.items():
                self.told.setdefault(source, []).extend(ticks)
        return told

    def best(self) -> tuple[int | None, int, int | None, int]:
        best = self.floor.engine.best("AAPL")
        return best.bid, best.bid_size, best.ask, best.ask_size


@pytest.fixture
def playing(db):
    return Playing()


def test_the_book_is_the_outside_quote_and_follows_it(playing):
    assert playing.best() == (None, 0, None, 0)  # nobody quotes before the feed has
    playing.quotes("99.98", "100.02")
    playing.forward(0.1)
    assert playing.best() == (9998, 300, 10002, 300)
    playing.quotes("99.995", "100.005", size="200.7")  # between ticks: never better than quoted
    playing.forward(0.1)
    assert playing.best() == (9999, 200, 10001, 200)
    playing.quotes("99.99", None)
    playing.forward(0.1)
    assert playing.best() == (9999, 300, None, 0)


def test_an_order_is_filled_at_it_and_none_of_it_is_printed(playing):
    playing.quotes("99.98", "100.02")
    playing.forward(0.1)
    reports = playing.forward(0.1, order("A", price="100.50", quantity="100"))
    fills = [each.report for each in reports if each.report.kind is ReportKind.FILL]
    assert [(fill.quantity, fill.price) for fill in fills] == [(Decimal(100), Decimal("100.02"))]
    assert playing.best() == (9998, 300, 10002, 200)
    playing.forward(1.1)
    assert playing.best() == (9998, 300, 10002, 300)  # its quote stands, so it is there again
    assert playing.told == {}


def test_a_resting_order_is_filled_when_the_outside_crosses_it(playing):
    playing.quotes("99.98", "100.02")
    playing.forward(0.1, order("A", price="100.00", quantity="50"))
    playing.quotes("99.90", "99.99", size="30")
    reports = playing.forward(0.1)
    fills = [each.report for each in reports if each.report.kind is ReportKind.FILL]
    assert [(fill.quantity, fill.price) for fill in fills] == [(Decimal(30), Decimal("100.00"))]


@pytest.mark.parametrize("why", ["stale", "another source", "locked", "halted"])
def test_what_cannot_be_traded_on_is_withdrawn(playing, settings, why):
    settings.QUOTE_AGE_SECONDS_MAX = 1.8
    playing.quotes("99.98", "100.02")
    playing.forward(0.2)
    if why == "another source":
        playing.quotes("99.98", "100.02", source="simulated")
    if why == "locked":
        playing.quotes("100", "100")
    if why == "halted":
        playing.aapl.halted = True
        playing.aapl.save()
    playing.forward(2.5, is_confirmed=why != "stale")
    assert playing.best() == (None, 0, None, 0)


def test_only_what_changes_is_a_command(playing):
    playing.quotes("99.98", "100.02")
    playing.forward(0.1)
    before = playing.floor.sequence
    playing.forward(3)
    assert playing.floor.sequence == before


def test_the_simulated_market_goes_and_comes_back(playing):
    playing.quotes("149.98", "150.02")
    playing.forward(0.5)
    playing.aapl.source = ""
    playing.aapl.save()
    playing.forward(0.5)
    bid, _, ask, _ = playing.best()
    assert 14900 < bid < ask < 15100  # from where the outside has left off
    assert {type(tick) for tick in playing.told["simulated"]} >= {QuoteTick}
    playing.told.clear()
    playing.aapl.source = FEED
    playing.aapl.save()
    playing.forward(0.5)
    assert playing.best() == (14998, 300, 15002, 300)
    assert playing.told == {}


def test_what_a_stop_cut_short_is_withdrawn_when_the_house_quotes_again(playing):
    playing.quotes("149.98", "150.02")
    playing.forward(0.2)
    engine = playing.floor.engine
    playing.aapl.source = ""
    playing.aapl.save()
    restarted = Floor(records.recover(), seed=1)
    restarted.engine = engine
    cycle = restarted.decide([], now=playing.now + timedelta(seconds=1), is_market_due=True)
    assert MassQuote(PARTICIPANT, "AAPL", (), ()) in cycle.commands
    assert not engine.listings["AAPL"].quotes[PARTICIPANT]
