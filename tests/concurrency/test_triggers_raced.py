"""Watching over several connections: rows that commit late, and more than one runner."""

from __future__ import annotations

import threading
import zlib
from decimal import Decimal

import pytest
from django.db import connection, transaction

from orders.held import triggers
from orders.held.triggers import Lookout
from orders.models import Order
from tests import invariants, parts, world
from tests.held import Market, at_once, held, look, sent, status
from tests.patience import DEADLINE_SECONDS

D = Decimal


@pytest.fixture(autouse=True)
def _invariants_hold_afterwards(committed):
    yield
    invariants.assert_hold()


def test_a_row_committed_late_is_not_missed():
    market = Market()
    lookout = Lookout(at_once)
    account, other = world.customer(), world.customer()
    begun, may_commit = threading.Event(), threading.Event()
    made: list[Order] = []

    def place_slowly() -> None:
        with transaction.atomic():
            made.append(held(account=account))
            begun.set()
            may_commit.wait(DEADLINE_SECONDS)
        connection.close()

    slow = threading.Thread(target=place_slowly)
    slow.start()
    assert begun.wait(DEADLINE_SECONDS)
    made.append(held(account=other, stop_price=D("150")))  # a later transaction, earlier done
    look(lookout)
    assert len(lookout) == 1
    may_commit.set()
    slow.join(DEADLINE_SECONDS)
    look(lookout)
    assert len(lookout) == 2

    market.trades("106")
    look(lookout)
    assert [status(order) for order in made] == ["submitted", "held"]


def test_two_runners_trigger_each_order_once():
    market = Market()
    orders = [held(stop_price=D(101) + number) for number in range(8)]
    both = [Lookout(at_once), Lookout(at_once)]
    ready = threading.Barrier(2)

    def look_at(lookout: Lookout) -> None:
        ready.wait(DEADLINE_SECONDS)
        for _ in range(4):
            look(lookout)
        connection.close()

    look(both[0])
    look(both[1])
    market.trades("106")
    threads = [threading.Thread(target=look_at, args=(each,)) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)

    assert [status(order) for order in orders] == ["submitted"] * 6 + ["held"] * 2
    assert [sent(order) for order in orders] == [1] * 6 + [0] * 2


def test_one_part_is_at_work_and_the_next_takes_over(monkeypatch):
    monkeypatch.setattr(triggers, "STANDBY_SECONDS", 0.02)
    market, order = Market(), held()
    stops = [threading.Event(), threading.Event()]
    asked: list[int] = []

    def enter_of(number):
        def enter(ticket):
            asked.append(number)
            return at_once(ticket)

        return enter

    threads = []
    for number, stop in enumerate(stops):
        thread = threading.Thread(
            target=triggers.serve,
            args=(stop, lambda: None),
            kwargs={"enter": enter_of(number)},
            daemon=True,
        )
        threads.append(thread)
    threads[0].start()
    parts.until(lambda: holders() == 1)
    threads[1].start()
    stops[0].set()
    threads[0].join(DEADLINE_SECONDS)
    parts.until(lambda: holders() == 1)
    market.quotes("105.99", "106.01")
    market.trades("106")
    parts.until(lambda: market.quotes("105.99", "106.01") or status(order) == "submitted")
    stops[1].set()
    threads[1].join(DEADLINE_SECONDS)

    assert asked == [1]


def holders() -> int:
    """Return how many connections have the charge of the triggers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s",
            [zlib.crc32(triggers.JOB.encode())],
        )
        return cursor.fetchone()[0]
