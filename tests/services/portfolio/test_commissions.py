"""What purchases are charged that close a short, and those that take another one's place."""

from decimal import Decimal

import pytest

from orders.models import Order
from portfolio.fees import schedule
from portfolio.fees.models import FeeRule
from portfolio.models import Balance, Hold, Transfer
from tests import on_margin, world
from tests.invariants import broken
from tests.on_margin import submit
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def venue(db):
    FeeRule.objects.create(
        name="commission",
        beneficiary="fees",
        valid_from="2020-01-01",
        side="buy",
        per_order=D("1.00"),
        rate=D("0.001"),
    )
    schedule.forget()
    yield world.Venue()
    schedule.forget()


def commissions():
    """Return what the firm has charged so far, each fee."""
    found = Transfer.objects.filter(kind="fee", credit__kind="fees").order_by("pk")
    return [each.amount for each in found]


def of(order):
    return Order.objects.get(pk=order.pk)


def short(venue, quantity="10"):
    """Sell short at 100; return the account and its instrument."""
    on_margin.instrument(bid="100.00", ask="100.01")
    account = on_margin.customer()
    [sold] = submit(world.limit_ticket(account, "100.00", side=Side.SELL, quantity=D(quantity)))
    venue.fills(sold.order, quantity, "100.00")
    world.apply_reports()
    return account


def test_what_buys_back_a_short_is_charged_as_any_purchase(venue):
    account = short(venue)
    [bought] = submit(world.limit_ticket(account, "101.00", quantity=D(10)))
    assert bought.order.position_intent == "buy_to_close"
    venue.fills(bought.order, "4", "100.00")
    world.apply_reports()
    hold = Hold.objects.get(order_id=bought.order.pk)
    assert (hold.asset, hold.remaining) == ("AAPL", D(6))
    assert (commissions(), broken()) == ([D("1.40")], set())
    venue.fills(bought.order, "6", "100.00")
    world.apply_reports()
    assert (commissions(), broken()) == ([D("1.40"), D("0.60")], set())
    assert Balance.objects.get(account=account, asset="AAPL").amount == 0


def test_a_bust_of_what_bought_back_a_short_gives_its_fee_back(venue):
    account = short(venue)
    cash = Balance.objects.get(account=account, asset="USD").amount
    [bought] = submit(world.limit_ticket(account, "101.00", quantity=D(10)))
    fill = venue.fills(bought.order, "4", "100.00")
    venue.busts(bought.order, fill)
    world.apply_reports()
    assert Balance.objects.get(account=account, asset="USD").amount == cash
    hold = Hold.objects.get(order_id=bought.order.pk)
    assert (hold.remaining, of(bought.order).leaves_quantity) == (D(6), D(6))
    assert broken() == set()


@pytest.mark.parametrize("filled", ["5", "0"])
def test_the_fee_by_order_is_charged_once_however_often_it_is_replaced(venue, filled):
    world.instrument()
    account = world.customer()
    [first] = submit(world.limit_ticket(account, "99.00", quantity=D(10)))
    if D(filled):
        venue.fills(first.order, filled, "99.00")
        world.apply_reports()
    order = of(first.order)
    for price in ("99.25", "99.50"):
        [changed] = submit(world.replace_ticket(order, limit_price=D(price)))
        venue.replaces(order, changed.order, total=str(order.quantity))
        world.apply_reports()
        assert broken() == set()
        order = of(changed.order)
    left = str(order.quantity)
    venue.fills(order, left, "99.00")
    world.apply_reports()
    # 1.00 for the order, and a tenth of a percent of each one's value.
    assert sum(commissions()) == (D("2.00") if D(filled) else D("1.99"))
    assert Balance.objects.get(account=account, asset="USD").held == 0
    assert broken() == set()


def test_a_replaced_cover_goes_on_being_one(venue):
    account = short(venue)
    [first] = submit(world.limit_ticket(account, "99.00", quantity=D(10)))
    venue.fills(first.order, "4", "99.00")
    world.apply_reports()
    order = of(first.order)
    [changed] = submit(world.replace_ticket(order, limit_price=D("99.50")))
    venue.replaces(order, changed.order, total="10")
    world.apply_reports()
    assert broken() == set()
    venue.fills(of(changed.order), "6", "99.50")
    world.apply_reports()
    assert commissions() == [D("1.40"), D("0.60")]  # 1.396 and 0.597, each rounded up
    assert broken() == set()
