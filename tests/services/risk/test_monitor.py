"""The watch over margin accounts looks at those that something has touched, and at so many."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Instrument, Quote
from portfolio.models import Balance
from risk.margin import monitor
from risk.margin import rates as margin_rates
from risk.margin.models import MarginCall, MarginStatus
from risk.margin.monitor import Monitor
from tests import on_margin, world

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture(autouse=True)
def _schedule(db):
    margin_rates.forget()


@pytest.fixture
def venue():
    return world.Venue()


def price(symbol, amount, **more):
    listed = Instrument.objects.get(symbol=symbol)
    world.quote(listed, bid=amount, ask=amount)
    Quote.objects.filter(instrument=listed).update(last=D(amount), **more)


def owner(venue, symbol, quantity="100", cash="20000.00"):
    account = on_margin.customer(cash=cash)
    price(symbol, "100.00")
    world.own(account, symbol, quantity, venue, price="100.00")
    price(symbol, "100.00")
    return account


def look(watching, *touched, after=timedelta()):
    return watching.look(now=timezone.now() + after, touched=[each.pk for each in touched])


def equity(account):
    return MarginStatus.objects.get(account=account).equity


@pytest.fixture
def owners(venue):
    """One who has Apple and one who has Microsoft, both looked at; then nothing happens."""
    on_margin.instrument("AAPL")
    on_margin.instrument("MSFT")
    found = owner(venue, "AAPL"), owner(venue, "MSFT")
    watching = Monitor()
    watching.look(now=timezone.now())
    assert [equity(each) for each in found] == [D(20000), D(20000)]
    # What no activity tells of is seen by nobody who does not look.
    Balance.objects.filter(asset="USD").update(amount=D(5000))
    return watching, *found


def test_an_account_that_nothing_has_touched_is_not_looked_at(owners):
    watching, apple, microsoft = owners
    look(watching)
    assert [equity(apple), equity(microsoft)] == [D(20000), D(20000)]


def test_an_account_of_which_an_activity_tells_is_looked_at(owners):
    watching, apple, microsoft = owners
    look(watching, microsoft, world.customer())
    assert [equity(apple), equity(microsoft)] == [D(20000), D(15000)]


def test_those_whose_price_has_moved_are_looked_at(owners):
    watching, apple, microsoft = owners
    price("AAPL", "90.00")
    look(watching)
    assert [equity(apple), equity(microsoft)] == [D(14000), D(20000)]


def test_those_whose_price_counts_no_more_are_looked_at(owners):
    watching, apple, microsoft = owners
    price("AAPL", "100.00", doubts=1)
    look(watching)
    statuses = [MarginStatus.objects.get(account=each) for each in (apple, microsoft)]
    assert [(each.counts, each.unpriced) for each in statuses] == [(False, "AAPL"), (True, "")]


def test_all_are_looked_at_when_the_day_turns(owners):
    watching, apple, microsoft = owners
    look(watching, after=timedelta(days=1))
    assert [equity(apple), equity(microsoft)] == [D(15000), D(15000)]


def test_what_is_bought_later_is_watched_and_what_was_sold_no_more(owners, venue):
    watching, apple, _ = owners
    Balance.objects.filter(asset="USD").update(amount=D(20000))
    world.own(apple, "MSFT", "50", venue, price="100.00")
    price("MSFT", "100.00")
    look(watching, apple)
    before = equity(apple)
    price("MSFT", "90.00")
    look(watching)
    assert equity(apple) == before - 500


def test_a_round_takes_so_many_and_those_that_are_near_a_call_go_first(venue, monkeypatch):
    monkeypatch.setattr(monitor, "LOOKS_MAX", 2)
    on_margin.instrument("AAPL")
    rich = [owner(venue, "AAPL") for _ in range(3)]
    poor = owner(venue, "AAPL", quantity="195", cash="10000.00")  # 4,150 over; near is 4,875
    watching = Monitor()
    watching.look(now=timezone.now())
    assert MarginStatus.objects.count() == 2
    look(watching)
    assert MarginStatus.objects.count() == 4
    price("AAPL", "60.00")
    look(watching, rich[0])
    assert equity(rich[0]) == D(16000)
    assert [call.account_id for call in MarginCall.objects.all()] == [poor.pk]
    assert [equity(each) for each in rich[1:]] == [D(20000), D(20000)]
    look(watching)
    assert [equity(each) for each in rich[1:]] == [D(16000), D(16000)]
