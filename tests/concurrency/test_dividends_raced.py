"""Busts that are booked while a dividend is carried out: every share earns it, and only once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from orders import executions
from orders.actions import carrying_out, entitling
from orders.actions.carrying_out import BOOKED_MEANWHILE, Progress
from orders.entry import submission
from portfolio.actions.services import Due
from portfolio.models import Transfer
from tests import invariants, issuers, world
from tests.held import at_once
from tests.patience import until
from tests.racing import on_its_own, waiting
from venues import links, outbox
from venues.messages import ExecutionReport, Side
from venues.models import InboxReport

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal
EVENING = datetime(2026, 1, 7, 2, 0, tzinfo=UTC)  # Tuesday, 21:00 in New York
EX_NIGHT = EVENING + timedelta(hours=4)


class Evening:
    """One customer, who trades before the ex-date."""

    def __init__(self) -> None:
        self.aapl, self.venue = world.instrument(), world.Venue()
        self.owner = world.customer()

    def trades(self, side: Side, quantity: str) -> Callable[[], None]:
        """Buy or sell; return what has the venue take it back."""
        ticket = world.limit_ticket(self.owner, "100.00", side=side, quantity=D(quantity))
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        fill: ExecutionReport = self.venue.fills(answer.order, quantity, "100.00")
        world.apply_reports()
        return lambda: self.venue.busts(answer.order, fill)


@pytest.fixture
def evening():
    with time_machine.travel(EVENING, tick=True):
        yield Evening()


def carry_out(action: Due) -> Progress:
    now = timezone.now()
    links.hear(outbox.EMBEDDED, now=now)
    return carrying_out.carry_out(action.said.reference, enter=at_once, now=now)


def while_it_is_booked(job: Callable[[], Progress]) -> Progress:
    """Do the job once the report in the inbox is booked, and has yet to be committed."""
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            # Nobody can note that it is applied: its row is held.
            InboxReport.objects.select_for_update().get(state="new")
            applied = threads.submit(on_its_own, executions.apply_next)
            until(lambda: waiting() == 1)
            done = threads.submit(on_its_own, job)
            until(lambda: done.done() or waiting() == 2)
        assert applied.result() == 1
        return done.result()


def earned() -> Decimal:
    moved = Transfer.objects.filter(kind="dividend").select_related("credit")
    return sum((t.amount if t.credit.owner_id else -t.amount for t in moved), D(0))


def assert_the_books_agree() -> None:
    # The venue's answers wait for longer than tests do.
    invariants.assert_hold(has_gateway=False)


def plainly(job: Callable[[], Progress]) -> Callable[[], Progress]:
    return job


def unclaimed(job: Callable[[], Progress]) -> Callable[[], Progress]:
    """Return the job, done by one who does not keep others from booking: the twin of it."""

    def run() -> Progress:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(entitling, "inbox", SimpleNamespace(claim=lambda: None))
            return job()

    return run


@pytest.mark.parametrize(("how", "expected"), [(plainly, D(10)), (unclaimed, D(15))])
def test_a_bust_that_is_booked_while_its_account_is_entitled_counts(evening, how, expected):
    evening.trades(Side.BUY, "10")
    bust = evening.trades(Side.BUY, "5")
    with time_machine.travel(EX_NIGHT, tick=True):
        action = issuers.dividend(evening.aapl, "1.00")
        bust()
        assert while_it_is_booked(how(lambda: carry_out(action))).is_done
        assert earned() == expected
        if how is plainly:
            assert_the_books_agree()


@pytest.mark.parametrize(("how", "expected"), [(plainly, D(10)), (unclaimed, D(0))])
def test_who_comes_by_a_bust_when_all_are_to_be_marked_as_entitled_is(evening, how, expected):
    """The sale of all there was is taken back: nobody knew of the account before."""
    evening.trades(Side.BUY, "10")
    bust = evening.trades(Side.SELL, "10")
    with time_machine.travel(EX_NIGHT, tick=True):
        action = issuers.dividend(evening.aapl, "1.00")
        bust()
        found = while_it_is_booked(how(lambda: carry_out(action)))
        assert found.waits_for == (BOOKED_MEANWHILE if how is plainly else "")
        if how is plainly:
            assert carry_out(action).is_done
            assert_the_books_agree()
        assert earned() == expected
