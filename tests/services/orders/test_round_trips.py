"""What a batch costs in round trips, whatever its size: see ADR 6."""

from __future__ import annotations

import pytest
from django.utils import timezone

from orders import executions
from orders.entry import submission
from orders.models import Trade
from tests import world
from tests.wire import trips_noted

pytestmark = pytest.mark.usefixtures("committed")


def submit(*tickets):
    return submission.submit_batch(tickets, now=timezone.now())


@pytest.mark.parametrize("orders", [1, 40])
def test_orders_are_placed_in_two_trips(orders):
    world.instrument("AAPL")
    world.instrument("MSFT")
    accounts = [world.customer() for _ in range(4)]
    submit(world.ticket(accounts[0]))  # reads the routes and links, for a second
    tickets = [
        world.ticket(accounts[number % 4], ("AAPL", "MSFT")[number % 2]) for number in range(orders)
    ]
    with trips_noted() as taken:
        answers = submit(*tickets)
    assert {answer.order.status for answer in answers} == {"submitted"}
    assert len(taken) == 2


@pytest.mark.parametrize("orders", [1, 40])
def test_fills_are_booked_in_six_trips(orders):
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
    with trips_noted() as taken:
        executions.apply_next()
    assert Trade.objects.count() == len(first) + orders
    assert len(taken) == 6
