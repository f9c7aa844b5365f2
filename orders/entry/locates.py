"""How much of what is hard to borrow somebody lends, to one account or to all of them together.

A locate for an account is that account's. What an account has sold beyond it comes out of the
locate for everybody, which is lent once: all accounts' shorts and open short sales count against
it, behind a lock on its row, so that two transactions never lend the same share.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from foundation import bulk
from foundation.bulk import Values
from marketdata import calendars
from orders.batch import Batch
from orders.entry.desk import Desk
from orders.lifecycle import Status
from orders.models import Order
from risk.margin.borrowing import Lent
from risk.margin.requirements import Intent

ZERO: Final = Decimal(0)


def located(desk: Desk, order: Order) -> Decimal:
    """Return how much the order's account may be short of its instrument in all."""
    more: dict[UUID, Decimal] = {}
    for each in _short_sales(desk.batch, order.instrument_id):
        more[each.account_id] = more.get(each.account_id, ZERO) + each.leaves_quantity
    return _lent(desk, order.instrument_id).to(order.account_id, more=more)


def _short_sales(batch: Batch, instrument_id: UUID) -> list[Order]:
    """Return what the tickets before have sold short: it is in no table yet."""
    return [
        order
        for order in batch.new.values()
        if order.instrument_id == instrument_id
        and order.position_intent == Intent.SELL_TO_OPEN
        and not Status(order.status).is_final
    ]


def _lent(desk: Desk, instrument_id: UUID) -> Lent:
    """Read what is lent of the instrument, once for the batch."""
    found = desk.lent.get(instrument_id)
    if found is None:
        batch = desk.batch
        today = calendars.date_of(batch.now)
        if not desk.only_looks:
            # All that the batch could need, in order: two batches never wait for each other.
            bulk.execute(_LOCK, [list(batch.instruments), today])
        own, shared = _by_account(bulk.execute(_LOCATES, [instrument_id, today]))
        sold, taken = _by_account(
            bulk.execute(
                _SOLD,
                [instrument_id, instrument_id, [*batch.accounts], [*own], [*own.values()]],
            )
        )
        found = desk.lent[instrument_id] = Lent(own, shared, sold, taken)
    return found


def _by_account(rows: Iterable[Values]) -> tuple[dict[UUID, Decimal], Decimal]:
    """Return what these rows say of single accounts, and of none of them."""
    found: dict[Any, Decimal] = dict(rows)
    of_none = found.pop(None, ZERO)
    return found, of_none


_LOCK: Final = """
    SELECT id FROM risk_locate
     WHERE instrument_id = ANY(%s) AND account_id IS NULL AND lasts_until >= %s
     ORDER BY id FOR NO KEY UPDATE
"""
_LOCATES: Final = """
    SELECT account_id, max(quantity) FROM risk_locate
     WHERE instrument_id = %s AND lasts_until >= %s
     GROUP BY account_id
"""
# Of the accounts that the batch has locked what each has sold; of all others, what they take.
_SOLD: Final = """
    WITH sold AS (
      SELECT account_id, sum(quantity) AS quantity
        FROM (SELECT account_id, -quantity AS quantity FROM portfolio_position
               WHERE instrument_id = %s AND quantity < 0
              UNION ALL
              SELECT account_id, quantity - filled_quantity FROM orders_order
               WHERE instrument_id = %s AND position_intent = 'sell_to_open'
                 AND status IN ('pending', 'held', 'submitted', 'partially_filled',
                                'pending_cancel', 'pending_replace', 'unknown')) AS each
       GROUP BY account_id
    ), known AS (SELECT sold.*, sold.account_id = ANY(%s) AS is_locked FROM sold)
    SELECT CASE WHEN known.is_locked THEN known.account_id END,
           sum(CASE WHEN known.is_locked THEN known.quantity
                    ELSE greatest(known.quantity - coalesce(own.quantity, 0), 0) END)
      FROM known
      LEFT JOIN unnest(%s::uuid[], %s::numeric[]) AS own(account_id, quantity)
             ON own.account_id = known.account_id
     GROUP BY 1
"""
