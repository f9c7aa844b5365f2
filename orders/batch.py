"""The working set of one transaction of the intake: what was read, and what will be written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import F, Q, Sum

from accounts import activity, locks
from accounts.chain import Event
from accounts.locks import LockedAccount
from foundation import bulk
from foundation.decimals import CASH
from marketdata.models import Instrument
from orders.lifecycle import Status
from orders.models import Order
from orders.tickets import CancelTicket, OrderTicket, Ticket
from portfolio import books
from portfolio.books import Books
from risk import services as risk
from risk.checks import Bounds
from risk.models import Decision
from venues import outbox
from venues.messages import Side
from venues.models import OutboxMessage

OPEN: Final = tuple(status.value for status in Status if not status.is_final)


class Batch:
    """Tickets, the locked accounts that they concern, and everything that deciding them needs.

    Nothing is read per ticket, and nothing is written before `write`.
    """

    def __init__(self, batch: Sequence[Ticket], *, now: datetime) -> None:
        self.now = now
        self.accounts = locks.lock_all(ticket.account_id for ticket in batch)
        new = [ticket for ticket in batch if isinstance(ticket, OrderTicket)]
        cancels = [ticket for ticket in batch if isinstance(ticket, CancelTicket)]
        self.by_client_id, self.by_id = _orders_concerned(new, cancels)
        self.instruments = _instruments(new)
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
        bulk.update(self.cancelled_orders, fields=["status", "updated_at"])
        bulk.insert(self.steps)
        bulk.insert(self.decisions)
        self.books.close()
        activity.record(self.activities)
        outbox.enqueue(self.messages)


def _orders_concerned(
    new: Sequence[OrderTicket], cancels: Sequence[CancelTicket]
) -> tuple[dict[tuple[UUID, str], Order], dict[tuple[UUID, UUID], Order]]:
    """Read the orders that the tickets name: by client_order_id, and by id to cancel."""
    keys = {t.client_order_id for t in new}
    ids = {t.order_id for t in cancels}
    if not keys and not ids:
        return {}, {}
    named = Q(account_id__in={t.account_id for t in new}, client_order_id__in=keys) | Q(pk__in=ids)
    found = list(Order.objects.filter(named).select_related("instrument"))
    return (
        {(order.account_id, order.client_order_id): order for order in found},
        {(order.account_id, order.pk): order for order in found},
    )


def _instruments(new: Sequence[OrderTicket]) -> dict[str, Instrument]:
    """Read the instruments with their latest quotes, by symbol."""
    if not new:
        return {}
    rows = Instrument.objects.filter(symbol__in={t.symbol for t in new}).select_related("quote")
    return {instrument.symbol: instrument for instrument in rows}


def _open_buys(
    accounts: dict[UUID, LockedAccount], instruments: dict[str, Instrument]
) -> dict[tuple[UUID, UUID], Decimal]:
    """Read how much of each instrument each account's open orders may still buy."""
    rows = (
        Order.objects.filter(
            account_id__in=accounts,
            instrument__in=instruments.values(),
            side=Side.BUY.value,
            status__in=OPEN,
        )
        .values_list("account_id", "instrument_id")
        .annotate(leaves=Sum(F("quantity") - F("filled_quantity")))
    )
    return {(account_id, instrument_id): leaves for account_id, instrument_id, leaves in rows}
