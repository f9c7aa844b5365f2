"""What is over ends: by us what we hold, by the venue what is good for its day."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.models import Activity
from orders.entry import submission
from orders.entry.answers import Answer
from orders.held import expiry
from orders.held.expiry import Ending, Resuming
from orders.models import Order, Watch
from portfolio import selectors as portfolio
from tests import invariants, world
from tests.held import at_once, held
from venues.messages import ReportKind, TimeInForce
from venues.models import OutboxMessage

pytestmark = pytest.mark.django_db

D = Decimal
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _market(db):
    world.instrument()
    yield
    invariants.assert_hold(has_gateway=False)


def resting(**wanted: object) -> Order:
    account = world.customer()
    ticket = world.limit_ticket(account, "90.00", **wanted)
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    world.Venue().accepts(answer.order)
    world.apply_reports()
    return answer.order


def let_pass(order: Order, seconds: float = 1) -> None:
    """Let the order's time be over since so many seconds."""
    over = timezone.now() - timedelta(seconds=seconds)
    Order.objects.filter(pk=order.pk).update(expires_at=over)


def look(ending: Ending) -> None:
    ending.look(now=timezone.now())
    ending.look(now=timezone.now())  # takes the answers


def requests(order: Order) -> list[str]:
    asked = OutboxMessage.objects.filter(order_id=order.pk).order_by("id")
    return [message.kind for message in asked]


def status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def test_what_we_hold_expires_at_once_and_gives_back_what_it_held():
    order = held()
    let_pass(order)
    look(Ending(at_once))

    after = Order.objects.get(pk=order.pk)
    assert (after.status, after.expired_at is not None) == ("expired", True)
    assert portfolio.snapshot(order.account_id).held == 0
    assert not Watch.objects.exists()
    assert requests(order) == []


def test_what_is_not_over_stays():
    order, ending = held(), Ending(at_once)
    look(ending)

    assert status(order) == "held"


def test_an_old_order_at_the_venue_is_cancelled_there_by_the_rule_once():
    order = resting(time_in_force=TimeInForce.GTC)
    assert order.expires_at - order.created_at == 90 * DAY
    let_pass(order)
    ending = Ending(at_once)
    look(ending)
    look(ending)

    assert (status(order), requests(order)) == ("pending_cancel", ["new", "cancel"])
    history = Order.history.filter(id=order.pk).order_by("history_id").last()
    assert (history.actor, history.history_change_reason) == ("rule:expiry", "Its time is over")


@pytest.mark.parametrize(
    ("time_in_force", "is_over", "end"),
    [
        (TimeInForce.GTC, True, "expired"),
        (TimeInForce.GTC, False, "cancelled"),
        (TimeInForce.DAY, True, "cancelled"),
    ],
)
def test_what_a_venue_cancels_for_its_age_has_expired(time_in_force, is_over, end):
    order = resting(time_in_force=time_in_force)
    if is_over:
        let_pass(order)
    at_once(world.cancel_ticket(order))
    cancelled = ReportKind.CANCELLED
    world.Venue().says(order, cancelled, execution_id="ended", reason="requested")
    world.apply_reports()

    after = Order.objects.get(pk=order.pk)
    assert after.status == end
    assert (after.expired_at is None, after.cancelled_at is None) == (
        end != "expired",
        end != "cancelled",
    )
    told = Activity.objects.filter(account_id=order.account_id).latest("sequence")
    assert told.kind == f"order.{end}"
    assert portfolio.snapshot(order.account_id).held == 0


def test_a_cancel_that_the_venue_refuses_is_asked_for_again_later_and_later():
    order, venue = resting(time_in_force=TimeInForce.GTC), world.Venue()
    let_pass(order)
    ending, start, asked = Ending(at_once), timezone.now(), []
    for second in range(10):
        ending.look(now=start + timedelta(seconds=second))
        if status(order) == "pending_cancel":
            asked.append(second)
            venue.says(order, ReportKind.CANCEL_REJECTED, execution_id=f"refused {second}")
            world.apply_reports()

    assert asked == [0, 2, 4, 8]
    assert requests(order) == ["new", *["cancel"] * 4]


def test_orders_whose_cancel_is_refused_keep_no_other_from_its_end(monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 1)
    stuck, other = resting(time_in_force=TimeInForce.GTC), held()
    let_pass(stuck, seconds=2)
    let_pass(other)
    ending = Ending(at_once)
    ending.look(now=timezone.now())
    world.Venue().says(stuck, ReportKind.CANCEL_REJECTED, execution_id="refused")
    world.apply_reports()
    look(ending)

    assert (status(stuck), status(other)) == ("submitted", "expired")


@pytest.mark.parametrize(("minutes", "is_noticed"), [(4, False), (6, True)])
def test_a_day_order_is_the_venues_to_expire_and_noticed_when_it_does_not(minutes, is_noticed):
    order = resting()
    let_pass(order, seconds=minutes * 60)
    with capture_logs() as logs:
        look(Ending(at_once))

    assert (status(order), requests(order)) == ("submitted", ["new"])
    noticed = [each["orders"] for each in logs if each["event"] == "venue_has_not_expired"]
    assert noticed == [[str(order.pk)]] * is_noticed


def test_legs_that_wait_for_long_keep_no_other_from_being_looked_at(monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 2)
    monkeypatch.setattr(expiry, "RESUME_SECONDS", 0.0)
    waiting = [resting() for _ in range(3)]
    Order.objects.update(is_waiting=True)
    asked = []

    def still_in_the_way(ticket):
        asked.append(ticket.order_id)
        answer: Future[Answer] = Future()
        answer.set_result(Answer(order=None, is_repeat=True))
        return answer

    resuming = Resuming(still_in_the_way)
    for _ in range(8):
        resuming.look(now=timezone.now())

    # Of eight rounds, the odd ones see the first two, the even ones the third.
    assert {asked.count(order.pk) for order in waiting} == {4}
