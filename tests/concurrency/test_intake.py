"""The intake's two writers: an account's tickets in order, and nobody waits for a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, wait

import pytest
from django.db import DataError, transaction

from accounts import locks
from accounts.models import Account, Activity
from orders.entry.intake import Intake, IntakeClosed, IntakeFull
from orders.entry.submission import Answer
from orders.models import Order
from tests import world
from tests.patience import DEADLINE_SECONDS

pytestmark = pytest.mark.usefixtures("committed")
SECONDS = DEADLINE_SECONDS


@pytest.fixture
def intake() -> Iterator[Intake]:
    opened = Intake(writers=2, waiting_max=8)
    yield opened
    opened.close(SECONDS)


def customers_of_both_writers() -> tuple[Account, Account]:
    """Return two accounts that different writers have."""
    found: dict[int, Account] = {}
    while len(found) < 2:
        account = world.customer()
        found[account.pk.int % 2] = account
    return found[0], found[1]


def test_an_accounts_orders_are_carried_out_in_the_order_of_arrival():
    world.instrument()
    wide = Intake(writers=2)
    accounts = [world.customer() for _ in range(6)]
    tickets = [world.limit_ticket(account, "90.00") for _ in range(20) for account in accounts]
    futures = [wide.enter(ticket) for ticket in tickets]
    wide.close(SECONDS)
    assert all(future.result(0).order.status == "submitted" for future in futures)
    for account in accounts:
        events = Activity.objects.filter(account=account).order_by("sequence")
        placed = [e.payload["client_order_id"] for e in events if e.kind == "order.submitted"]
        assert placed == [t.client_order_id for t in tickets if t.account_id == account.pk]


def test_who_waits_for_a_lock_keeps_only_the_accounts_of_one_writer(intake):
    world.instrument()
    locked, free = customers_of_both_writers()
    with transaction.atomic():
        locks.lock(locked.pk)
        held_up = intake.enter(world.ticket(locked))
        assert intake.enter(world.ticket(free)).result(SECONDS).order.status == "submitted"
        assert not held_up.done()
    assert held_up.result(SECONDS).order.status == "submitted"


def test_what_is_not_taken_or_withdrawn_in_time_has_no_effect(intake):
    world.instrument()
    locked, free = customers_of_both_writers()
    with transaction.atomic():
        locks.lock(locked.pk)
        begun = intake.enter(world.ticket(locked))
        while not begun.running():
            pass
        waiting = [intake.enter(world.ticket(locked)) for _ in range(4)]
        with pytest.raises(IntakeFull):
            intake.enter(world.ticket(locked))
        assert waiting[0].cancel()
        assert intake.enter(world.ticket(free)).result(SECONDS)  # the other queue has room
    wait([begun, *waiting], SECONDS)
    assert Order.objects.filter(account=locked).count() == 1 + 3


def test_a_ticket_that_cannot_be_written_fails_alone(intake):
    world.instrument()
    account = world.customer()
    with transaction.atomic():
        locks.lock(account.pk)  # so that the three are one batch, behind the first
        first = intake.enter(world.ticket(account))
        while not first.running():
            pass
        before = intake.enter(world.ticket(account))
        poisoned = intake.enter(world.ticket(account, source_address="x" * 300))
        after = intake.enter(world.ticket(account))
    for sound in (first, before, after):
        assert sound.result(SECONDS).refusal is None
    with pytest.raises(DataError):
        poisoned.result(SECONDS)
    assert Order.objects.count() == 3


def held_in_one_batch(intake: Intake, account: Account) -> list[Future[Answer]]:
    """Enter an order that waits for its account, and two that wait for it: a batch of two."""
    with transaction.atomic():
        locks.lock(account.pk)
        first = intake.enter(world.ticket(account))
        while not first.running():
            pass
        return [first, *(intake.enter(world.ticket(account)) for _ in range(2))]


def test_behind_a_batch_of_several_the_writer_rests_until_the_intake_closes():
    world.instrument()
    account = world.customer()
    resting, awake = Intake(rest_seconds=2 * SECONDS), Intake()
    wait(held_in_one_batch(resting, account), SECONDS)
    again = resting.enter(world.ticket(account))
    assert awake.enter(world.ticket(account)).result(SECONDS).order is not None
    assert not again.running()
    assert not again.done()
    for each in (resting, awake):
        each.close(SECONDS)
    assert again.result(0).order.status == "submitted"


def test_a_lone_order_waits_for_nobody():
    world.instrument()
    account = world.customer()
    resting = Intake(rest_seconds=2 * SECONDS)
    for _ in range(3):
        assert resting.enter(world.ticket(account)).result(SECONDS).order is not None
    resting.close(SECONDS)


def test_closing_finishes_what_waits_with_both_writers_and_takes_no_more(intake):
    world.instrument()
    both = customers_of_both_writers()
    futures = [intake.enter(world.ticket(account)) for account in both]
    intake.close(SECONDS)
    assert [future.result(0).order.status for future in futures] == ["submitted"] * 2
    for account in both:
        with pytest.raises(IntakeClosed):
            intake.enter(world.ticket(account))
    assert Order.objects.count() == 2


def test_closing_what_never_began_ends_at_once():
    Intake().close(0)
