"""Orders of margin accounts, as short to say as they are to think."""

from __future__ import annotations

from decimal import Decimal

from accounts.models import Account
from orders.models import Order
from portfolio.models import Balance
from tests import invariants, world
from tests.on_margin import submit
from venues.messages import Side

D = Decimal


def cash_held(account: Account) -> Decimal:
    return Balance.objects.get(account=account, asset="USD").held


def place(*tickets) -> list[Order]:
    return [answer.order for answer in submit(*tickets)]


def sell(account, quantity, price="100.00", **wanted):
    return world.limit_ticket(account, price, side=Side.SELL, quantity=D(quantity), **wanted)


def buy(account, quantity, price="100.00", **wanted):
    return world.limit_ticket(account, price, quantity=D(quantity), **wanted)


def fill(venue, order, price="100.00", quantity=None):
    report = venue.fills(order, quantity or str(order.quantity), price)
    world.apply_reports()
    return report


def short(account, quantity, venue, price="100.00"):
    [order] = place(sell(account, quantity, price))
    assert order.denial_code == "", order.status_reason
    fill(venue, order, price)
    return order


def holds(account):
    invariants.assert_hold(has_gateway=False)
