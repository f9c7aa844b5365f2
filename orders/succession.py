"""Orders that have replaced one another: what they have traded, as if they were one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from foundation import bulk
from orders.models import Order
from portfolio.fees.rules import Traded

NOTHING: Final = Traded()


def traded_beside(order: Order, known: Mapping[UUID, Order]) -> Traded:
    """Return what those orders have traded that this one has replaced, or that have replaced it.

    `known` are the orders that may have traded more by now than their rows say.
    """
    if order.replaces is None and order.replaced_by is None:
        return NOTHING
    quantity = value = Decimal(0)
    for order_id, filled, worth in bulk.execute(_OTHERS, [order.pk, order.pk, [*known]]):
        other = known.get(order_id)
        quantity += other.filled_quantity if other else filled
        value += other.filled_value if other else worth
    return Traded(quantity, value)


# Along the keys both ways; an order that was to replace another and was refused has traded nothing.
_OTHERS: Final[LiteralString] = """
WITH RECURSIVE chain AS (
  SELECT id, replaces, replaced_by, filled_quantity, filled_value
    FROM orders_order WHERE id = %s
   UNION
  SELECT o.id, o.replaces, o.replaced_by, o.filled_quantity, o.filled_value
    FROM chain c JOIN orders_order o ON o.id = ANY(ARRAY[c.replaces, c.replaced_by]))
SELECT id, filled_quantity, filled_value FROM chain
 WHERE id <> %s AND (filled_quantity > 0 OR id = ANY(%s))"""
