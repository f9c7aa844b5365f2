"""Placing and cancelling in batches, on PostgreSQL."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import activity
from accounts.models import Account
from foundation import trips
from marketdata.models import Quote
from orders import selectors
from orders.entry import submission
from orders.lifecycle import Status
from orders.models import Order
from portfolio.models import Balance, Hold
from risk.models import Decision
from tests import world
from venues.messages import OrderType, Side
from venues.models import OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agreeing")]

D = Decimal


def submit(*batch):
    return submission.submit_batch(batch, now=timezone.now())


def cash(account):
    return Balance.objects.get(account=account, asset="USD")


def test_an_accepted_order_is_held_recorded_and_in_the_outbox():
    world.instrument(ask="100.00")
    account = world.customer(cash="2000.00")
    [answer] = submit(world.ticket(account, quantity=D(10)))
    order = answer.order
    assert (order.status, order.protection_price, answer.is_repeat) == (
        "submitted",
        D("103.00"),
        False,
    )
    hold = Hold.objects.get(order_id=order.pk)
    assert (hold.asset, hold.remaining, hold.status) == ("USD", D("1030.00"), "pending")
    assert (cash(account).amount, cash(account).held) == (D("2000.00"), D("1030.00"))
    decision = Decision.objects.get(order_id=order.pk)
    assert decision.allowed
    assert decision.inputs["situation"]["cash_available"] == "2000"
    message = OutboxMessage.objects.get(order_id=order.pk)
    assert (message.kind, message.message["limit_price"]) == ("new", "103")
    [step] = selectors.timeline(order)
    assert (step.status, step.actor, step.source_address) == (
        "submitted", f"user:{account.user_id}", "192.0.2.1",
    )  # fmt: skip
    [_, submitted] = activity.since(account.pk, 0)
    assert (submitted.kind, submitted.payload["order_id"]) == ("order.submitted", str(order.pk))


def test_a_denied_order_is_kept_with_its_reason_and_holds_nothing():
    world.instrument()
    account = world.customer(cash="100.00")
    [answer] = submit(world.ticket(account))
    assert answer.order.status == Status.REJECTED
    assert answer.order.denial_code == "insufficient_buying_power"
    assert cash(account).held == 0
    assert not Hold.objects.exists()
    assert not OutboxMessage.objects.exists()
    decision = Decision.objects.get()
    assert (decision.allowed, decision.code) == (False, "insufficient_buying_power")
    assert activity.since(account.pk, 1)[0].kind == "order.denied"


def test_each_ticket_sees_what_the_ones_before_it_left():
    world.instrument()
    account = world.customer(cash="2500.00")
    answers = submit(*(world.limit_ticket(account, "100.00") for _ in range(4)))
    assert [a.order.status for a in answers] == ["submitted", "submitted", "rejected", "rejected"]
    assert cash(account).available == D("500.00")


def test_the_position_limit_counts_the_open_orders_of_the_same_batch():
    world.instrument()
    account = world.customer(cash="9000000.00")
    answers = submit(*(world.limit_ticket(account, "100.00", quantity=D(7000)) for _ in range(3)))
    assert [a.order.denial_code for a in answers] == ["", "", "position_limit"]


def test_a_repeat_answers_the_first_order_and_changes_nothing():
    world.instrument()
    account = world.customer()
    wanted = world.ticket(account)
    [first] = submit(wanted)
    again, within = submit(wanted, wanted)
    assert again.order.pk == within.order.pk == first.order.pk
    assert again.is_repeat and within.is_repeat
    assert Order.objects.count() == OutboxMessage.objects.count() == 1
    assert cash(account).held == D("1030.00")


def test_a_repeat_within_one_batch_collapses():
    world.instrument()
    wanted = world.ticket(world.customer())
    first, second = submit(wanted, wanted)
    assert (first.is_repeat, second.is_repeat) == (False, True)
    assert first.order.pk == second.order.pk
    assert Order.objects.count() == 1


def test_the_same_key_for_another_order_is_refused():
    world.instrument()
    account = world.customer()
    submit(world.ticket(account, client_order_id="mine"))
    [answer] = submit(world.ticket(account, client_order_id="mine", quantity=D(11)))
    assert answer.order is None
    assert answer.refusal.code == "client_order_id_reused"
    assert Order.objects.count() == 1


def test_two_accounts_may_use_the_same_key():
    world.instrument()
    tickets = [world.ticket(world.customer(), client_order_id="mine") for _ in range(2)]
    assert [a.is_repeat for a in submit(*tickets)] == [False, False]


def test_a_denied_key_stays_denied():
    """The key names the attempt: who wants to try again says so with a new key."""
    world.instrument()
    account = world.customer(cash="10.00")
    wanted = world.ticket(account)
    submit(wanted)
    [again] = submit(wanted)
    assert (again.is_repeat, again.order.status) == (True, "rejected")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"symbol": "NONE"}, "unknown_symbol"),
        ({"symbol": "A\x00"}, "unknown_symbol"),
        ({"symbol": ""}, "unknown_symbol"),
        ({"quantity": D(0)}, "invalid_quantity"),
        ({"quantity": D(-1)}, "invalid_quantity"),
        ({"quantity": D("10000000000.1")}, "invalid_quantity"),
        ({"quantity": D("0.0000000001")}, "invalid_quantity"),
        ({"type": OrderType.LIMIT}, "limit_price_missing"),
        ({"type": OrderType.LIMIT, "limit_price": D(0)}, "invalid_limit_price"),
        ({"type": OrderType.LIMIT, "limit_price": D("1E11")}, "invalid_limit_price"),
        ({"type": OrderType.LIMIT, "limit_price": D("1.0000000001")}, "invalid_limit_price"),
        ({"limit_price": D(1)}, "limit_price_unexpected"),
        ({"client_order_id": ""}, "invalid_client_order_id"),
        ({"client_order_id": "x" * 129}, "invalid_client_order_id"),
        ({"client_order_id": "a\x00b"}, "invalid_client_order_id"),
        ({"client_order_id": "liquidation-1-1-AAPL"}, "invalid_client_order_id"),
    ],
)
def test_a_flawed_ticket_is_refused_and_leaves_no_trace(wanted, code):
    world.instrument()
    account = world.customer()
    [answer] = submit(world.ticket(account, **wanted))
    assert answer.refusal.code == code
    assert not Order.objects.exists()
    assert not Decision.objects.exists()


def test_a_flawed_ticket_does_not_hurt_its_neighbours():
    world.instrument()
    account = world.customer()
    good, bad, other = submit(
        world.ticket(account), world.ticket(account, symbol="NONE"), world.ticket(account)
    )
    assert (good.order.status, bad.order, other.order.status) == ("submitted", None, "submitted")


def test_a_stale_price_denies():
    listed = world.instrument()
    Quote.objects.filter(pk=listed.pk).update(received_at=timezone.now() - timedelta(minutes=5))
    [answer] = submit(world.limit_ticket(world.customer(), "100.00"))
    assert answer.order.denial_code == "quote_stale"


def test_a_missing_price_denies():
    listed = world.instrument()
    Quote.objects.all().delete()
    assert listed
    [answer] = submit(world.limit_ticket(world.customer(), "100.00"))
    assert answer.order.denial_code == "quote_missing"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("pending", "account_pending"),
        ("restricted", "account_restricted"),
        ("closed", "account_restricted"),
    ],
)
def test_an_account_that_is_not_active_takes_no_orders(status, code):
    world.instrument()
    account = world.customer()
    Account.objects.filter(pk=account.pk).update(status=status)
    [answer] = submit(world.ticket(account))
    assert answer.order.denial_code == code


def test_nothing_is_sold_that_is_not_there():
    world.instrument()
    [answer] = submit(world.ticket(world.customer(), side=Side.SELL))
    assert answer.order.denial_code == "insufficient_position"


def test_a_cancel_is_requested_once_and_told_to_the_venue():
    world.instrument()
    [placed] = submit(world.limit_ticket(world.customer(), "90.00"))
    first, second = submit(world.cancel_ticket(placed.order), world.cancel_ticket(placed.order))
    assert (first.order.status, second.is_repeat) == ("pending_cancel", True)
    assert list(OutboxMessage.objects.order_by("pk").values_list("kind", flat=True)) == [
        "new",
        "cancel",
    ]
    assert [s.status for s in selectors.timeline(placed.order)] == ["submitted", "pending_cancel"]
    assert selectors.timeline(placed.order)[-1].reason == "Changed my mind"


def test_nobody_cancels_the_order_of_another():
    world.instrument()
    [placed] = submit(world.limit_ticket(world.customer(), "90.00"))
    stranger = world.customer()
    from dataclasses import replace

    [answer] = submit(replace(world.cancel_ticket(placed.order), account_id=stranger.pk))
    assert answer.refusal.code == "unknown_order"
    assert Order.objects.get().status == "submitted"


def test_what_has_ended_cannot_be_cancelled():
    world.instrument()
    [placed] = submit(world.ticket(world.customer(cash="1.00")))
    [answer] = submit(world.cancel_ticket(placed.order))
    assert answer.refusal.code == "not_cancelable"


def test_a_batch_costs_as_many_statements_as_one_order(monkeypatch):
    """None is repeated per ticket: what a batch shares is read and written once."""
    statements = []
    real = trips.send
    monkeypatch.setattr(trips, "send", lambda *sent: (statements.append(1), real(*sent))[1])
    world.instrument("AAPL")
    world.instrument("MSFT")
    accounts = [world.customer() for _ in range(5)]
    batch = [world.ticket(a, s) for a in accounts for s in ("AAPL", "MSFT") for _ in range(5)]

    def cost_of(*tickets):
        for symbol in ("AAPL", "MSFT"):  # what is cached for a while is not counted
            submit(world.ticket(accounts[0], symbol))
        statements.clear()
        with CaptureQueriesContext(connection) as others:
            answers = submit(*tickets)
        assert {a.order.status for a in answers} == {"submitted"}
        return len(statements), len(others)

    one = cost_of(world.ticket(accounts[0]))
    assert cost_of(*batch) == one
    # Hints go with the commit; the two are Django's savepoint around the transaction under test.
    assert one == (18, 2)
