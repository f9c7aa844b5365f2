"""Replacing: linked both ways, risk on the difference, the venue's word in every race."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import activity
from orders import selectors
from orders.entry import submission
from orders.models import Order, Watch
from portfolio.models import Balance, Hold
from tests import world
from tests.placing import states, submit
from venues.messages import OrderType, ReportKind, Side, TimeInForce
from venues.models import InboxReport, OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agreeing")]

D = Decimal


@pytest.fixture
def account(db):
    world.instrument()
    return world.customer(cash="2000.00")


@pytest.fixture
def order(account, venue):
    """Ten at 99, acknowledged: 990 are held."""
    placed = submit(world.limit_ticket(account, "99.00")).order
    venue.accepts(placed)
    world.apply_reports()
    placed.refresh_from_db()
    return placed


def replace(order, **wanted):
    return submit(world.replace_ticket(order, **wanted))


def held(account):
    return Balance.objects.get(account=account, asset="USD").held


def test_a_replace_asks_the_venue_and_holds_the_difference(account, order):
    new = replace(order, quantity=D(15), limit_price=D("98.00")).order
    assert states(order, new) == ["pending_replace", "pending"]
    assert (order.replaced_by, new.replaces, new.quantity) == (new.pk, order.pk, D(15))
    # All ten may still execute at 99, and five more at 98; two cents are for roundings.
    assert held(account) == D("1480.02")
    message = OutboxMessage.objects.order_by("pk").last()
    assert (message.kind, message.message) == (
        "replace",
        {
            "client_order_id": str(order.pk),
            "new_client_order_id": str(new.pk),
            "quantity": "15",
            "limit_price": "98",
        },
    )


def test_the_venue_lets_the_new_order_take_over(account, order, venue):
    new = replace(order, quantity=D(15), limit_price=D("98.00")).order
    venue.replaces(order, new, total="15")
    world.apply_reports()
    assert states(order, new) == ["replaced", "submitted"]
    assert held(account) == D("1470.00")
    assert not Hold.objects.filter(order_id=order.pk, status="pending").exists()
    venue.fills(new, "15", "98.00")
    world.apply_reports()
    assert states(new) == ["filled"]
    assert (held(account), Balance.objects.get(asset="USD").amount) == (0, D("530.00"))
    kinds = [event.kind for event in activity.since(account.pk, 0)]
    assert kinds[-5:] == [
        "order.replace_requested",
        "order.pending_replace",
        "order.replaced",
        "order.accepted",
        "order.filled",
    ]


def test_what_executes_meanwhile_counts_towards_the_total(account, order, venue):
    new = replace(order, quantity=D(12)).order
    venue.fills(order, "4", "99.00")
    venue.replaces(order, new, total="12")
    world.apply_reports()
    assert states(order, new) == ["replaced", "submitted"]
    assert (order.filled_quantity, new.quantity, new.filled_quantity) == (D(4), D(8), D(0))
    assert held(account) == D("792.00")


def test_a_fill_that_is_faster_wins(account, order, venue):
    new = replace(order, quantity=D(12), limit_price=D("98.00")).order
    venue.fills(order, "10", "99.00")
    venue.refuses_to_replace(order, new)
    world.apply_reports()
    assert states(order, new) == ["filled", "rejected"]
    assert held(account) == 0
    assert new.status_reason == "Too late: the order had ended at the venue."


def test_a_refused_replace_leaves_the_order_as_it_was(account, order, venue):
    new = replace(order, limit_price=D("98.00")).order
    venue.fills(order, "3", "99.00")
    venue.refuses_to_replace(order, new, reason="price_off_tick")
    world.apply_reports()
    assert states(order, new) == ["partially_filled", "rejected"]
    assert (order.replaced_by, order.limit_price) == (None, D("99.00"))
    assert held(account) == D("693.00")
    told = activity.since(account.pk, 0)[-1]
    assert (told.kind, told.payload["code"], told.payload["order_id"]) == (
        "order.replace_rejected", "price_off_tick", str(order.pk),
    )  # fmt: skip


def test_a_replace_that_overtakes_a_fill_waits_for_it(account, order, venue):
    new = replace(order, quantity=D(12)).order
    venue._filled[str(order.pk)] = D(4)
    venue.replaces(order, new, total="12")
    venue.fills(new, "1", "99.00")
    world.apply_reports()
    assert states(order, new) == ["pending_replace", "pending"]
    assert InboxReport.objects.filter(state="early").count() == 2
    venue._filled[str(order.pk)] = D(0)
    venue.fills(order, "4", "99.00")
    world.apply_reports()
    assert states(order, new) == ["replaced", "partially_filled"]
    assert (order.filled_quantity, new.filled_quantity, new.quantity) == (D(4), D(1), D(8))
    assert not InboxReport.objects.exclude(state="applied").exists()


def test_more_than_the_account_has_is_denied_and_the_order_stands(account, order):
    new = replace(order, quantity=D(21)).order
    assert (new.status, new.denial_code) == ("rejected", "insufficient_buying_power")
    assert states(order) == ["submitted"]
    assert held(account) == D("990.00")


def test_what_the_order_holds_counts_for_its_replacement(account, order):
    assert replace(order, quantity=D(20)).order.status == "pending"
    assert held(account) == D("1980.02")


def test_a_lower_price_for_more_must_be_covered_whatever_executes_first(account, order):
    """All of 10 at 99 may execute before 22 at 90 take over: 990 and 1080 are needed."""
    new = replace(order, quantity=D(22), limit_price=D("90.00")).order
    assert (new.status, new.denial_code) == ("rejected", "insufficient_buying_power")
    assert states(order) == ["submitted"]


def test_an_order_is_not_replaced_twice_at_once(account, order):
    replace(order, limit_price=D("98.00"))
    assert replace(order, limit_price=D("97.00")).refusal.code == "not_replaceable"


def test_the_same_request_again_is_answered_with_the_same_order(account, order):
    ticket = world.replace_ticket(order, limit_price=D("98.00"))
    first, again = submit(ticket), submit(ticket)
    assert (again.order.pk, again.is_repeat) == (first.order.pk, True)
    assert OutboxMessage.objects.filter(kind="replace").count() == 1


def test_a_cancel_ends_both_orders_of_a_replace(account, order, venue):
    new = replace(order, limit_price=D("98.00")).order
    assert submit(world.cancel_ticket(new)).refusal is None
    assert states(order, new) == ["pending_cancel", "pending_cancel"]
    venue.replaces(order, new, total="10")
    venue.says(order, ReportKind.CANCEL_REJECTED, reason="order_not_open")
    venue.cancels(new)
    world.apply_reports()
    assert states(order, new) == ["replaced", "cancelled"]
    assert held(account) == 0


def test_a_chain_of_replaces_is_linked_and_counted(account, order, venue):
    second = replace(order, quantity=D(12)).order
    venue.fills(order, "2", "99.00")
    venue.replaces(order, second, total="12")
    world.apply_reports()
    states(second)
    third = replace(second, quantity=D(6)).order
    venue.fills(second, "1", "99.00")
    venue.replaces(second, third, total="6")
    world.apply_reports()
    assert states(order, second, third) == ["replaced", "replaced", "submitted"]
    assert [o.filled_quantity for o in (order, second)] == [D(2), D(1)]
    assert third.quantity == D(5)
    assert (order.replaced_by, second.replaces, second.replaced_by, third.replaces) == (
        second.pk, order.pk, third.pk, second.pk,
    )  # fmt: skip


def test_what_we_hold_is_replaced_at_once(account):
    order = submit(world.ticket(account, type=OrderType.STOP, stop_price=D("105.00"))).order
    new = replace(order, stop_price=D("110.00"), time_in_force=TimeInForce.GTC).order
    assert states(order, new) == ["replaced", "held"]
    assert held(account) == D("1133.00")
    assert [(w.order_id, w.stop_price) for w in Watch.objects.all()] == [(new.pk, D("110.00"))]
    assert (new.time_in_force, OutboxMessage.objects.count()) == ("gtc", 0)
    assert [s.status for s in selectors.timeline(order)] == ["held", "replaced"]


def test_a_replaced_trailing_stop_keeps_its_mark(account, venue):
    world.own(account, "AAPL", "10", venue, price="100.00")
    trailing = {"type": OrderType.TRAILING_STOP, "trail_amount": D(3), "side": Side.SELL}
    order = submit(world.ticket(account, **trailing)).order
    Watch.objects.update(mark=D("120.00"))
    new = replace(order, trail=D(2)).order
    watch = Watch.objects.get()
    assert (watch.order_id, watch.mark, watch.trail_amount) == (new.pk, D("120.00"), D(2))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "nothing_to_replace"),
        ({"quantity": D(0)}, "invalid_quantity"),
        ({"stop_price": D(5)}, "stop_price_unexpected"),
        ({"trail": D(5)}, "trail_unexpected"),
        ({"time_in_force": TimeInForce.GTC}, "time_in_force_fixed"),
        ({"order_id": Order().pk, "quantity": D(5)}, "unknown_order"),
    ],
)
def test_what_cannot_be_replaced_so_is_refused_and_nothing_changes(account, order, wanted, code):
    assert replace(order, **wanted).refusal.code == code
    assert states(order) == ["submitted"]
    assert Order.objects.count() == 1


def test_less_than_what_is_filled_is_refused(account, order, venue):
    venue.fills(order, "4", "99.00")
    world.apply_reports()
    assert replace(order, quantity=D(4)).refusal.code == "quantity_filled"
    assert replace(order, quantity=D(5)).order.quantity == D(1)


class TestTicketsThatFollowInTheBatch:
    """What a replacement adds is seen by the tickets after it."""

    @pytest.fixture
    def account(self, db):
        world.instrument(bid="90.00", ask="110.00")
        return world.customer(cash="1000000.00")

    @pytest.fixture(params=["held", "at the venue"])
    def small(self, request, account):
        if request.param == "held":
            stop = {"type": OrderType.STOP, "stop_price": D(111)}
            return submit(world.ticket(account, quantity=D(10), **stop)).order
        return submit(world.limit_ticket(account, "100.00", quantity=D(10))).order

    def denied(self, *batch):
        answers = submission.submit_batch(batch, now=timezone.now())
        return [answer.order.denial_code for answer in answers]

    @pytest.mark.parametrize(
        ("limit", "code"),
        [
            ({"position_quantity_max": D(150)}, "position_quantity_limit"),
            ({"gross_exposure_max": D(18_000)}, "gross_exposure_limit"),
            ({"firm_open_buys_max": D(18_000)}, "firm_buying_power"),
        ],
    )
    def test_limits_are_held_against_both(self, account, small, limit, code):
        world.limits(**limit)
        larger = world.replace_ticket(small, quantity=D(140))
        assert self.denied(larger, world.limit_ticket(account, "100.00", quantity=D(140))) == [
            "",
            code,
        ]

    def test_nobody_trades_with_the_replacement_of_his_own_order(self, account, venue):
        world.own(account, "AAPL", "20", venue, price="110.00")
        sale = world.limit_ticket(account, "108.00", side=Side.SELL, quantity=D(10))
        cheaper = world.replace_ticket(submit(sale).order, limit_price=D("100.00"))
        assert self.denied(cheaper, world.limit_ticket(account, "101.00")) == ["", "self_trade"]


def test_what_was_triggered_is_measured_from_the_market(venue):
    listed = world.instrument()
    account = world.customer(cash="10000.00")
    world.limits(price_collar=D("0.05"))
    stop = {"type": OrderType.STOP_LIMIT, "stop_price": D(101), "limit_price": D(102)}
    placed = submit(world.ticket(account, **stop)).order
    submission.submit_batch([world.trigger_ticket(placed, "101.00")], now=timezone.now())
    placed.refresh_from_db()
    assert placed.status == "submitted"
    world.quote(listed, bid="49.99", ask="50.00")
    far = submit(world.replace_ticket(placed, limit_price=D(106))).order
    assert far.denial_code == "price_collar"
    assert submit(world.replace_ticket(placed, limit_price=D(52))).order.denial_code == ""
