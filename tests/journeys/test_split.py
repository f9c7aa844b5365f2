"""A split of an instrument that trades all the time, on the real exchange with its market."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata import selectors as marketdata
from orders.actions import carrying_out
from orders.actions.carrying_out import Progress
from orders.actions.services import Outcome
from orders.entry import intake
from orders.models import Order
from portfolio import selectors as portfolio
from portfolio.actions.services import Due
from tests import invariants, issuers, parts, world
from tests.patience import DEADLINE_SECONDS
from venues.messages import OrderType, Side, TimeInForce

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal
CENT = D("0.01")


def carried_out(action: Due) -> Outcome:
    """Carry it out as the command does: again and again until it is done."""
    orders = Outcome()

    def step() -> bool:
        found: Progress = carrying_out.carry_out(
            action.said.reference, enter=intake.enter, now=timezone.now()
        )
        nonlocal orders
        orders = orders.then(found.orders)
        return found.is_done

    parts.until(step)
    return orders


def placed(ticket) -> Order:
    order = intake.enter(ticket).result(DEADLINE_SECONDS).order
    assert order is not None and order.status != "rejected", order
    return order


def test_a_split_four_for_one() -> None:
    account = world.customer()
    with parts.at_work():
        aapl = parts.aapl()
        bought = placed(world.ticket(account, quantity=D(10)))
        parts.until(lambda: Order.objects.get(pk=bought.pk).status == "filled")
        price = marketdata.latest_quote(aapl.pk).bid
        low, high = (price * share // CENT * CENT for share in (D("0.90"), D("1.10")))
        terms = {"quantity": D(4), "time_in_force": TimeInForce.GTC, "side": Side.SELL}
        limit = placed(world.limit_ticket(account, str(high), **terms))
        stop = placed(world.ticket(account, type=OrderType.STOP, stop_price=low, **terms))
        parts.until(lambda: Order.objects.get(pk=limit.pk).venue_order_id)

        paid_at = (price / 4).quantize(CENT)
        outcome = carried_out(issuers.split(aapl, 4, 1, price=str(paid_at)))
        assert (outcome.replaced, outcome.cancelled) == (2, 0)
        for before, old in ((limit, high), (stop, low)):
            after = Order.objects.get(pk=Order.objects.get(pk=before.pk).replaced_by)
            asked = after.limit_price or after.stop_price
            assert (after.quantity, after.status) == (D(16), Order.objects.get(pk=after.pk).status)
            assert 0 <= asked * 4 - old < 4 * CENT  # a sell up, to the cent

        trades_again = parts.until(
            lambda: (q := marketdata.latest_quote(aapl.pk)) and q.bid and q.ask and q
        )
        assert abs(trades_again.bid * 4 / price - 1) < D("0.05")
        (position,) = portfolio.snapshot(account.pk).positions
        assert (position.quantity, position.available) == (D(40), D(8))
        open_ = Order.objects.filter(account=account, status__in=("held", "submitted"))
        assert open_.count() == 2  # the stop was not taken for triggered by prices of after
    invariants.assert_hold()
