"""Margin calls from their making to their end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Instrument
from orders.models import Order
from orders.safeguards.liquidation import Watch
from portfolio import selectors as portfolio
from risk import exposure
from risk.margin import calls
from risk.models import Alert, MarginCall, MarginStatus
from tests import held, on_margin, world
from tests.on_margin import submit
from tests.services.orders.watched import indebted, told
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal


def test_status_is_kept_of_every_margin_account(firm):
    account, other = indebted(firm), on_margin.customer(cash="500.00")
    world.customer()
    firm.look()
    status = MarginStatus.objects.get(account=account)
    assert (status.equity, status.initial, status.maintenance) == (D(10000), D(10000), D(6000))
    assert (status.excess, status.counts, status.unpriced) == (D(4000), True, "")
    assert MarginStatus.objects.get(account=other).excess == D(500)
    assert MarginStatus.objects.count() == 2
    firm.price("AAPL", "90.00")
    firm.look()
    status.refresh_from_db()
    assert (status.equity, status.maintenance) == (D(8000), D(5400))
    assert not MarginCall.objects.exists()


def test_the_close_is_kept_when_the_day_turns(firm):
    account = indebted(firm)
    firm.look()
    firm.look(after=timedelta(days=1))
    status = MarginStatus.objects.get(account=account)
    assert (status.close_equity, status.close_maintenance) == (D(10000), D(6000))
    assert status.day - status.close_day == timedelta(days=1)


def test_a_deficit_is_called_once_with_amount_and_deadline(firm):
    account = indebted(firm)
    firm.price("AAPL", "60.00")
    firm.look()
    firm.look()
    call = MarginCall.objects.get()
    assert (call.kind, call.status) == ("maintenance", "open")
    assert (call.amount, call.equity, call.maintenance) == (D(1600), D(2000), D(3600))
    assert call.due_at > timezone.now() + timedelta(days=1)
    assert told(account) == ["margin.called"]
    assert Alert.objects.filter(kind="margin_call", account=account).count() == 1
    assert call.history.count() == 1
    assert not Order.objects.filter(client_order_id__startswith="liq").exists()


@pytest.mark.parametrize(("price", "is_called"), [("71.43", False), ("71.42", True)])
def test_a_call_is_made_at_the_cent(firm, price, is_called):
    # 200 x 71.43 = 14,286: equity 4,286.00, required 4,285.80; a cent less: 4,284.00, 4,285.20.
    indebted(firm)
    firm.price("AAPL", price)
    firm.look()
    assert MarginCall.objects.exists() is is_called


def test_a_quote_that_is_far_from_the_last_trade_counts_and_the_customer_is_told_the_same(firm):
    account = indebted(firm)
    aapl = Instrument.objects.get()
    world.quote(aapl, bid="59.99", ask="60.00")  # nobody has traded since 100
    firm.look()
    call = MarginCall.objects.get()
    assert (call.amount, call.equity) == (D(1600), D(2000))
    assert portfolio.snapshot(account.pk).equity == D(2000)
    assert exposure.ask_exposures([account.pk]).get() == {account.pk: D(12000)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"doubts": 1},
        {"at": timezone.now() - timedelta(minutes=5)},
    ],
)
def test_a_price_that_is_stale_or_doubted_calls_nobody(firm, wrong):
    indebted(firm)
    firm.price("AAPL", "1.00", **wrong)
    firm.look()
    assert not MarginCall.objects.exists()
    assert MarginStatus.objects.get().counts is False


def test_a_crossed_quote_calls_nobody(firm):
    indebted(firm)
    firm.price("AAPL", "1.00", spread="-0.50")
    firm.look()
    assert not MarginCall.objects.exists()


def test_an_instrument_that_does_not_trade_calls_nobody(firm):
    indebted(firm)
    firm.price("AAPL", "1.00")
    Instrument.objects.update(halted=True)
    firm.look()
    assert not MarginCall.objects.exists()


def test_a_deposit_meets_a_call(firm):
    account = indebted(firm)
    firm.price("AAPL", "60.00")
    firm.look()
    on_margin.deposit(account, "1599.99", reference="too little")
    firm.look()
    assert MarginCall.objects.get().status == "open"
    on_margin.deposit(account, "0.01", reference="enough")
    firm.look()
    call = MarginCall.objects.get()
    assert (call.status, call.met_by) == ("met", "deposit")
    assert told(account) == ["margin.called", "margin.call_met"]


def test_the_market_meets_a_call(firm):
    indebted(firm)
    firm.price("AAPL", "60.00")
    firm.look()
    firm.price("AAPL", "80.00")
    firm.look()
    assert MarginCall.objects.get().met_by == "price"


def test_a_sale_meets_a_call(firm):
    account = indebted(firm)
    firm.price("AAPL", "60.00")
    firm.look()
    firm.price("AAPL", "60.00")
    [answer] = submit(world.limit_ticket(account, "60.00", side=Side.SELL, quantity=D(100)))
    firm.fill(answer.order, "60.00")
    firm.look()
    assert MarginCall.objects.get().met_by == "sale"


def test_hardly_any_equity_is_due_at_once(firm):
    account = indebted(firm)
    firm.price("AAPL", "60.00")
    firm.look()
    firm.price("AAPL", "55.00")  # equity 1,000, required 3,300
    firm.look()
    call = MarginCall.objects.get()
    assert call.kind == "house"
    assert call.due_at <= timezone.now()
    assert call.amount == D(1600) and call.amount_max == D(2300)
    assert told(account)[:2] == ["margin.called", "margin.call_due_at_once"]


@pytest.mark.parametrize(
    ("calendar", "now", "due"),
    [
        # Thursday: Friday, Monday at 16:00 in New York.
        ("always", datetime(2026, 1, 8, 18, tzinfo=UTC), datetime(2026, 1, 12, 21, tzinfo=UTC)),
        # Martin Luther King's day is no session.
        ("XNYS", datetime(2026, 1, 15, 18, tzinfo=UTC), datetime(2026, 1, 20, 21, tzinfo=UTC)),
        ("always", datetime(2026, 1, 15, 18, tzinfo=UTC), datetime(2026, 1, 19, 21, tzinfo=UTC)),
    ],
)
def test_a_maintenance_call_is_due_at_the_close_of_the_second_day(calendar, now, due):
    assert calls.due_at(now, calendar=calendar) == due


@pytest.mark.parametrize("price", ["1.00", "0.0001", "10000.00"])
def test_a_bad_tick_of_the_feed_calls_nobody(price):
    market = held.Market()
    Instrument.objects.update(marginable=True, shortable=True, easy_to_borrow=True)
    market.trades("100.00")
    account = on_margin.customer(cash="10000.00")
    world.own(account, "AAPL", "150", world.Venue(), price="100.01")
    watch = Watch(held.at_once)
    watch.look(now=timezone.now())
    market.trades(price)
    watch.look(now=timezone.now())
    assert not MarginCall.objects.exists()
    status = MarginStatus.objects.get(account=account)
    assert status.equity > D(9000)


def test_an_order_may_not_open_while_a_price_of_what_is_held_is_doubted(firm):
    account = indebted(firm, cash="20000.00")
    firm.price("AAPL", "100.00", doubts=1)
    [answer] = submit(world.limit_ticket(account, "100.00", quantity=D(1)))
    assert answer.order.denial_code == "position_price_stale"
