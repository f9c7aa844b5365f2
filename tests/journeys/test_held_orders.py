"""Stops at work: through the intake, the lookout, the exchange's live market, and back."""

from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata import selectors as marketdata
from orders import selectors
from orders.models import Order, Watch
from portfolio import selectors as portfolio
from tests import parts, world
from tests.journeys.following import ended, submit
from venues.messages import OrderType, TimeInForce

pytestmark = pytest.mark.usefixtures("market")

D = Decimal


def quote():
    return marketdata.latest_quote(parts.aapl().pk)


def somebody_buys_up_to(price):
    """Take what is offered up to this price, whatever the market wants; leave what is above."""
    everything = {"quantity": D(4000), "limit_price": price, "time_in_force": TimeInForce.IOC}
    ended(
        submit(world.ticket(world.customer(cash="1900000.00"), type=OrderType.LIMIT, **everything))
    )


def test_held_orders_wait_with_us_until_the_market_reaches_them_and_fill_at_the_venue():
    account = world.customer(cash="100000.00")
    terms = {"quantity": D(5), "time_in_force": TimeInForce.GTC}
    stop = {"type": OrderType.STOP, **terms}
    trailing = {"type": OrderType.TRAILING_STOP, "trail_amount": D("50"), **terms}
    price = quote().ask
    # With a limit: behind such a buyer the book may be thin, and this one waits there for sellers.
    limited = {**stop, "type": OrderType.STOP_LIMIT, "limit_price": price + 5}
    near = submit(world.ticket(account, stop_price=price + D("0.05"), **limited))
    far = submit(world.ticket(account, stop_price=price * 2, **stop))
    waiting = submit(world.ticket(account, **trailing))
    begun = Watch.objects.get(pk=waiting.pk).mark
    # As near as this it may be reached before anybody looks at it.
    following = submit(world.replace_ticket(waiting, trail=D("0.02")))
    assert [order.status for order in (near, far, waiting, following)] == ["held"] * 4

    def reached():
        somebody_buys_up_to(price + D("0.06"))
        found = [selectors.order(account.pk, order.pk).status for order in (near, following)]
        return "held" not in found

    parts.until(reached)
    near, following = ended(near), ended(following)
    assert (near.status, near.filled_quantity) == ("filled", D(5))
    steps = selectors.timeline(near)
    assert [step.status for step in steps[:3]] == ["held", "held", "submitted"]
    assert [step.actor for step in steps[1:3]] == ["rule:trigger"] * 2
    assert near.triggered_at >= near.created_at
    # At the market what its protection leaves is cancelled.
    assert following.status in ("filled", "cancelled")
    assert following.triggered_at >= following.created_at
    assert following.high_water_mark <= begun

    assert selectors.order(account.pk, far.pk).status == "held"
    assert list(Watch.objects.values_list("order_id", flat=True)) == [far.pk]
    Order.objects.filter(pk=far.pk).update(expires_at=timezone.now())
    assert ended(far).status == "expired"
    assert portfolio.snapshot(account.pk).held == 0
