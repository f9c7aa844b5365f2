"""Each invariant finds what breaks it: a check that cannot fail proves nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument
from orders.entry import submission
from orders.models import Order
from portfolio.models import Balance, Hold, Position
from reconciliation import services
from reconciliation.invariants import check_invariants
from risk.controls.models import Switch
from tests import world
from venues.models import InboxReport, OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def traded(db):
    """An account with a filled, an open and a denied order."""
    world.instrument()
    account, venue = world.customer(cash="100000.00"), world.Venue()
    filled, resting, _ = (
        answer.order
        for answer in submission.submit_batch(
            [
                world.ticket(account),
                world.limit_ticket(account, "90.00"),
                world.ticket(account, quantity=Decimal(90_000)),
            ],
            now=timezone.now(),
        )
    )
    venue.accepts(resting)
    venue.fills(filled, "10", "100.00")
    world.apply_reports()
    return account


def broken():
    return sorted({f.number for f in check_invariants(now=timezone.now()) if not f.holds})


def test_an_honest_history_breaks_none(traded):
    assert broken() == []


BREAK = {
    "held too much": (
        lambda: Balance.objects.filter(asset="USD").update(held=Decimal("901")), [5]),
    "cash from nowhere": (
        lambda: Balance.objects.filter(asset="USD").update(amount=Decimal("200000")), [13]),
    "paid in from nowhere": (
        lambda: Balance.objects.filter(asset="USD").update(paid_in=Decimal("200000")), [13]),
    "a fill without a trade": (
        lambda: Order.objects.filter(status="submitted").update(filled_quantity=1), [3, 5, 7]),
    "a position without trades": (
        lambda: Position.objects.update(quantity=11), [4]),
    "a hold of an order that ended": (
        lambda: Order.objects.filter(status="submitted").update(status="cancelled"), [5, 7]),
    "a hold that is gone": (
        lambda: Hold.objects.filter(status="pending").delete(), [5]),
    "a denied order that left": (
        lambda: Order.objects.exclude(denial_code="").update(denial_code=""), [8]),
    "a parked report": (
        lambda: InboxReport.objects.filter(report__kind="accepted").update(state="parked"), [9]),
    "an unsent message": (
        lambda: OutboxMessage.objects.update(
            sent_at=None, created_at=timezone.now() - timedelta(seconds=31)), [10]),
    "time running backwards": (
        lambda: Order.objects.filter(status="submitted").update(
            updated_at=timezone.now() - timedelta(days=1)), [12]),
    "a chain that was cut": (
        lambda: Account.objects.update(activity_sequence=2), [7]),
}  # fmt: skip


@pytest.mark.parametrize("how", BREAK)
def test_a_breach_is_found(traded, how):
    act, expected = BREAK[how]
    OutboxMessage.objects.update(sent_at=timezone.now())
    assert act()
    assert broken() == expected


def test_a_breach_stops_the_account_it_concerns(traded):
    bystander = world.customer()
    Balance.objects.filter(account=traded, asset="USD").update(held=Decimal("901"))
    services.check_and_halt(now=timezone.now())
    traded.refresh_from_db()
    bystander.refresh_from_db()
    assert (traded.status, bystander.status) == ("restricted", "active")
    assert "held" in traded.status_reason
    [answer] = submission.submit_batch([world.ticket(traded)], now=timezone.now())
    assert answer.order.denial_code == "account_restricted"
    assert [f.number for f in check_invariants(now=timezone.now()) if not f.holds] == [5]


def test_a_person_who_reactivates_an_account_has_the_last_word(traded):
    Balance.objects.filter(account=traded, asset="USD").update(held=Decimal("901"))
    services.check_and_halt(now=timezone.now())
    traded.refresh_from_db()
    traded.status = "active"
    traded.save()
    services.check_and_halt(now=timezone.now())
    traded.refresh_from_db()
    assert traded.status == "active"


def test_clocks_and_queues_stop_nobody(traded):
    OutboxMessage.objects.update(sent_at=None, created_at=timezone.now() - timedelta(seconds=31))
    Order.objects.update(updated_at=timezone.now() - timedelta(days=1))
    findings = services.check_and_halt(now=timezone.now())
    assert {f.number for f in findings if not f.holds} == {10, 12}
    traded.refresh_from_db()
    assert traded.status == "active"


# --- Halts and kill switches -------------------------------------------------------------------


def kill(account, *, ago):
    """Throw a kill switch so many seconds ago, behind everybody's back."""
    now = timezone.now() - timedelta(seconds=ago)
    Switch.objects.create(
        effect="kill", code="kill_switch", account=account, reason="A test",
        engaged_by="operator:1", engaged_at=now,
    )  # fmt: skip


