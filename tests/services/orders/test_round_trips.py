"""What a batch costs in round trips, whatever its size: see ADR 6."""

from __future__ import annotations

import psycopg
import pytest
from django.utils import timezone

from foundation import bulk, trips
from orders import executions
from orders.entry import desk, submission
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


def test_an_order_alone_reads_no_row_of_other_accounts_orders(owner_conninfo):
    """Also where it was planned while there were few orders, and the planner knew of that."""
    with psycopg.connect(owner_conninfo, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE orders_order")
    world.instrument("AAPL")
    others = [world.customer() for _ in range(4)]
    submit(world.ticket(others[0]))
    submit(*(world.ticket(others[number % 4]) for number in range(240)))
    asked = world.ticket(world.customer())
    # What this connection has planned inside another test's transaction was planned otherwise.
    bulk.execute("DISCARD PLANS")
    with trips.together():
        before = _orders_read()
        desk.open_desk([asked])
        assert _orders_read() == before


def _orders_read() -> int:
    """Return how many rows of orders this connection has read since its counts were last sent."""
    [[read]] = bulk.execute(
        "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables"
        " WHERE relname = 'orders_order'"
    )
    return int(read)
