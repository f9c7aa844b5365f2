"""What a batch costs in round trips, whatever its size: see ADR 6."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.utils import timezone

from orders import executions, submission
from orders.models import Trade
from tests import world

pytestmark = pytest.mark.usefixtures("committed")


@contextmanager
def trips_counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Note how many commands travel together, each time that something travels."""
    taken: list[int] = []
    real = psycopg.generators.pipeline_communicate

    def communicate(pgconn, commands):
        taken.append(len(commands))
        return real(pgconn, commands)

    with monkeypatch.context() as patched:
        patched.setattr("psycopg._pipeline_base.pipeline_communicate", communicate)
        yield taken


def submit(*tickets):
    return submission.submit_batch(tickets, now=timezone.now())


@pytest.mark.parametrize("orders", [1, 40])
def test_orders_are_placed_in_two_trips(orders, monkeypatch):
    world.instrument("AAPL")
    world.instrument("MSFT")
    accounts = [world.customer() for _ in range(4)]
    submit(world.ticket(accounts[0]))  # reads the routes and links, for a second
    tickets = [
        world.ticket(accounts[number % 4], ("AAPL", "MSFT")[number % 2]) for number in range(orders)
    ]
    with trips_counted(monkeypatch) as taken:
        answers = submit(*tickets)
    assert {answer.order.status for answer in answers} == {"submitted"}
    assert len(taken) == 2


@pytest.mark.parametrize("orders", [1, 40])
def test_fills_are_booked_in_six_trips(orders, monkeypatch):
    """Claim, early ones, owners, orders behind their locks, what these need, write and commit."""
    world.instrument("AAPL")
    accounts = [world.customer() for _ in range(4)]
    venue = world.Venue()
    first = [submit(world.ticket(account))[0].order for account in accounts]
    for order in first:  # the ledger accounts that a first fill opens
        venue.fills(order, "10", "100.00")
    executions.apply_next()
    placed = [submit(world.ticket(accounts[number % 4]))[0].order for number in range(orders)]
    for order in placed:
        venue.fills(order, "10", "100.00")
    with trips_counted(monkeypatch) as taken:
        executions.apply_next()
    assert Trade.objects.count() == len(first) + orders
    assert len(taken) == 6
