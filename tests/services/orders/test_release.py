"""When the turn of a held order comes: what of the moment and of today's limits it then meets."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Quote
from orders.entry import submission
from orders.models import Order
from orders.tickets import OrderClass, ResumeTicket, StopLoss
from portfolio.models import Hold
from risk.controls.models import ClockReading
from risk.models import Locate
from tests import on_margin, world
from tests.on_margin import submit
from venues.messages import OrderType, Side
from venues.models import OutboxMessage

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def account(db):
    world.instrument()
    return world.customer()


def stop_buy(account, quantity=10):
    wanted = world.ticket(
        account, type=OrderType.STOP, stop_price=D("105.00"), quantity=D(quantity)
    )
    [answer] = submit(wanted)
    assert answer.order.status == "held", answer.order.status_reason
    return answer.order


def stop_sell(account):
    world.own(account, "AAPL", "10", world.Venue(), price="100.00")
    wanted = world.ticket(account, side=Side.SELL, type=OrderType.STOP, stop_price=D("95.00"))
    [answer] = submit(wanted)
    assert answer.order.status == "held", answer.order.status_reason
    return answer.order


def trigger(order):
    [answer] = submit(world.trigger_ticket(order, "105.00"))
    order.refresh_from_db()
    return answer


def clock_is_off_by(offset_ms):
    ClockReading.objects.update_or_create(
        host="here", source="test", defaults={"offset_ms": offset_ms, "at": timezone.now()}
    )


def sent(order):
    return OutboxMessage.objects.filter(order_id=order.pk).exists()


@pytest.mark.parametrize("placed", [stop_buy, stop_sell])
def test_no_stop_goes_while_the_clock_is_off(account, placed):
    order = placed(account)
    clock_is_off_by(-50.5)
    refused = trigger(order)
    assert refused.refusal.code == "not_trading"
    assert (order.status, order.triggered_at, order.is_watched) == ("held", None, True)
    assert not sent(order)
    clock_is_off_by(50)
    trigger(order)
    assert order.status == "submitted"


def test_a_leg_whose_turn_comes_waits_for_the_clock(account):
    venue = world.Venue()
    [answer] = submit(
        world.limit_ticket(
            account,
            "100.00",
            order_class=OrderClass.BRACKET,
            take_profit=D("110.00"),
            stop_loss=StopLoss(D("95.00")),
        )
    )
    profit = answer.legs[0]
    clock_is_off_by(51)
    venue.fills(answer.order, "10", "100.00")
    world.apply_reports()
    profit.refresh_from_db()
    assert (profit.status, profit.is_waiting) == ("held", True)
    clock_is_off_by(0)
    submission.submit_batch([ResumeTicket(account.pk, profit.pk, timezone.now())])
    profit.refresh_from_db()
    assert profit.status == "submitted"


@pytest.mark.parametrize(
    ("tightened", "code"),
    [
        ({"order_quantity_max": D(9)}, "order_quantity_limit"),
        ({"order_value_max": D(1000)}, "order_value_limit"),
        ({"position_quantity_max": D(9)}, "position_quantity_limit"),
        ({"gross_exposure_max": D(1000)}, "gross_exposure_limit"),
    ],
)
def test_limits_that_were_tightened_end_a_stop_that_opens(account, tightened, code):
    order = stop_buy(account)
    world.limits(account=account, **tightened)
    trigger(order)
    assert order.status == "cancelled"
    told = submission.submit_batch([world.ticket(account)])[0].order  # as a new one is told
    assert told.denial_code == code
    assert not sent(order)
    assert not Hold.objects.filter(order_id=order.pk, status="pending").exists()


def test_a_stop_that_closes_goes_whatever_limits_were_tightened(account):
    order = stop_sell(account)
    world.limits(account=account, order_quantity_max=D(1), order_value_max=D(1))
    trigger(order)
    assert order.status == "submitted"


def test_a_held_stop_is_no_further_order_to_the_limits_that_count_it(account):
    order = stop_buy(account)
    world.limits(account=account, position_quantity_max=D(10), gross_exposure_max=D("1100.00"))
    trigger(order)
    assert order.status == "submitted", order.status_reason


def test_a_short_sale_that_was_held_needs_its_locate_when_it_goes():
    listed = on_margin.instrument()
    listed.easy_to_borrow = False
    listed.save()
    account, tomorrow = on_margin.customer(), timezone.now().date() + timedelta(days=1)
    Locate.objects.create(instrument=listed, quantity=D(10), lasts_until=tomorrow, source="L")
    orders = [
        submit(world.ticket(account, side=Side.SELL, type=OrderType.STOP, stop_price=D(price),
                            quantity=D(5)))[0].order
        for price in ("95.00", "94.00")
    ]  # fmt: skip
    trigger(orders[0])
    assert orders[0].status == "submitted", orders[0].status_reason
    Locate.objects.update(lasts_until=tomorrow - timedelta(days=3))
    trigger(orders[1])
    assert orders[1].status == "cancelled"
    assert "hard to borrow" in orders[1].status_reason


def test_on_margin_a_held_stop_counts_once_for_what_all_positions_are_worth(db):
    on_margin.instrument()
    account = on_margin.customer()
    order = stop_buy(account)  # at most 1,081.50 USD, of which half is set aside
    world.limits(account=account, gross_exposure_max=D("1081.50"))
    trigger(order)
    assert order.status == "submitted", order.status_reason


@pytest.mark.parametrize(("price", "status"), [("85.41", "submitted"), ("85.40", "cancelled")])
def test_what_opens_needs_the_equity_when_it_goes(db, price, status):
    on_margin.instrument()
    other = on_margin.instrument("MSFT", bid="89.99", ask="90.00")
    account = on_margin.customer(multiplier_max=2)
    order = stop_buy(account)  # requires 540.75 USD
    world.own(account, "MSFT", "200", world.Venue(), price="90.00")
    # 8,000 USD are lent: half of what the 200 are worth, less that, is left.
    world.quote(other, bid=price, ask=price)
    trigger(order)
    assert order.status == status, order.status_reason
    assert sent(order) == (status == "submitted")


def test_an_entry_that_today_does_not_allow_takes_its_legs_along(account):
    [answer] = submit(
        world.ticket(
            account,
            type=OrderType.STOP,
            stop_price=D("105.00"),
            order_class=OrderClass.BRACKET,
            take_profit=D("120.00"),
            stop_loss=StopLoss(D("95.00")),
        )
    )
    world.limits(account=account, order_quantity_max=D(9))
    trigger(answer.order)
    for each in (answer.order, *answer.legs):
        each.refresh_from_db()
        assert (each.status, each.is_watched) == ("cancelled", False)
    assert not Hold.objects.filter(status="pending").exists()


def test_what_opens_waits_for_a_live_price(account):
    order = stop_buy(account)
    Quote.objects.update(received_at=timezone.now() - timedelta(minutes=10))
    trigger(order)
    assert (order.status, order.is_waiting) == ("held", True)
    assert not sent(order)
    Quote.objects.update(received_at=timezone.now())
    submission.submit_batch([ResumeTicket(account.pk, order.pk, timezone.now())])
    order.refresh_from_db()
    assert order.status == "submitted"


@pytest.mark.parametrize(
    ("side", "entry", "wanted", "code"),
    [
        (Side.BUY, "100.00", "94.99", "price_collar"),
        (Side.BUY, "100.00", "95.01", ""),
        (Side.BUY, "90.00", "86.00", ""),  # five percent of what the entry waits for
        (Side.BUY, "90.00", "85.00", "price_collar"),
    ],
)
def test_a_held_leg_is_replaced_within_the_collar(account, side, entry, wanted, code):
    world.limits(account=account, price_collar=D("0.05"))
    [answer] = submit(
        world.limit_ticket(
            account,
            entry,
            side=side,
            order_class=OrderClass.BRACKET,
            take_profit=D("110.00"),
            stop_loss=StopLoss(D("80.00")),
        )
    )
    profit = answer.legs[0]
    [new] = submit(world.replace_ticket(profit, limit_price=D(wanted)))
    assert new.order.denial_code == code
    profit.refresh_from_db()
    assert profit.status == ("held" if code else "replaced")
    assert Order.objects.get(pk=profit.pk).limit_price == D("110.00")


def test_a_leg_that_gives_away_is_not_placed_either(account):
    loss = StopLoss(D("80.00"), limit_price=D("30.00"))  # 62 % below its own stop
    [answer] = submit(
        world.limit_ticket(
            account, "100.00", order_class=OrderClass.OTO, take_profit=None, stop_loss=loss
        )
    )
    assert {answer.order.denial_code, *(leg.denial_code for leg in answer.legs)} == {"price_collar"}
