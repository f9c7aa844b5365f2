"""Margin accounts under 16 threads: nobody borrows twice on the same equity, nothing flips."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Quote
from orders import executions
from orders.entry import submission
from orders.models import Order
from orders.safeguards.liquidation import Watch
from portfolio.models import Balance, Position
from risk.margin import rates as margin_rates
from risk.models import LiquidationWave, MarginCall
from tests import held, invariants, on_margin, world
from tests.placing import direct
from tests.racing import at_once
from venues.messages import Side

pytestmark = pytest.mark.usefixtures("committed")
D = Decimal
THREADS = 16


@pytest.fixture(autouse=True)
def _anew():
    margin_rates.forget()


def holds():
    invariants.assert_hold(has_gateway=False)


def sell(account, quantity, price="100.00"):
    return world.limit_ticket(account, price, side=Side.SELL, quantity=D(quantity))


def opened(account, venue, ticket, price="100.00"):
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    assert answer.order.status == "submitted", answer.order.status_reason
    venue.fills(answer.order, str(answer.order.quantity), price)
    world.apply_reports()


def test_racing_orders_never_borrow_twice_on_the_same_equity():
    """Sixteen orders that require 500 each race for 5,250 of equity: exactly ten go."""
    on_margin.instrument()
    account = on_margin.customer(cash="5250.00")
    answers = at_once(*(direct(world.limit_ticket(account, "100.00")) for _ in range(THREADS)))
    assert sum(a.order.status == "submitted" for a in answers) == 10
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.held) == (D("5250.00"), D("5000.00"))
    holds()


def test_racing_covers_never_buy_back_more_than_is_short():
    on_margin.instrument()
    account, venue = on_margin.customer(cash="50000.00"), world.Venue()
    opened(account, venue, sell(account, 50))
    answers = at_once(
        *(direct(world.limit_ticket(account, "100.00", quantity=D(7))) for _ in range(THREADS))
    )
    accepted = [a.order for a in answers if a.order.status == "submitted"]
    assert len(accepted) == 7
    assert {o.position_intent for o in accepted} == {"buy_to_close"}
    for order in accepted:
        venue.fills(order, "7", "100.00")
    at_once(*(executions.apply_next for _ in range(4)))
    world.apply_reports()
    assert Position.objects.get(account=account).quantity == D(-1)
    holds()


def test_racing_sales_of_a_long_position_never_go_short():
    """Without a right to sell short a long position is sold once."""
    on_margin.instrument()
    account, venue = on_margin.customer(cash="50000.00", allows_shorting=False), world.Venue()
    world.own(account, "AAPL", "50", venue, price="100.00")
    answers = at_once(*(direct(sell(account, 7)) for _ in range(THREADS)))
    accepted = [a.order for a in answers if a.order.status == "submitted"]
    assert len(accepted) == 7
    for order in accepted:
        venue.fills(order, "7", "100.00")
    world.apply_reports()
    assert Position.objects.get(account=account).quantity == D(1)
    holds()


def test_orders_fills_and_a_liquidation_race_on_one_account():
    """Customers sell, buy and cancel, fills come in and monitors look, all at once: what is closed
    is closed once, and the books hold to the cent."""
    aapl = on_margin.instrument()
    account, venue = on_margin.customer(cash="10000.00"), world.Venue()
    world.own(account, "AAPL", "200", venue, price="100.00")
    [resting] = submission.submit_batch([sell(account, 10, "120.00")], now=timezone.now())

    def fall():
        world.quote(aapl, bid="60.00", ask="60.00")
        Quote.objects.update(last=D(60))

    fall()
    Watch(held.at_once).look(now=timezone.now())
    MarginCall.objects.update(due_at=timezone.now() - timedelta(seconds=1))

    def monitor():
        watch = Watch(held.at_once)
        fall()
        for _ in range(3):
            watch.look(now=timezone.now())

    def fill():
        for order in Order.objects.filter(status="pending_cancel"):
            venue.cancels(order)
        executions.apply_next()

    jobs = [monitor, fill, fill, direct(world.cancel_ticket(resting.order))]
    jobs += [direct(sell(account, 10, "60.00")) for _ in range(6)]
    jobs += [direct(world.limit_ticket(account, "60.00", quantity=D(5))) for _ in range(6)]
    at_once(*jobs)
    bought = Order.objects.filter(side="buy", created_at__gt=resting.order.created_at)
    # Which of them is first said depends on whether the call came before the order.
    told = {"insufficient_buying_power", "self_trade", "being_liquidated"}
    assert {o.denial_code for o in bought} <= told
    for _ in range(8):
        for order in Order.objects.filter(status="pending_cancel"):
            venue.cancels(order)
        for order in Order.objects.filter(status="submitted"):
            venue.fills(order, str(order.leaves_quantity), "60.00")
        world.apply_reports()
        fall()
        Watch(held.at_once).look(now=timezone.now())
    assert MarginCall.objects.get().status == "met"
    position = Position.objects.get(account=account)
    sold = sum(o.filled_quantity for o in Order.objects.filter(side="sell"))
    assert position.quantity == D(200) - sold
    assert 0 < position.quantity < 200
    waves = LiquidationWave.objects.count()
    assert Order.objects.filter(client_order_id__startswith="liq").count() == waves
    assert on_margin.standing(account).deficit == 0
    holds()