def sent(*, at):
    first, _ = OutboxMessage.objects.order_by("pk")
    OutboxMessage.objects.update(created_at=at - timedelta(minutes=1), sent_at=at)
    today = at.date()
    OutboxMessage.objects.filter(pk=first.pk).update(number=1, session_date=today)


@pytest.mark.parametrize(("ago", "expected"), [(1, []), (3, [16])])
def test_an_order_that_leaves_after_a_kill_switch_is_found(traded, ago, expected):
    kill(traded, ago=ago)
    kill(world.customer(), ago=ago)
    Order.objects.filter(status="submitted").update(status="pending_cancel")
    OutboxMessage.objects.update(sent_at=timezone.now())
    sent(at=timezone.now())
    assert [n for n in broken() if n != 7] == expected


@pytest.mark.parametrize(("ago", "expected"), [(9, []), (11, [16])])
def test_an_open_order_that_nobody_cancels_after_a_kill_switch_is_found(traded, ago, expected):
    kill(traded, ago=ago)
    OutboxMessage.objects.update(sent_at=timezone.now())
    assert broken() == expected


@pytest.mark.parametrize(("ago", "expected"), [(29, []), (31, [11])])
def test_an_execution_long_after_a_kill_switch_is_found(traded, ago, expected):
    OutboxMessage.objects.update(sent_at=timezone.now())
    kill(traded, ago=ago)
    Order.objects.filter(status="submitted").update(status="pending_cancel")
    assert [n for n in broken() if n != 7] == expected


@pytest.fixture
def replaced(db):
    """An order that is at its venue in the place of another, itself in the place of a third."""
    world.instrument()
    account, venue = world.customer(), world.Venue()
    [answer] = submission.submit_batch([world.limit_ticket(account, "90.00")])
    order = answer.order
    venue.accepts(order)
    world.apply_reports()
    for price in ("91.00", "92.00"):
        wanted = world.replace_ticket(order, limit_price=Decimal(price))
        [answer] = submission.submit_batch([wanted])
        venue.replaces(order, answer.order, total="10")
        world.apply_reports()
        order = answer.order
    OutboxMessage.objects.update(sent_at=timezone.now())
    assert list(Order.objects.order_by("created_at").values_list("status", flat=True)) == [
        "replaced", "replaced", "submitted",
    ]  # fmt: skip
    return venue, list(Order.objects.order_by("created_at"))


def kill_order(order, *, ago):
    Switch.objects.create(
        effect="kill", code="kill_switch", order_id=order.pk, reason="A test",
        engaged_by="operator:1", engaged_at=timezone.now() - timedelta(seconds=ago),
    )  # fmt: skip


@pytest.mark.parametrize(("ago", "expected"), [(9, []), (11, [16])])
def test_what_takes_the_place_of_a_killed_order_needs_a_cancel(replaced, ago, expected):
    _, orders = replaced
    kill_order(orders[0], ago=ago)
    assert broken() == expected


def test_what_was_there_before_the_killed_order_is_not_covered(replaced):
    _, orders = replaced
    Order.objects.filter(pk=orders[0].pk).update(replaced_by=None)
    kill_order(orders[0], ago=11)
    assert broken() == [7]  # what the test has changed is not in the history


@pytest.mark.parametrize(("ago", "expected"), [(1, []), (3, [16])])
def test_what_leaves_in_the_place_of_a_killed_order_is_found(replaced, ago, expected):
    _, orders = replaced
    kill_order(orders[0], ago=ago)
    now = timezone.now()
    before = now - timedelta(minutes=1)
    OutboxMessage.objects.update(created_at=before, sent_at=before)
    last = OutboxMessage.objects.filter(order_id=orders[2].pk)
    last.update(sent_at=now, number=1, session_date=now.date())
    assert broken() == expected


@pytest.mark.parametrize(("ago", "expected"), [(29, []), (31, [11])])
def test_an_execution_in_the_place_of_a_killed_order_is_found(replaced, ago, expected):
    venue, orders = replaced
    kill_order(orders[0], ago=ago)
    venue.fills(orders[2], "10", "92.00")
    world.apply_reports()
    assert broken() == expected


@pytest.mark.parametrize(("begun", "expected"), [(-10, [11]), (10, [])])
def test_an_order_that_leaves_while_its_instrument_is_halted_is_found(traded, begun, expected):
    OutboxMessage.objects.update(sent_at=timezone.now())
    apple = Instrument.objects.get()
    for halted, seconds in ((True, begun), (False, begun + 20)):
        apple.halted = halted
        apple._history_date = timezone.now() + timedelta(seconds=seconds)
        apple.save()
    assert broken() == expected
