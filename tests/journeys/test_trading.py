"""A customer trades: through the intake, the gateway, the exchange's live market, and back."""

from decimal import Decimal
from math import ceil

import pytest

from accounts import activity
from marketdata import selectors as marketdata
from orders import selectors
from orders.entry import intake
from portfolio import selectors as portfolio
from tests import parts, world
from tests.journeys.following import ended, submit
from tests.patience import DEADLINE_SECONDS
from venues.messages import Side, TimeInForce

pytestmark = pytest.mark.usefixtures("market")

D = Decimal


def test_buying_at_the_market_and_selling_again():
    account = world.customer(cash="100000.00")
    bought = ended(submit(world.ticket(account, quantity=D(7))))
    assert (bought.status, bought.filled_quantity) == ("filled", D(7))
    assert bought.average_price <= bought.protection_price
    snapshot = portfolio.snapshot(account.pk)
    [position] = snapshot.positions
    assert (position.quantity, position.average_price) == (D(7), bought.average_price)
    assert snapshot.cash == D("100000.00") - position.cost_basis
    sold = ended(submit(world.ticket(account, side=Side.SELL, quantity=D(7))))
    assert sold.status == "filled"
    after = portfolio.snapshot(account.pk)
    assert after.positions == ()
    fees = ceil(sold.filled_value * D("20.60") / 10_000) + 1  # section 31 and TAF, in cents
    assert after.cash == D("100000.00") - bought.filled_value + sold.filled_value - D(fees) / 100
    assert after.held == 0
    kinds = [a.kind for a in activity.since(account.pk, 1)]
    assert [k for k in kinds if k == "order.filled"] == ["order.filled"] * 2


def test_resting_and_cancelling():
    account = world.customer(cash="100000.00")
    bid = marketdata.latest_quote(parts.aapl().pk).bid
    resting = submit(world.limit_ticket(account, str((bid / 2).quantize(D("0.01")))))
    parts.until(lambda: selectors.order(account.pk, resting.pk).venue_order_id)
    intake.enter(world.cancel_ticket(resting)).result(DEADLINE_SECONDS)
    order = ended(resting)
    assert (order.status, order.filled_quantity) == ("cancelled", 0)
    assert [s.status for s in selectors.timeline(order)] == [
        "submitted", "submitted", "pending_cancel", "cancelled",
    ]  # fmt: skip
    assert portfolio.snapshot(account.pk).held == 0


def test_a_large_order_walks_the_book_and_stays_within_its_protection():
    account = world.customer(cash="1900000.00")
    order = ended(submit(world.ticket(account, quantity=D(4000))))
    trades = selectors.trades(account.pk, order_id=order.pk, limit=500)
    assert sum(t.quantity for t in trades) == order.filled_quantity
    assert max(t.price for t in trades) <= order.protection_price


def test_all_or_nothing_and_now_or_never():
    account = world.customer(cash="1900000.00")
    quote = marketdata.latest_quote(parts.aapl().pk)
    low = str((quote.bid / 2).quantize(D("0.01")))
    for force in (TimeInForce.IOC, TimeInForce.FOK):
        order = ended(submit(world.limit_ticket(account, low, time_in_force=force)))
        assert (order.status, order.filled_quantity) == ("cancelled", 0)
