"""The order path under 16 threads, with real transactions: nothing lost, nothing overdrawn."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import locks
from accounts.models import Account
from orders import executions
from orders.entry import intake, submission
from orders.models import Order
from portfolio.models import Balance
from tests import invariants, world
from tests.patience import DEADLINE_SECONDS
from tests.placing import direct
from tests.racing import at_once
from venues.messages import Side
from venues.models import OutboxMessage

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal
THREADS = 16


def test_racing_orders_never_overdraw():
    """Sixteen orders that cost 1,000 each race for 5,500: exactly five go."""
    world.instrument()
    account = world.customer(cash="5500.00")
    answers = at_once(*(direct(world.limit_ticket(account, "100.00")) for _ in range(THREADS)))
    accepted = [a for a in answers if a.order.status == "submitted"]
    assert len(accepted) == 5
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.held) == (D("5500.00"), D("5000.00"))
    invariants.assert_hold()


def test_racing_repeats_of_one_request_are_one_order():
    world.instrument()
    wanted = world.ticket(world.customer())
    answers = at_once(*(direct(wanted) for _ in range(THREADS)))
    assert len({a.order.pk for a in answers}) == 1
    assert sum(not a.is_repeat for a in answers) == 1
    assert Order.objects.count() == OutboxMessage.objects.count() == 1
    invariants.assert_hold()


def test_the_same_through_the_intake():
    world.instrument()
    wanted = world.ticket(world.customer())
    answers = at_once(
        *(lambda: intake.enter(wanted).result(DEADLINE_SECONDS) for _ in range(THREADS))
    )
    assert len({a.order.pk for a in answers}) == 1
    assert Order.objects.count() == 1


def test_accounts_taken_in_opposite_order_do_not_deadlock():
    world.instrument()
    accounts = [world.customer() for _ in range(6)]

    def batch(turn):
        ordered = accounts if turn % 2 else accounts[::-1]
        return lambda: submission.submit_batch(
            [world.limit_ticket(account, "90.00") for account in ordered], now=timezone.now()
        )

    for answers in at_once(*(batch(turn) for turn in range(THREADS))):
        assert {a.order.status for a in answers} == {"submitted"}
    assert Order.objects.count() == 6 * THREADS
    invariants.assert_hold()


def test_orders_cancels_and_fills_of_one_account_race_to_the_cent():
    world.instrument()
    account = world.customer(cash="1000000.00")
    venue, placed = world.Venue(), []
    for _ in range(THREADS):
        [answer] = submission.submit_batch(
            [world.limit_ticket(account, "100.00")], now=timezone.now()
        )
        placed.append(answer.order)
    for order in placed:
        venue.fills(order, "3", "99.99")
    fillers = [lambda: executions.apply_next(limit=4) for _ in range(6)]
    cancels = [
        lambda order=order: submission.submit_batch(
            [world.cancel_ticket(order)], now=timezone.now()
        )
        for order in placed[:5]
    ]
    buyers = [direct(world.limit_ticket(account, "90.00")) for _ in range(5)]
    at_once(*fillers, *cancels, *buyers)
    world.apply_reports()
    cash = Balance.objects.get(account=account, asset="USD")
    assert cash.amount == D("1000000.00") - THREADS * D("299.97")
    assert cash.held == THREADS * D("700.00") + 5 * D("900.00")
    invariants.assert_hold()


def test_two_runners_apply_the_reports_of_one_order_in_their_order():
    world.instrument()
    account = world.customer(cash="1000000.00")
    placed = [direct(world.limit_ticket(account, "100.00"))().order for _ in range(4)]
    venue = world.Venue()
    for _ in range(5):
        for order in placed:
            venue.fills(order, "2", "99.99")
    at_once(*(lambda: sum(executions.apply_next(limit=1) for _ in range(8)) for _ in range(4)))
    world.apply_reports()
    assert set(Order.objects.values_list("status", flat=True)) == {"filled"}
    invariants.assert_hold()


def test_two_sellers_of_one_position_never_oversell():
    world.instrument()
    account = world.customer()
    bought = direct(world.ticket(account))().order
    world.Venue().fills(bought, "10", "100.00")
    world.apply_reports()
    sales = [direct(world.ticket(account, side=Side.SELL, quantity=D(6))) for _ in range(8)]
    answers = at_once(*sales)
    assert sorted(a.order.denial_code for a in answers) == [""] + ["insufficient_position"] * 7
    invariants.assert_hold()


def race_for_held(account, *, is_locked):
    """Let 16 threads each add one to what is held, reading first and writing after."""
    all_have_read = threading.Barrier(THREADS)

    def add_one():
        with transaction.atomic():
            if is_locked:
                locks.lock(account.pk)
            held = Balance.objects.get(account=account, asset="USD").held
            if not is_locked:
                all_have_read.wait(DEADLINE_SECONDS)
            Balance.objects.filter(account=account, asset="USD").update(held=held + 1)

    at_once(*(add_one for _ in range(THREADS)))
    return Balance.objects.get(account=account, asset="USD").held


def test_the_account_lock_is_what_prevents_lost_updates():
    assert race_for_held(world.customer(), is_locked=True) == THREADS


def test_its_twin_without_the_lock_loses_updates():
    assert race_for_held(world.customer(), is_locked=False) == 1


def test_a_lock_outside_a_transaction_is_refused():
    with pytest.raises(locks.NotInTransaction):
        locks.lock(world.customer().pk)
    assert Account.objects.count() == 1
