"""How much of what is hard to borrow somebody lends, to one account or to all of them together.

A locate for an account is that account's. What an account has sold beyond it comes out of the
locate for everybody, which is lent once: all accounts' shorts and open short sales count against
it, behind a lock on its row, so that two transactions never lend the same share.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from foundation import bulk
from marketdata import calendars
from orders.entry.desk import Desk
from orders.models import Order
from risk.margin.borrowing import Lent

ZERO: Final = Decimal(0)


def located(desk: Desk, order: Order) -> Decimal:
    """Return how much the order's account may be short of its instrument in all."""
    batch, instrument = desk.batch, order.instrument
    sold = {}
    for account_id in batch.accounts.keys() & set(desk.interest.accounts):
        position = batch.books.balance(batch.accounts[account_id], instrument.code)
        sells = desk.interest.of(account_id).of(instrument.pk).sells
        sold[account_id] = max(sells - position, ZERO)
    return _lent(desk, instrument.pk).to(order.account_id, sold=sold)


def _lent(desk: Desk, instrument_id: UUID) -> Lent:
    """Read what is lent of the instrument, once for the batch."""
    found = desk.lent.get(instrument_id)
    if found is None:
        batch = desk.batch
        today = calendars.date_of(batch.now)
        if not desk.only_looks:
            # All that the batch could need, in order: two batches never wait for each other.
            bulk.execute(_LOCK, [list(batch.instruments), today])
        own: dict[Any, Decimal] = dict(bulk.execute(_LOCATES, [instrument_id, today]))
        shared = own.pop(None, ZERO)
        here = [*desk.interest.accounts]
        terms = [instrument_id, instrument_id, [*own], [*own.values()], here]
        [[taken]] = bulk.execute(_TAKEN, terms)
        found = desk.lent[instrument_id] = Lent(own, shared, taken)
    return found


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
# By everybody whose open orders the batch does not know: of its own it knows more.
_TAKEN: Final = """
    SELECT coalesce(sum(greatest(sold.quantity - coalesce(own.quantity, 0), 0)), 0)
      FROM (SELECT account_id, sum(quantity) AS quantity
              FROM (SELECT account_id, -quantity AS quantity FROM portfolio_position
                     WHERE instrument_id = %s AND quantity < 0
                    UNION ALL
                    SELECT account_id, quantity - filled_quantity FROM orders_order
                     WHERE instrument_id = %s AND position_intent = 'sell_to_open'
                       AND status IN ('pending', 'held', 'submitted', 'partially_filled',
                                      'pending_cancel', 'pending_replace', 'unknown')) AS each
             GROUP BY account_id) AS sold
      LEFT JOIN unnest(%s::uuid[], %s::numeric[]) AS own(account_id, quantity)
             ON own.account_id = sold.account_id
     WHERE sold.account_id <> ALL(%s)
"""
