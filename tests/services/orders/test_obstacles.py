"""What stands in an order's way, and must neither lose a fill nor leave a position bare."""

from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Instrument
from orders import executions
from orders.held import expiry
from orders.models import Order, Watch
from orders.tickets import OrderClass, ResumeTicket, StopLoss
from portfolio.models import Balance, Position
from tests import world
from tests.placing import states, submit
from venues import routing
from venues.messages import OrderType, ReportKind, Side
from venues.models import InboxReport, OutboxMessage, Venue

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture(autouse=True)
def _routes_forgotten(agreeing):
    yield
    routing.forget()


@pytest.fixture
def account(db):
    world.instrument()
    return world.customer(cash="100000.00")


def bracket(account, **wanted):
    answer = submit(
        world.limit_ticket(
            account,
            "100.00",
            **{
                "order_class": OrderClass.BRACKET,
                "take_profit": D("110.00"),
                "stop_loss": StopLoss(D("95.00")),
                **wanted,
            },
        )
    )
    return answer.order, *answer.legs


def held(account, asset="AAPL"):
    return Balance.objects.get(account=account, asset=asset).held


def position(account):
    return Position.objects.get(account=account).quantity


def switch_off(is_enabled):
    Venue.objects.update(is_enabled=is_enabled)
    routing.forget()


def resume(order):
    return submit(ResumeTicket(order.account_id, order.pk, timezone.now()))


def test_a_fill_is_booked_also_when_its_legs_have_nowhere_to_go(account, venue):
    entry, profit, loss = bracket(account)
    switch_off(is_enabled=False)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    assert states(entry, profit, loss) == ["filled", "held", "held"]
    assert (position(account), held(account), profit.is_waiting) == (D(10), D(10), True)
    assert {w.order_id for w in Watch.objects.all()} == {loss.pk}
    assert resume(profit).order.status == "held"
    switch_off(is_enabled=True)
    assert resume(profit).order.status == "submitted"
    states(profit)
    assert (profit.is_waiting, held(account)) == (False, D(10))


def test_waiting_legs_are_looked_at_again_by_and_by(account, venue):
    entry, profit, _ = bracket(account)
    Instrument.objects.update(halted=True)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    assert states(profit) == ["held"]
    asked = []
    resuming = expiry.Resuming(lambda ticket: asked.append(ticket) or Never())
    resuming.look(now=timezone.now())
    assert [ticket.order_id for ticket in asked] == [profit.pk]
    resuming.look(now=timezone.now())  # not again at once
    assert len(asked) == 1


class Never:
    """The answer to a ticket that nobody has begun with."""

    def done(self):
        return False

    def cancel(self):
        return False


