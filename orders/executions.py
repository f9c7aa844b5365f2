"""Applying what venues report: state, trade, cash, hold and position in one transaction.

A report that cannot be applied is parked with its reason: never dropped, and never in the way
of the next one.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.utils import timezone

from accounts import activity, locks
from accounts.chain import Event as ActivityEvent
from accounts.locks import LockedAccount
from foundation import bulk, failpoints, wakeups
from foundation.decimals import CASH
from foundation.wakeups import Channel
from orders import events, history, lifecycle
from orders.history import Cause
from orders.lifecycle import Event, Status
from orders.models import Order, Trade
from orders.tickets import Actor
from portfolio import books
from portfolio.books import Books, Fill
from venues import inbox, reasons, wire
from venues.messages import ExecutionReport, ReportKind, Side
from venues.models import InboxReport

log = structlog.get_logger(__name__)

BATCH: Final = 256
POLL_SECONDS: Final = 0.5

_EVENTS: Final = {
    ReportKind.ACCEPTED: Event.ACCEPT,
    ReportKind.REJECTED: Event.REJECT,
    ReportKind.FILL: Event.FILL,
    ReportKind.CANCELLED: Event.CANCEL,
    ReportKind.EXPIRED: Event.EXPIRE,
    ReportKind.CANCEL_REJECTED: Event.REJECT_CANCEL,
}

_REASONS: Final = {
    ReportKind.ACCEPTED: "Accepted by the venue",
    ReportKind.REJECTED: "Rejected by the venue",
    ReportKind.FILL: "Filled at the venue",
    ReportKind.CANCELLED: "Cancelled at the venue",
    ReportKind.EXPIRED: "Expired at the venue",
    ReportKind.CANCEL_REJECTED: "Too late to cancel",
}

_ENDED_AT: Final = {
    Status.FILLED: "filled_at",
    Status.CANCELLED: "cancelled_at",
    Status.EXPIRED: "expired_at",
    Status.REJECTED: "rejected_at",
}

ZERO: Final = Decimal(0)

_CHANGING: Final = (
    "status",
    "filled_quantity",
    "filled_value",
    "venue_order_id",
    "status_reason",
    "updated_at",
    "filled_at",
    "cancelled_at",
    "expired_at",
    "rejected_at",
)


class Inapplicable(ValueError):
    """The report contradicts what we know; its message says how. It will be parked."""


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Apply reports as they come, until `stop`."""
    try:
        with wakeups.listener.event(Channel.INBOX) as news:
            while not stop.is_set():
                news.clear()
                beat()
                if not apply_next():
                    news.wait(POLL_SECONDS)
    finally:
        connection.close()


def apply_next(limit: int = BATCH) -> int:
    """Apply the next reports in one transaction; return how many were handled.

    When something unexpected fails, they are tried one by one, and what fails alone is parked.
    A database that cannot be reached or is busy is no fault of a report: that raises.
    """
    claimed: list[InboxReport] = []
    try:
        with transaction.atomic():
            claimed = inbox.next_reports(limit)
            _apply(claimed)
            failpoints.reach("executions.before_commit")
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, it must not stop the next report
        if len(claimed) == 1:
            _park_alone(claimed[0], error)
            return 1
        log.warning("execution_batch_failed", error=str(error))
        return _apply_one_by_one(len(claimed))
    return len(claimed)


def _apply_one_by_one(count: int) -> int:
    handled = 0
    while handled < count and apply_next(limit=1):
        handled += 1
    return handled


def _park_alone(report: InboxReport, error: Exception) -> None:
    """Park the report that failed, unless another runner has handled it meanwhile."""
    with transaction.atomic():
        if [report] == inbox.next_reports(1):
            _park(report, f"{type(error).__name__}: {error}", timezone.now())


def _park(report: InboxReport, reason: str, now: datetime) -> None:
    log.error(
        "report_parked",
        venue=report.venue,
        execution_id=report.execution_id,
        reason=reason,
    )
    inbox.park(report, reason=reason, now=now)


@dataclass(slots=True)
class _Batch:
    """The working set of one transaction."""

    now: datetime
    accounts: dict[UUID, LockedAccount]
    orders: dict[str, Order]
    books: Books
    changed: dict[UUID, Order]
    trades: list[Trade]
    steps: list[models.Model]
    activities: list[tuple[LockedAccount, ActivityEvent]]

    def write(self) -> None:
        bulk.update(list(self.changed.values()), fields=_CHANGING)
        bulk.insert(self.trades)
        bulk.insert(self.steps)
        self.books.close()
        activity.record(self.activities)


def _apply(claimed: Sequence[InboxReport]) -> None:
    if not claimed:
        return
    working = _open(claimed)
    now = working.now
    applied = []
    for stored in claimed:
        try:
            _apply_report(working, stored.venue, wire.report_from_json(stored.report))
        except (Inapplicable, lifecycle.IllegalTransition, books.Uncovered) as error:
            _park(stored, str(error), now)
        else:
            applied.append(stored)
    working.write()
    inbox.mark_applied(applied, now=now)


