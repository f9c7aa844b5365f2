"""Applying what a venue says, on PostgreSQL."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import activity
from orders import executions, selectors
from orders.entry import submission
from orders.models import Order, Trade
from portfolio import selectors as portfolio
from portfolio.models import Balance, Hold, Position, Transfer
from tests import world
from tests.invariants import broken
from tests.placing import parked_reason, place, state
from venues import inbox
from venues.messages import ReportKind, Side
from venues.models import InboxReport

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def account(db):
    world.instrument()
    return world.customer(cash="100000.00")


def test_a_fill_moves_cash_securities_hold_and_position_together(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.accepts(order)
    venue.fills(order, "4", "99.50")
    assert world.apply_reports() == 2
    assert state(order) == ("partially_filled", D(4))
    assert order.average_price == D("99.50")
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.held) == (D("99602.00"), D("600.00"))
    position = Position.objects.get(account=account)
    assert (position.quantity, position.cost_basis) == (D(4), D("398.00"))
    trade = Trade.objects.get()
    moved = {t.asset: t.amount for t in Transfer.objects.filter(reference=f"trade:{trade.pk}")}
    assert moved == {"USD": D("398.00"), "AAPL": D(4)}
    assert broken() == set()


def test_the_last_fill_gives_back_what_was_held_too_much(account, venue):
    order = place(world.ticket(account))
    venue.fills(order, "10", "100.00")
    world.apply_reports()
    assert state(order) == ("filled", D(10))
    hold = Hold.objects.get()
    assert (hold.status, hold.remaining) == ("posted", D(0))
    assert Balance.objects.get(account=account, asset="USD").held == 0
    assert broken() == set()


def test_buying_and_selling_realises_the_difference(account, venue):
    bought = place(world.ticket(account))
    venue.fills(bought, "10", "100.00")
    world.apply_reports()
    sold = place(world.ticket(account, side=Side.SELL, quantity=D(6)))
    venue.fills(sold, "6", "101.00")
    world.apply_reports()
    position = Position.objects.get()
    assert (position.quantity, position.cost_basis, position.realised) == (D(4), D(400), D(6))
    snapshot = portfolio.snapshot(account.pk)
    assert snapshot.cash == D("99605.97")  # 606 less 0.02 of section 31 and 0.01 of TAF
    assert broken() == set()


def test_a_fill_before_the_acknowledgement_is_fine(account, venue):
    order = place(world.ticket(account))
    venue.fills(order, "10", "100.00")
    venue.accepts(order)
    world.apply_reports()
    assert state(order) == ("filled", D(10))
    assert broken() == set()


def test_an_acknowledgement_that_fills_have_overtaken_counts_what_was_before_them(account, venue):
    order = place(world.ticket(account))
    venue.fills(order, "4", "100.00")
    venue.says(order, ReportKind.ACCEPTED, cumulative=D(0), leaves=D(10))
    world.apply_reports()
    assert state(order) == ("partially_filled", D(4))
    assert broken() == set()


def test_a_cancel_releases_exactly_the_rest(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.fills(order, "3", "100.00")
    world.apply_reports()
    submission.submit_batch([world.cancel_ticket(order)], now=timezone.now())
    venue.says(order, ReportKind.CANCELLED)
    world.apply_reports()
    assert state(order) == ("cancelled", D(3))
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.held) == (D("99700.00"), D(0))
    assert Hold.objects.get().status == "released"
    assert broken() == set()


@pytest.mark.parametrize(
    ("kind", "status"), [(ReportKind.EXPIRED, "expired"), (ReportKind.REJECTED, "rejected")]
)
def test_what_the_venue_ends_holds_nothing(account, venue, kind, status):
    order = place(world.limit_ticket(account, "100.00"))
    venue.says(order, kind, reason="because")
    world.apply_reports()
    assert state(order) == (status, D(0))
    assert order.status_reason == "because"
    assert Balance.objects.get(account=account, asset="USD").held == 0
    assert broken() == set()


def test_a_fill_that_is_faster_than_the_cancel_stands(account, venue):
    order = place(world.ticket(account))
    submission.submit_batch([world.cancel_ticket(order)], now=timezone.now())
    venue.fills(order, "10", "100.00")
    venue._filled.clear()  # a rejected cancel carries no quantities
    venue.says(order, ReportKind.CANCEL_REJECTED, reason="too late to cancel")
    world.apply_reports()
    assert state(order) == ("filled", D(10))
    kinds = [a.kind for a in activity.since(account.pk, 1)]
    assert kinds == [
        "order.submitted", "order.cancel_requested", "order.filled", "order.cancel_rejected",
    ]  # fmt: skip
    assert broken() == set()


def test_the_same_report_twice_is_stored_once(account, venue):
    order = place(world.ticket(account))
    report = venue.says(order, ReportKind.FILL, quantity="4", price="100.00", execution_id="E1")
    inbox.store(order.venue, [report], now=timezone.now())
    world.apply_reports()
    inbox.store(order.venue, [report], now=timezone.now())
    world.apply_reports()
    assert state(order) == ("partially_filled", D(4))
    assert InboxReport.objects.count() == Trade.objects.count() == 1


def test_an_overfill_is_parked_and_the_next_report_is_not_kept_waiting(account, venue):
    first, second = place(world.ticket(account)), place(world.ticket(account))
    venue.fills(first, "11", "100.00")
    venue.fills(second, "10", "100.00")
    world.apply_reports()
    assert state(first) == ("submitted", D(0))
    assert state(second) == ("filled", D(10))
    assert "overfill" in parked_reason()
    assert broken() == {9}


@pytest.mark.parametrize("end", [ReportKind.EXPIRED, ReportKind.CANCELLED])
def test_a_fill_that_was_made_before_the_end_may_come_after_it(account, venue, end):
    order = place(world.limit_ticket(account, "100.00"))
    venue.says(order, end)
    venue.fills(order, "1", "100.00")
    world.apply_reports()
    assert state(order) == (end.value, D(1))
    venue.fills(order, "9", "100.00")
    world.apply_reports()
    assert state(order) == ("filled", D(10))


def test_a_fill_after_a_rejection_is_parked(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.says(order, ReportKind.REJECTED)
    venue.fills(order, "1", "100.00")
    world.apply_reports()
    assert state(order) == ("rejected", D(0))
    assert "cannot happen" in parked_reason()


def test_a_report_of_an_unknown_order_is_parked(account, venue):
    order = place(world.ticket(account))
    order.pk = account.pk  # some other UUID
    venue.fills(order, "1", "100.00")
    world.apply_reports()
    assert "there is no order" in parked_reason()


def test_an_end_that_overtakes_a_fill_waits_for_it(account, venue):
    """A fill is still under way: releasing the hold now would free what is owed."""
    order = place(world.limit_ticket(account, "100.00"))
    venue._filled[str(order.pk)] = D(2)
    venue.says(order, ReportKind.CANCELLED)
    world.apply_reports()
    assert state(order) == ("submitted", D(0))
    early = InboxReport.objects.get(state="early")
    assert f"the venue counts 2 of order {order.pk} filled, we 0" in early.reason
    venue._filled[str(order.pk)] = D(0)
    venue.fills(order, "2", "100.00")
    world.apply_reports()
    assert state(order) == ("cancelled", D(2))
    early.refresh_from_db()
    assert early.state == "applied"


def test_a_fill_that_counts_less_than_we_have_is_parked(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.fills(order, "2", "100.00")
    venue.says(order, ReportKind.FILL, quantity="3", price="100.00", cumulative=D(4))
    world.apply_reports()
    assert state(order) == ("partially_filled", D(2))
    assert "the venue counts 4" in parked_reason()


@pytest.mark.parametrize("end", [ReportKind.CANCELLED, ReportKind.EXPIRED])
@pytest.mark.parametrize("turn", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_an_end_that_had_not_counted_the_last_fill_ends_the_order_in_any_order(
    account, venue, end, turn
):
    order = place(world.limit_ticket(account, "100.00"))
    told = [
        {"kind": ReportKind.FILL, "quantity": "2", "price": "100.00", "cumulative": D(2)},
        {"kind": ReportKind.FILL, "quantity": "3", "price": "99.00", "cumulative": D(5)},
        {"kind": end, "cumulative": D(2)},
    ]
    for place_in_turn in turn:
        venue.says(order, **told[place_in_turn])
        world.apply_reports()
    assert state(order) == (end.value, D(5))
    assert portfolio.snapshot(account.pk).held == 0
    assert not InboxReport.objects.exclude(state="applied").exists()
    assert broken() == set()


def test_nothing_to_do_is_done_at_once(db):
    assert executions.apply_next() == 0


def test_the_timeline_tells_who_and_why(account, venue):
    order = place(world.ticket(account))
    venue.accepts(order)
    venue.fills(order, "10", "100.00")
    world.apply_reports()
    told = [(s.status, s.actor, s.reason) for s in selectors.timeline(order)]
    assert told == [
        ("submitted", f"user:{account.user_id}", "Passed every risk check"),
        ("submitted", "venue:openfloor-exchange", "Accepted by the venue"),
        ("filled", "venue:openfloor-exchange", "Filled at the venue"),
    ]


def test_a_stranger_sees_none_of_it(account, venue):
    order = place(world.ticket(account))
    stranger = world.customer()
    assert selectors.order(stranger.pk, order.pk) is None
    assert selectors.trades(stranger.pk) == []
    assert Order.objects.count() == 1


def test_a_clock_that_steps_back_puts_nothing_before_its_cause(account, venue):
    order = place(world.ticket(account))
    Order.objects.filter(pk=order.pk).update(updated_at=timezone.now() + timedelta(seconds=3))
    order.refresh_from_db()
    before = order.updated_at
    venue.fills(order, "10", "100.00")
    world.apply_reports()
    order.refresh_from_db()
    assert order.updated_at >= before
    assert Trade.objects.get().booked_at >= before
    assert broken() == set()


def test_an_order_in_doubt_keeps_its_hold_until_the_venue_has_spoken(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.says(order, ReportKind.DOUBTED)
    world.apply_reports()
    assert state(order) == ("unknown", D(0))
    assert Balance.objects.get(account=account, asset="USD").held == D("1000.00")
    venue.says(order, ReportKind.STATUS)
    world.apply_reports()
    assert state(order) == ("submitted", D(0))
    kinds = [event.kind for event in activity.since(account.pk, 0)]
    assert kinds[-2:] == ["order.doubted", "order.confirmed"]
    assert broken() == set()


def test_whatever_a_venue_says_of_an_order_in_doubt_is_the_truth(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.says(order, ReportKind.DOUBTED)
    venue.fills(order, "10", "100.00")
    world.apply_reports()
    assert state(order) == ("filled", D(10))
    other = place(world.limit_ticket(account, "100.00"))
    venue.says(other, ReportKind.DOUBTED)
    venue.says(other, ReportKind.REJECTED, reason="halted")
    world.apply_reports()
    assert state(other) == ("rejected", D(0))
    assert (other.denial_code, other.venue_code) == ("", "halted")
    assert broken() == set()


def test_an_acknowledged_order_is_not_in_doubt(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.accepts(order)
    venue.says(order, ReportKind.DOUBTED)
    world.apply_reports()
    assert state(order) == ("submitted", D(0))
    assert activity.since(account.pk, 0)[-1].kind == "order.accepted"


def test_the_order_as_it_stood_at_any_moment(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    placed = order.updated_at
    venue.fills(order, "4", "99.00")
    world.apply_reports()
    then = selectors.as_of(order.pk, placed)
    assert (then.status, then.filled_quantity) == ("submitted", 0)
    now = selectors.as_of(order.pk, timezone.now())
    assert (now.status, now.filled_quantity, now.instrument.symbol) == (
        "partially_filled", D(4), "AAPL",
    )  # fmt: skip
    assert selectors.as_of(order.pk, placed - timedelta(seconds=1)) is None


def test_what_a_report_waits_for_and_never_comes_is_for_a_person(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue._filled[str(order.pk)] = D(2)
    venue.says(order, ReportKind.CANCELLED)
    world.apply_reports()
    executions.park_overdue(now=timezone.now())
    assert InboxReport.objects.get().state == "early"
    executions.park_overdue(now=timezone.now() + executions.EARLY_MAX)
    assert parked_reason().startswith("What it follows never came")
    assert state(order) == ("submitted", D(0))
