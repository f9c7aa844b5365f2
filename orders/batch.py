"""The working set of one transaction of the intake: what was read, and what will be written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import models

from accounts import activity, locks
from accounts.chain import Event
from accounts.locks import LockedAccount
from foundation import bulk
from foundation.decimals import CASH
from marketdata.models import Instrument, Quote
from orders.models import Order
from orders.tickets import CancelTicket, OrderTicket, Ticket
from portfolio import books
from portfolio.books import Books
from risk import services as risk
from risk.checks import Bounds
from risk.models import Decision
from venues import outbox
from venues.models import OutboxMessage


class Batch:
    """Tickets, the locked accounts that they concern, and everything that deciding them needs.

    Nothing is read per ticket, and nothing is written before `write`.
    """

    def __init__(self, batch: Sequence[Ticket], *, now: datetime) -> None:
        self.now = now
        self.accounts = locks.lock_all(ticket.account_id for ticket in batch)
        new = [ticket for ticket in batch if isinstance(ticket, OrderTicket)]
        cancels = [ticket for ticket in batch if isinstance(ticket, CancelTicket)]
        self.by_client_id = _orders_named(new)
        self.by_id = _orders_to_cancel(cancels)
        self.instruments, self.quotes = _market(new)
        self.open_buys = _open_buys(self.accounts, self.instruments) if new else {}
        self.bounds: dict[UUID, Bounds] = risk.bounds_of(self.accounts) if new else {}
        self.books: Books = books.open_books(
            accounts=self.accounts if new else {},
            assets=[CASH, *(i.code for i in self.instruments.values())],
        )
        self.new_orders: list[Order] = []
        self.cancelled_orders: list[Order] = []
        self.steps: list[models.Model] = []
        self.decisions: list[Decision] = []
        self.messages: list[OutboxMessage] = []
        self.activities: list[tuple[LockedAccount, Event]] = []

    def write(self) -> None:
        bulk.insert(self.new_orders)
        bulk.update(self.cancelled_orders, fields=("status", "updated_at"))
        bulk.insert(self.steps)
        bulk.insert(self.decisions)
        self.books.close()
        activity.record(self.activities)
        outbox.enqueue(self.messages)


def _orders_named(new: Sequence[OrderTicket]) -> dict[tuple[UUID, str], Order]:
    """Read the orders that have the tickets' client_order_ids already."""
    if not new:
        return {}
    found = bulk.select(
        Order,
        "(account_id, client_order_id) IN (SELECT * FROM unnest(%s::uuid[], %s::text[]))",
        [[t.account_id for t in new], [t.client_order_id for t in new]],
    )
    return {(o.account_id, o.client_order_id): o for o in _with_instruments(found)}


def _orders_to_cancel(cancels: Sequence[CancelTicket]) -> dict[tuple[UUID, UUID], Order]:
    if not cancels:
        return {}
    found = bulk.select(Order, "id = ANY(%s)", [[t.order_id for t in cancels]])
    return {(o.account_id, o.pk): o for o in _with_instruments(found)}


def _with_instruments(orders: list[Order]) -> list[Order]:
    if orders:
        ids = list({order.instrument_id for order in orders})
        instruments = {i.pk: i for i in bulk.select(Instrument, "id = ANY(%s)", [ids])}
        for order in orders:
            order.instrument = instruments[order.instrument_id]
    return orders


def _market(new: Sequence[OrderTicket]) -> tuple[dict[str, Instrument], dict[UUID, Quote]]:
    """Read the instruments by symbol, and their latest quotes."""
    if not new:
        return {}, {}
    instruments = bulk.select(Instrument, "symbol = ANY(%s)", [list({t.symbol for t in new})])
    quotes = bulk.select(Quote, "instrument_id = ANY(%s)", [[i.pk for i in instruments]])
    return {i.symbol: i for i in instruments}, {q.instrument_id: q for q in quotes}


def _open_buys(
    accounts: dict[UUID, LockedAccount], instruments: dict[str, Instrument]
) -> dict[tuple[UUID, UUID], Decimal]:
    """Read how much of each instrument each account's open orders may still buy."""
    rows = bulk.execute(
        """SELECT account_id, instrument_id, sum(quantity - filled_quantity) FROM orders_order
            WHERE account_id = ANY(%s) AND instrument_id = ANY(%s) AND side = 'buy'
              AND status IN ('pending', 'submitted', 'partially_filled', 'pending_cancel')
            GROUP BY 1, 2""",
        [list(accounts), [i.pk for i in instruments.values()]],
    )
    return {(account_id, instrument_id): leaves for account_id, instrument_id, leaves in rows}