def test_a_triggered_stop_does_not_go_into_a_halt(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    submit(world.trigger_ticket(loss, "94.00"))
    Instrument.objects.update(halted=True)
    venue.cancels(profit)
    world.apply_reports()
    assert states(profit, loss) == ["cancelled", "held"]
    assert (loss.is_waiting, held(account)) == (True, D(10))
    Instrument.objects.update(halted=False)
    assert resume(loss).order.status == "submitted"


def test_a_refused_cancel_is_not_asked_for_again_at_once(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    submit(world.trigger_ticket(loss, "94.00"))
    for asked in (1, 2, 3):
        venue.says(profit, ReportKind.CANCEL_REJECTED, reason="order_not_open")
        world.apply_reports()
        assert OutboxMessage.objects.filter(kind="cancel").count() == asked
        assert states(profit, loss) == ["submitted", "held"]
        assert loss.is_waiting
        resume(loss)
    venue.cancels(profit)
    world.apply_reports()
    assert states(profit, loss) == ["cancelled", "submitted"]


def test_what_a_late_fill_opens_is_held_and_closed_too(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "5", "100.00")
    venue.cancels(entry)
    world.apply_reports()
    assert states(profit) == ["submitted"]
    venue.fills(entry, "3", "100.00")
    world.apply_reports()
    assert (held(account), states(loss), loss.quantity) == (D(8), ["held"], D(8))
    sale = submit(world.limit_ticket(account, "100.00", side=Side.SELL, quantity=D(3))).order
    assert sale.denial_code == "insufficient_position"
    submit(world.trigger_ticket(loss, "94.00"))
    venue.cancels(profit)
    world.apply_reports()
    assert states(loss) == ["submitted"]
    assert loss.quantity == held(account) == D(8)


def test_a_busted_entry_is_taken_from_its_own_legs(account, venue):
    entry, profit, loss = bracket(account)
    fill = venue.fills(entry, "4", "100.00")
    venue.fills(entry, "6", "100.00")
    world.apply_reports()
    assert states(profit) == ["submitted"]
    venue.busts(entry, fill)
    world.apply_reports()
    # What was to be sold at the venue leaves it first.
    assert states(entry, profit) == ["filled", "pending_cancel"]
    assert InboxReport.objects.get(state="early").client_order_id == str(entry.pk)
    venue.cancels(profit)
    world.apply_reports()
    assert states(entry, profit, loss) == ["cancelled", "cancelled", "held"]
    assert (position(account), held(account), loss.quantity) == (D(6), D(6), D(6))


def test_a_busted_fill_of_an_order_by_value_leaves_the_rest_of_it_covered(venue, db):
    world.instrument(increment="0.01")
    Instrument.objects.update(fractionable=True)
    account = world.customer(cash="1000.00")
    order = submit(world.ticket(account, quantity=None, notional=D("1000.00"))).order
    venue.fills(order, "5", "100.00")
    fill = venue.fills(order, "2", "100.00")
    venue.busts(order, fill)
    venue.fills(order, "3", "100.00")
    world.apply_reports()
    assert states(order) == ["filled"]
    assert order.filled_quantity == D(8)
    assert held(account, "USD") == 0
    assert Balance.objects.get(account=account, asset="USD").amount == D("200.00")


def buy_oco(account, quantity):
    return submit(
        world.limit_ticket(
            account, "99.00", quantity=quantity, order_class=OrderClass.OCO,
            stop_loss=StopLoss(D("105.00")),
        )
    ).order  # fmt: skip


def test_a_buy_oco_counts_towards_the_position_once(account):
    world.limits(position_value_max=D("1500.00"))
    assert buy_oco(account, D(10)).status == "submitted"
    assert buy_oco(account, D(10)).denial_code == "position_limit"


def test_the_replacement_of_an_oco_is_judged_and_can_be_replaced_again(account, venue):
    world.limits(position_value_max=D("1500.00"))
    first = buy_oco(account, D(10))
    larger = submit(world.replace_ticket(first, quantity=D(90))).order
    assert larger.denial_code == "position_limit"
    second = submit(world.replace_ticket(first, quantity=D(12))).order
    venue.replaces(first, second, total="12")
    world.apply_reports()
    states(second)
    assert submit(world.replace_ticket(second, quantity=D(11))).order.status == "pending"
    Order.objects.update(updated_at=timezone.now())


def test_a_held_order_that_cannot_be_covered_anew_is_denied_and_stands(account, venue):
    world.own(account, "AAPL", "10", venue, price="99.00")
    sale, _, stop = bracket(
        account, side=Side.SELL, take_profit=D("90.00"), stop_loss=StopLoss(D("105.00"))
    )
    venue.fills(sale, "4", "100.00")
    world.apply_reports()
    assert held(account, "USD") > 0
    dear = submit(world.replace_ticket(stop, stop_price=D("90000.00"))).order
    assert dear.denial_code == "insufficient_buying_power"
    assert states(stop) == ["held"]
    assert stop.is_watched


def test_a_stop_on_its_way_is_not_replaced(account, venue):
    entry, _, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    submit(world.trigger_ticket(loss, "94.00"))
    refusal = submit(world.replace_ticket(loss, stop_price=D("90.00"))).refusal
    assert refusal.code == "not_replaceable"


def test_a_poisoned_early_report_does_not_park_the_one_that_it_waits_for(account, venue):
    order = submit(world.limit_ticket(account, "100.00")).order
    venue._filled[str(order.pk)] = D(4)
    venue.says(order, ReportKind.FILL, quantity="1", price="100.00")
    world.apply_reports()
    early = InboxReport.objects.get(state="early")
    InboxReport.objects.filter(pk=early.pk).update(report=early.report | {"price": "poison"})
    venue._filled[str(order.pk)] = D(0)
    venue.fills(order, "4", "100.00")
    world.apply_reports()
    assert states(order) == ["partially_filled"]
    assert order.filled_quantity == D(4)
    early.refresh_from_db()
    assert early.state == "early"
    early.delete()


def test_what_is_shown_may_be_no_number_at_all(account):
    huge = D(10) ** 20
    ticket = world.limit_ticket(account, "99.00", display_quantity=huge)
    assert submit(ticket).refusal.code == "invalid_display"
    assert executions.apply_next() == 0


def test_a_stop_that_is_reached_while_no_venue_is_there_goes_when_one_is(account, venue):
    stop = submit(world.ticket(account, type=OrderType.STOP, stop_price=D("105.00"))).order
    switch_off(is_enabled=False)
    assert submit(world.trigger_ticket(stop, "105.00")).refusal is None
    assert states(stop) == ["held"]
    assert (stop.is_watched, stop.is_waiting) == (False, True)
    assert resume(stop).order.status == "held"
    switch_off(is_enabled=True)
    assert resume(stop).order.status == "submitted"
    assert OutboxMessage.objects.filter(order_id=stop.pk, kind="new").count() == 1
    assert resume(stop).is_repeat


def test_a_leg_that_is_reached_while_no_venue_is_there_goes_when_one_is(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    switch_off(is_enabled=False)
    submit(world.trigger_ticket(loss, "94.00"))
    venue.cancels(profit)
    world.apply_reports()
    assert (states(profit, loss), loss.is_waiting) == (["cancelled", "held"], True)
    switch_off(is_enabled=True)
    assert resume(loss).order.status == "submitted"
