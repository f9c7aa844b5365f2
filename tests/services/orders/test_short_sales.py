"""Selling short and buying back: what it requires, what lends the shares, and groups of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Quote
from orders.entry import estimating
from orders.models import Order
from orders.tickets import OrderClass, StopLoss
from portfolio.models import Balance, Hold, Position
from risk.models import Locate
from tests import on_margin, world
from tests.on_margin import submit
from tests.services.orders.margin_desk import buy, cash_held, fill, holds, place, sell, short
from venues.messages import OrderType, Side

pytestmark = pytest.mark.django_db
D = Decimal


def test_a_short_sale_requires_half_beside_its_proceeds(venue):
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    [order] = place(sell(account, 100))
    assert (order.status, order.position_intent) == ("submitted", "sell_to_open")
    # The ask and the buffer of 3 % beyond it.
    assert cash_held(account) == D("5150.00")
    fill(venue, order)
    assert Position.objects.get(account=account).quantity == D(-100)
    Quote.objects.update(last=D(100))
    found = on_margin.standing(account)
    assert (found.short_value, found.initial) == (D(-10000), D(5000))
    assert D("9990") < found.equity <= D("10000.00")  # less the fees of a sale
    holds(account)


@pytest.mark.parametrize(
    ("of_account", "of_instrument", "wanted", "code"),
    [
        ({"allows_shorting": False}, {}, {}, "shorting_disabled"),
        ({}, {"shortable": False}, {}, "not_shortable"),
        ({}, {"marginable": False}, {}, "not_shortable"),
        ({}, {"easy_to_borrow": False}, {}, "no_locate"),
        ({}, {"quantity_increment": D("0.1")}, {"quantity": D("1.5")}, "short_fractional"),
    ],
)
def test_what_may_not_be_sold_short(of_account, of_instrument, wanted, code):
    listed = on_margin.instrument()
    account = on_margin.customer(**of_account)
    for name, value in of_instrument.items():
        setattr(listed, name, value)
    listed.save()
    [denied] = place(world.limit_ticket(account, "100.00", side=Side.SELL, **wanted))
    assert (denied.status, denied.denial_code) == ("rejected", code)
    assert not Hold.objects.filter(account=account).exists()


def test_below_2000_of_equity_nothing_is_sold_short():
    on_margin.instrument()
    account = on_margin.customer(cash="1999.99")
    [denied] = place(sell(account, 1))
    assert denied.denial_code == "margin_equity_minimum"


def test_a_locate_lends_so_much_and_no_more(venue):
    listed = on_margin.instrument()
    listed.easy_to_borrow = False
    listed.save()
    account = on_margin.customer()
    today = timezone.now().date()
    Locate.objects.create(
        instrument=listed, account=account, quantity=D(50), lasts_until=today, source="Lender 7"
    )
    first, second, third = place(sell(account, 30), sell(account, 20), sell(account, 1))
    assert [o.denial_code for o in (first, second, third)] == ["", "", "no_locate"]
    fill(venue, first)
    [denied] = place(sell(account, 1))
    assert denied.denial_code == "no_locate"
    Locate.objects.update(lasts_until=today - timedelta(days=2))
    [over] = place(sell(account, 1))
    assert over.denial_code == "no_locate"


@pytest.fixture
def lent_to_all():
    """A locate of 50 shares for everybody."""
    listed = on_margin.instrument()
    listed.easy_to_borrow = False
    listed.save()
    today = timezone.now().date() + timedelta(days=1)
    return Locate.objects.create(
        instrument=listed, quantity=D(50), lasts_until=today, source="Lender 7"
    )


def test_a_locate_for_everybody_is_lent_once(venue, lent_to_all):
    one, two, three = (on_margin.customer() for _ in range(3))
    first, second, too_much = place(sell(one, 30), sell(two, 20), sell(three, 1))  # of one batch
    assert [o.denial_code for o in (first, second, too_much)] == ["", "", "no_locate"]
    fill(venue, first, quantity="10")
    [still] = place(sell(three, 1))
    assert still.denial_code == "no_locate"
    place(world.cancel_ticket(first))
    venue.cancels(first)
    world.apply_reports()
    [fits, over] = [place(sell(three, quantity))[0] for quantity in (20, 1)]
    assert (fits.denial_code, over.denial_code) == ("", "no_locate")
    [cover] = place(buy(one, 10))
    fill(venue, cover)
    [again] = place(sell(two, 10))
    assert again.denial_code == ""


def test_who_has_a_locate_of_his_own_leaves_the_shared_one_to_others(lent_to_all):
    one, two = on_margin.customer(), on_margin.customer(cash="50000.00")
    Locate.objects.create(
        instrument=lent_to_all.instrument,
        account=one,
        quantity=D(40),
        lasts_until=lent_to_all.lasts_until,
        source="Lender 8",
    )
    codes = [o.denial_code for o in place(sell(one, 45), sell(two, 46), sell(two, 45))]
    assert codes == ["", "no_locate", ""]


def test_an_estimate_locks_no_locate(lent_to_all):
    found = estimating.estimate(sell(on_margin.customer(), 50))
    assert found.order.denial_code == ""
    assert not Order.objects.exists()


def test_a_low_price_requires_its_minimum_a_share():
    listed = on_margin.instrument(bid="1.99", ask="2.00")
    account = on_margin.customer(cash="10000.00")
    [order] = place(sell(account, 1000, "2.00"))
    assert cash_held(account) == D("2500.00")  # 2.50 a share
    assert order.status == "submitted"
    assert listed.symbol == "AAPL"


# --- Groups --------------------------------------------------------------------------------------


def bracket(account, **wanted):
    return world.limit_ticket(
        account,
        "100.00",
        side=Side.SELL,
        order_class=OrderClass.BRACKET,
        take_profit=D("90.00"),
        stop_loss=StopLoss(D("110.00")),
        **wanted,
    )


def test_a_bracket_opens_a_short_and_buys_it_back_once(venue):
    on_margin.instrument()
    account = on_margin.customer()
    [answer] = submit(bracket(account))
    entry, legs = answer.order, answer.legs
    assert entry.status == "submitted", entry.status_reason
    assert {leg.position_intent for leg in legs} == {"buy_to_close"}
    fill(venue, entry)
    profit = Order.objects.get(group=entry.pk, role="take_profit")
    assert (profit.status, profit.side) == ("submitted", "buy")
    assert Hold.objects.get(order_id=profit.pk).asset == "AAPL"
    [denied] = place(buy(account, 1))
    assert denied.denial_code == "cover_too_large"  # the exits are to buy all of it back
    holds(account)
    fill(venue, profit, price="90.00")
    stop = Order.objects.get(group=entry.pk, role="stop_loss")
    assert (stop.status, Position.objects.get(account=account).quantity) == ("cancelled", D(0))
    holds(account)


def test_the_stop_of_a_short_takes_the_place_of_its_profit(venue):
    on_margin.instrument()
    account = on_margin.customer()
    [answer] = submit(bracket(account))
    fill(venue, answer.order)
    stop = Order.objects.get(group=answer.order.pk, role="stop_loss")
    profit = Order.objects.get(group=answer.order.pk, role="take_profit")
    Quote.objects.update(bid=D("110.00"), ask=D("110.10"))
    submit(world.trigger_ticket(stop, "110.00"))
    profit.refresh_from_db()
    assert profit.status == "pending_cancel"
    venue.cancels(profit)
    world.apply_reports()
    stop.refresh_from_db()
    assert stop.status == "submitted"
    fill(venue, stop, price="110.05")
    assert Position.objects.get(account=account).quantity == D(0)
    holds(account)


def test_an_oco_buys_a_short_back(venue):
    on_margin.instrument()
    account = on_margin.customer()
    short(account, 10, venue)
    [answer] = submit(
        world.limit_ticket(
            account, "90.00", order_class=OrderClass.OCO, stop_loss=StopLoss(D("110.00"))
        )
    )
    assert answer.order.status == "submitted", answer.order.status_reason
    assert answer.order.position_intent == "buy_to_close"
    holds(account)


def test_legs_that_would_flip_are_denied(venue):
    on_margin.instrument()
    account = on_margin.customer()
    [answer] = submit(
        world.limit_ticket(
            account, "110.00", order_class=OrderClass.OCO, side=Side.SELL, stop_loss=StopLoss(D(90))
        )
    )
    assert answer.order.denial_code == "oco_opens"
    world.own(account, "AAPL", "10", venue, price="100.00")
    [closing] = submit(bracket(account))
    assert closing.order.denial_code == "entry_closes"


def test_a_stop_that_sells_short_is_held_for_and_goes(venue):
    on_margin.instrument()
    account = on_margin.customer()
    stop = world.ticket(account, side=Side.SELL, type=OrderType.STOP, stop_price=D("95.00"))
    [order] = place(stop)
    assert (order.status, order.position_intent) == ("held", "sell_to_open")
    assert cash_held(account) == D("515.00")
    Quote.objects.update(bid=D("94.90"), ask=D("95.00"))
    submit(world.trigger_ticket(order, "95.00"))
    order.refresh_from_db()
    assert order.status == "submitted"
    fill(venue, order, price="94.90")
    assert Position.objects.get(account=account).quantity == D(-10)
    holds(account)


def test_a_bust_of_a_short_takes_its_exits_back(venue):
    on_margin.instrument()
    account = on_margin.customer()
    [answer] = submit(bracket(account))
    report = fill(venue, answer.order)
    profit = Order.objects.get(group=answer.order.pk, role="take_profit")
    assert (profit.status, profit.quantity) == ("submitted", D(10))
    venue.busts(answer.order, report)
    world.apply_reports()
    profit.refresh_from_db()
    assert profit.status == "pending_cancel"
    venue.cancels(profit)
    world.apply_reports()
    assert Position.objects.get(account=account).quantity == D(0)
    assert not Hold.objects.filter(account=account, status="pending").exists()
    assert Balance.objects.get(account=account, asset="USD").amount == D("10000.00")
    holds(account)


def test_a_held_exit_of_a_short_is_replaced(venue):
    on_margin.instrument()
    account = on_margin.customer()
    [answer] = submit(bracket(account))
    fill(venue, answer.order)
    stop = Order.objects.get(group=answer.order.pk, role="stop_loss")
    [new] = place(world.replace_ticket(stop, stop_price=D("112.00")))
    assert (new.status, new.position_intent) == ("held", "buy_to_close")
    holds(account)


def test_a_short_sale_is_replaced_by_what_equity_bears(venue):
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    [order] = place(sell(account, 100, "104.00"))
    venue.accepts(order)
    world.apply_reports()
    assert cash_held(account) == D("5200.00")
    [denied] = place(world.replace_ticket(order, quantity=D(193)))  # 10,036 of 10,000
    assert denied.denial_code == "insufficient_buying_power"
    [new] = place(world.replace_ticket(order, quantity=D(192)))
    assert new.denial_code == "", new.status_reason
    venue.replaces(order, new, total="192")
    world.apply_reports()
    assert cash_held(account) == D("9984.00")
    holds(account)
