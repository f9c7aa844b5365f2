"""What became of a ticket."""

from __future__ import annotations

from typing import Final

from foundation.values import value
from orders.models import Order
from orders.tickets import Refusal

UNKNOWN_ORDER: Final = ("unknown_order", "There is no such order.")


@value
class Answer:
    """What became of a ticket: its order, denied ones too, or a refusal when there is none.

    Of a group, `order` is the first, and `legs` are the others. Of a replace, it is the new order.
    `is_repeat` says that the order was there before: this ticket changed nothing.
    """

    order: Order | None = None
    refusal: Refusal | None = None
    is_repeat: bool = False
    legs: tuple[Order, ...] = ()


def refused(code: str, message: str) -> Answer:
    return Answer(refusal=Refusal(code, message))
