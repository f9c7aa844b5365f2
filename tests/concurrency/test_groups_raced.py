"""A bracket whose legs race: fills, cancels, triggers and replaces in real threads.

What the customer closes is never more than was opened, whoever wins. The twin shows the race that
the account lock decides: without it two would send the same stop.
"""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts import locks
from accounts.locks import LockedAccount
from accounts.models import Account
from foundation import bulk
from foundation.trips import Answer
from orders import executions
from orders.entry import desk, submission
from orders.lifecycle import Status
from orders.models import Order
from orders.tickets import OrderClass, StopLoss
from portfolio.models import Position
from tests import invariants, world
from tests.patience import DEADLINE_SECONDS
from tests.placing import submit
from tests.racing import at_once
from venues.messages import OrderType
from venues.models import OutboxMessage

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal
ROUNDS = 6


def opened_bracket(account, venue):
    answer = submit(
        world.limit_ticket(
            account,
            "100.00",
            order_class=OrderClass.BRACKET,
            take_profit=D("110.00"),
            stop_loss=StopLoss(D("95.00")),
        )
    )
    venue.fills(answer.order, "10", "100.00")
    world.apply_reports()
    return answer.order, *answer.legs


def test_a_profit_that_fills_while_the_stop_triggers_never_sells_twice():
    share, venue = world.instrument(), world.Venue()
    for turn in range(ROUNDS):
        world.quote(share, bid="99.99", ask="100.00")
        account = world.customer()
        _, profit, loss = opened_bracket(account, venue)
        venue.fills(profit, str(1 + turn), "110.00")
        at_once(
            lambda loss=loss: submit(world.trigger_ticket(loss, "94.00")),
            executions.apply_next,
            lambda profit=profit: submit(world.cancel_ticket(profit)),
            lambda loss=loss: submit(world.trigger_ticket(loss, "94.00")),
        )
        finish(venue, account)
        closed = sum(o.filled_quantity for o in Order.objects.filter(account=account, side="sell"))
        assert closed <= D(10)
        assert Position.objects.get(account=account).quantity == D(10) - closed
    invariants.assert_hold()


def finish(venue, account):
    """Let the venue do what it was asked: cancel what is to be cancelled, fill what it was sent."""
    for _ in range(4):
        world.apply_reports()
        for order in Order.objects.filter(account=account).select_related("instrument"):
            if order.status == Status.PENDING_CANCEL:
                venue.cancels(order)
            elif order.status in (Status.SUBMITTED, Status.PARTIALLY_FILLED):
                venue.fills(order, str(order.leaves_quantity), "94.00")
    world.apply_reports()


def test_orders_and_triggers_and_expiries_of_one_order_have_one_outcome():
    share, account = world.instrument(), world.customer()
    for _ in range(ROUNDS):
        world.quote(share, bid="99.99", ask="100.00")
        [answer] = submission.submit_batch(
            [world.ticket(account, type=OrderType.STOP, stop_price=D("105.00"))], now=timezone.now()
        )
        held = answer.order
        outcomes = at_once(
            *(lambda held=held: submit(world.trigger_ticket(held, "105.00")) for _ in range(4)),
            *(lambda held=held: submit(world.cancel_ticket(held)) for _ in range(2)),
            lambda held=held: submit(world.replace_ticket(held, stop_price=D("106.00"))),
        )
        held.refresh_from_db()
        sent = OutboxMessage.objects.filter(order_id=held.pk, kind="new").count()
        triggered = [a for a in outcomes[:4] if a.refusal is None]
        assert len(triggered) == sent <= 1
        assert held.status in ("pending_cancel", "cancelled", "replaced", "submitted")
    Order.objects.filter(status="pending_cancel").update(updated_at=timezone.now())
    invariants.assert_hold()


def test_without_the_lock_a_stop_would_go_twice(monkeypatch):
    """The twin: two who have both looked at the order before either has written."""
    world.instrument()
    account = world.customer()
    held = submit(world.ticket(account, type=OrderType.STOP, stop_price=D("105.00"))).order
    have_looked = threading.Barrier(2)
    look = desk.open_desk

    def unlocked(account_ids):
        found = bulk.ask(Account, "id = ANY(%s)", [list(set(account_ids))])
        return Answer(lambda: {account.pk: LockedAccount(account) for account in found.get()})

    def look_and_wait(*given, **named):
        opened = look(*given, **named)
        have_looked.wait(DEADLINE_SECONDS)
        return opened

    monkeypatch.setattr(locks, "ask_all", unlocked)
    monkeypatch.setattr(desk, "open_desk", look_and_wait)

    def trigger():
        try:
            return submit(world.trigger_ticket(held, "105.00"))
        except IntegrityError as error:  # the activity's sequence: the last line of defence
            return error

    outcomes = at_once(trigger, trigger)
    went = [o for o in outcomes if not isinstance(o, IntegrityError) and o.refusal is None]
    refused_by_the_database = [o for o in outcomes if isinstance(o, IntegrityError)]
    assert len(went) + len(refused_by_the_database) == 2
    assert refused_by_the_database  # nobody was told "not held": both meant to send it