def _open(claimed: Sequence[InboxReport]) -> _Batch:
    """Lock the accounts concerned, then read their orders, holds, balances and positions."""
    order_ids = {order_id for r in claimed if (order_id := _order_id(r.client_order_id))}
    account_ids = Order.objects.filter(pk__in=order_ids).values_list("account_id", flat=True)
    accounts = locks.lock_all(account_ids)
    orders = Order.objects.filter(pk__in=order_ids).select_related("instrument")
    by_client_id = {str(order.pk): order for order in orders}
    instruments = {o.instrument_id: o.instrument for o in by_client_id.values()}
    return _Batch(
        now=timezone.now(),  # with the locks held: nothing newer has been written
        accounts=accounts,
        orders=by_client_id,
        books=books.open_books(
            accounts=accounts,
            assets=[CASH, *(i.code for i in instruments.values())],
            order_ids=order_ids,
            instrument_ids=instruments,
        ),
        changed={},
        trades=[],
        steps=[],
        activities=[],
    )


def _order_id(client_order_id: str) -> UUID | None:
    try:
        return UUID(client_order_id)
    except ValueError:
        return None


def _apply_report(working: _Batch, venue: str, report: ExecutionReport) -> None:
    """Carry one order one step on. Raises before it changes anything."""
    order = working.orders.get(report.client_order_id)
    if order is None or order.venue != venue:
        raise Inapplicable(f"there is no order {report.client_order_id} at {venue}")
    account = working.accounts[order.account_id]
    filled_now = _filled_now(order, report)
    filled = order.filled_quantity + filled_now
    # A rejected cancel says nothing of the order itself, which the venue may not even know.
    if report.kind is not ReportKind.CANCEL_REJECTED and report.cumulative_quantity != filled:
        raise Inapplicable(f"the venue counts {report.cumulative_quantity} filled, we {filled}")
    status = lifecycle.next_status(
        Status(order.status),
        _EVENTS[report.kind],
        is_filled=filled == order.quantity,
        has_fills=filled > 0,
    )
    # Clocks differ, ours and the venue's, and step back; what follows must not come before.
    at = max(working.now, order.updated_at, report.at)
    trade = None
    if report.kind is ReportKind.FILL and report.price is not None:
        trade = _book(working, account, order, report, filled_now, report.price, at)
    elif status.is_final:
        working.books.release(account, order_id=order.pk)
    _carry_on(order, status, report, at)
    working.changed[order.pk] = order
    _tell(working, account, order, report, trade, at)


def _filled_now(order: Order, report: ExecutionReport) -> Decimal:
    """Return how much this report fills, after making sure that it can."""
    if report.kind is not ReportKind.FILL:
        return ZERO
    if not report.quantity or report.quantity <= 0 or not report.price or report.price <= 0:
        raise Inapplicable("a fill needs a quantity and a price")
    if report.quantity > order.leaves_quantity:
        raise Inapplicable(
            f"overfill: {report.quantity} reported, {order.leaves_quantity} of the order is left"
        )
    return report.quantity


def _book(
    working: _Batch,
    account: LockedAccount,
    order: Order,
    report: ExecutionReport,
    quantity: Decimal,
    price: Decimal,
    at: datetime,
) -> Trade:
    trade = Trade(
        id=uuid.uuid4(),
        order_id=order.pk,
        account_id=account.pk,
        instrument_id=order.instrument_id,
        venue=order.venue,
        execution_id=report.execution_id,
        side=order.side,
        quantity=quantity,
        price=price,
        executed_at=report.at,
        booked_at=at,
    )
    filled = order.filled_quantity + quantity
    working.books.book_fill(
        account,
        Fill(
            trade_id=trade.pk,
            order_id=order.pk,
            instrument=order.instrument,
            signed_quantity=quantity * Side(order.side).sign,
            price=price,
            value_before=order.filled_value,
            filled_quantity=filled,
            leaves_quantity=order.quantity - filled,
            at=at,
        ),
    )
    order.filled_quantity = filled
    order.filled_value += price * quantity
    working.trades.append(trade)
    return trade


def _carry_on(order: Order, status: Status, report: ExecutionReport, now: datetime) -> None:
    order.venue_order_id = report.venue_order_id or order.venue_order_id
    order.updated_at = now
    if status.is_final and not Status(order.status).is_final:
        setattr(order, _ENDED_AT[status], now)
        order.status_reason = reasons.sentence(report.reason)
    order.status = status.value


def _tell(
    working: _Batch,
    account: LockedAccount,
    order: Order,
    report: ExecutionReport,
    trade: Trade | None,
    at: datetime,
) -> None:
    """Write the step into the order's history and its account's activity."""
    actor = Actor("venue", order.venue)
    sentence = reasons.sentence(report.reason)
    reason = sentence or _REASONS[report.kind]
    working.steps.append(history.step(order, Cause(actor=actor, at=at, reason=reason)))
    kind = report.kind.value
    if trade is not None:
        kind = "filled" if order.status == Status.FILLED else "partially_filled"
    working.activities.append(
        (
            account,
            events.order_event(
                order,
                kind=kind,
                symbol=order.instrument.symbol,
                at=at,
                actor=actor,
                trade=trade,
                code=report.reason if sentence != report.reason else "",
                reason=sentence,
            ),
        )
    )
