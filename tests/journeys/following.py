"""An order through the intake, followed until it has ended."""

from __future__ import annotations

from orders import selectors
from orders.entry import intake
from orders.lifecycle import Status
from orders.models import Order
from orders.tickets import Ticket
from tests import parts
from tests.patience import DEADLINE_SECONDS


def submit(ticket: Ticket) -> Order:
    answer = intake.enter(ticket).result(DEADLINE_SECONDS)
    assert answer.refusal is None, answer.refusal
    return answer.order


def ended(order: Order) -> Order:
    """Wait until the order has ended, and return it."""

    def look() -> Order | None:
        found = selectors.order(order.account_id, order.pk)
        return found if Status(found.status).is_final else None

    return parts.until(look)
