"""Orders placed here and now, without the intake's thread, and how they stand afterwards."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.utils import timezone

from orders.entry import submission
from orders.entry.answers import Answer
from orders.models import Order
from orders.tickets import Ticket
from venues.models import InboxReport


def submit(ticket: Ticket) -> Answer:
    """Have one ticket decided, as a batch of its own."""
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    return answer


def place(ticket: Ticket) -> Order:
    """Have an order accepted and on its way to the venue."""
    order = submit(ticket).order
    assert order.status == "submitted", order.status_reason
    return order


def state(order: Order) -> tuple[str, Decimal]:
    """Return the status and what is filled, as they are kept now."""
    order.refresh_from_db()
    return order.status, order.filled_quantity


def states(*orders: Order) -> list[str]:
    """Return the statuses as they are kept now."""
    for order in orders:
        order.refresh_from_db()
    return [order.status for order in orders]


def parked_reason() -> str:
    """Return why the only report that is parked cannot be applied."""
    return InboxReport.objects.get(state="parked").reason


def direct(ticket: Ticket) -> Callable[[], Answer]:
    """Return what submits past the intake's queue, so that transactions really meet."""
    return lambda: submit(ticket)
