"""Applying what venues report: state, trade, cash, hold and position in one transaction.

A report that is ahead of what we know waits for the one that it follows. One that cannot be
applied is parked with its reason: never dropped, and never in the way of the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from accounts import locks
from foundation import bulk, failpoints, metrics, spans, trail, trips, wakeups
from foundation.wakeups import Channel
from marketdata.models import Instrument, Quote
from orders import batch as working
from orders import booking, legs, lifecycle, owing, parking, reports
from orders.batch import Batch
from orders.booking import Early, Inapplicable
from orders.models import Order
from portfolio import books
from risk import exposure
from risk.controls import switches
from risk.controls.switches import Engagements
from risk.limits import book as limit_book
from risk.limits.book import LimitBook
from venues import inbox, wire
from venues.messages import ExecutionReport, ReportKind
from venues.models import InboxReport

log = structlog.get_logger(__name__)

BATCH: Final = 256
POLL_SECONDS: Final = 0.5
EARLY_MAX: Final = timedelta(seconds=60)
"""How long a report may wait for the one that it follows."""

BATCHES: Final = metrics.histogram(
    "openfloor_executions_batch_reports",
    "Reports of venues that were handled in one transaction.",
    bounds=metrics.SIZES,
)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Apply reports as they come, until `stop`."""
    try:
        with wakeups.listener.event(Channel.INBOX) as news:
            while not stop.is_set():
                news.clear()
                beat()
                if not apply_next():
                    park_overdue(now=timezone.now())
                    news.wait(POLL_SECONDS)
    finally:
        connection.close()


def apply_next(limit: int = BATCH, *, with_early: bool = True) -> int:
    """Apply the next reports in one transaction; return how many were handled.

    When something unexpected fails, they are tried one by one, then without those that came early
    and may follow now, and what fails alone is parked. A database that cannot be reached or is busy
    is no fault of a report: that raises.
    """
    claimed: list[InboxReport] = []
    batch: Batch | None = None
    try:
        with trips.together():
            claimed = inbox.next_reports(limit)
            if claimed:
                with spans.span("executions batch", reports=len(claimed)):
                    batch = _apply(claimed, with_early=with_early)
                failpoints.reach("executions.before_commit")
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, it must not stop the next report
        if len(claimed) == 1 and with_early:
            return apply_next(1, with_early=False)
        if len(claimed) == 1:
            _park_alone(claimed[0], error)
            return 1
        log.warning("execution_batch_failed", error=str(error))
        return _apply_one_by_one(len(claimed))
    if batch is not None:
        BATCHES.observe(len(claimed))
        _note(claimed, batch)
    return len(claimed)


def _note(claimed: Sequence[InboxReport], batch: Batch) -> None:
    """Leave on each order's trail what became of its reports, and what the ledger has booked."""
    if not trail.is_kept():
        return
    statuses = {str(order_id): order.status for order_id, order in batch.orders.items()}
    trail.note(
        "report_handled",
        (
            {
                "order_id": each.client_order_id,
                "venue": each.venue,
                "execution_id": each.execution_id,
                "status": statuses.get(each.client_order_id, ""),
            }
            for each in claimed
        ),
    )
    trail.note(
        "fill_booked",
        (
            {
                "order_id": trade.order_id,
                "account_id": trade.account_id,
                "execution_id": trade.execution_id,
                "transfers": f"{'bust' if trade.busts_id else 'trade'}:{trade.pk}",
                "quantity": trade.quantity,
                "price": trade.price,
            }
            for trade in batch.trades
        ),
    )


def _apply_one_by_one(count: int) -> int:
    handled = 0
    while handled < count and apply_next(limit=1):
        handled += 1
    return handled


def park_overdue(*, now: datetime) -> None:
    """Park the reports that wait for one that has not come: a person must look at them."""
    if not inbox.early_before(now - EARLY_MAX, limit=1):
        return
    with trips.together():
        inbox.claim()
        overdue = inbox.early_before(now - EARLY_MAX, limit=BATCH)
        parking.park([(each, f"What it follows never came: {each.reason}") for each in overdue])


def _park_alone(report: InboxReport, error: Exception) -> None:
    """Park the report that failed, unless another runner has handled it meanwhile."""
    with trips.together():
        if [report] == inbox.next_reports(1):
            parking.park([(report, f"{type(error).__name__}: {error}")])


def _apply(claimed: Sequence[InboxReport], *, with_early: bool) -> Batch:
    batch = _open(claimed)
    early = _early_of(batch) if with_early else {}
    applied: list[InboxReport] = []
    for stored in claimed:
        waiting = [stored]
        while waiting:
            each = waiting.pop(0)
            match _apply_one(batch, each):
                case InboxReport.State.APPLIED:
                    applied.append(each)
                    # What came too early may have its turn now.
                    for name in _awaiting(batch, each):
                        waiting += early.pop(name, [])
                case InboxReport.State.EARLY:
                    early.setdefault(each.client_order_id, []).append(each)
    batch.write()
    inbox.mark_applied(applied, now=batch.now)
    owing.restrict(batch)
    return batch


def _early_of(batch: Batch) -> dict[str, list[InboxReport]]:
    """Return the reports of these orders that came before their turn, oldest first."""
    found: dict[str, list[InboxReport]] = {}
    for report in inbox.early_of({str(order_id) for order_id in batch.orders}):
        found.setdefault(report.client_order_id, []).append(report)
    return found


def _awaiting(batch: Batch, applied: InboxReport) -> Iterable[str]:
    """Return the orders whose early reports may follow the applied one.

    Its own; one that replaces it; those of its group, of which one may have made way.
    """
    yield applied.client_order_id
    for order_id in _order_ids(applied):
        order = batch.orders.get(order_id)
        if order is not None and order.replaced_by is not None:
            yield str(order.replaced_by)
        if order is not None and order.group is not None:
            yield from (str(member.pk) for member in batch.group_of(order))


def _apply_one(batch: Batch, stored: InboxReport) -> InboxReport.State:
    """Apply one report, or put it aside; return what became of it."""
    try:
        _apply_report(batch, stored.venue, wire.report_from_json(stored.report))
    except Early as early:
        inbox.postpone(stored, reason=str(early), now=batch.now)
        return InboxReport.State.EARLY
    except (Inapplicable, lifecycle.IllegalTransition, books.Uncovered) as error:
        parking.park([(stored, str(error))])
        return InboxReport.State.PARKED
    return InboxReport.State.APPLIED


def _open(claimed: Sequence[InboxReport]) -> Batch:
    """Lock the accounts concerned, then read their orders and what these need."""
    named = {order_id for each in claimed for order_id in _order_ids(each)}
    owners = {
        row[0]
        for row in bulk.execute(
            "SELECT DISTINCT account_id FROM orders_order WHERE id = ANY(%s)", [list(named)]
        )
    }
    accounts = locks.ask_all(owners)
    orders = {order.pk: order for order in working.ask_with_kin(named).get()}
    instrument_ids = list({order.instrument_id for order in orders.values()})
    instruments = bulk.ask(Instrument, "id = ANY(%s)", [instrument_ids])
    has_groups = any(order.group is not None for order in orders.values())
    quotes = bulk.ask(Quote, "instrument_id = ANY(%s)", [instrument_ids]) if has_groups else None
    now = timezone.now()
    limits = limit_book.ask(owners, instrument_ids=instrument_ids, now=now) if has_groups else None
    engaged = switches.ask_engaged() if has_groups else None
    firm = exposure.ask_firm(now) if has_groups else None
    opened = books.ask_books(
        account_ids=owners, instrument_ids=instrument_ids, order_ids=orders, for_fills=True
    )
    by_id = {each.pk: each for each in instruments.get()}
    working.with_instruments(orders.values(), by_id)
    return Batch(
        now=timezone.now(),  # with the locks held: nothing newer has been written
        accounts=accounts.get(),
        orders=orders,
        instruments=by_id,
        quotes={quote.instrument_id: quote for quote in quotes.get()} if quotes else {},
        limits=limits.get() if limits else LimitBook(),
        switches=engaged.get() if engaged else Engagements(),
        clock_offset=firm.get().clock_offset if firm else None,
        books=opened.get(),
    )


def _order_ids(report: InboxReport) -> Iterable[UUID]:
    for name in (report.client_order_id, report.report.get("reference", "")):
        try:
            yield UUID(name)
        except ValueError:
            continue  # it names no order of ours, or the execution that is busted


def _apply_report(batch: Batch, venue: str, report: ExecutionReport) -> None:
    """Carry one order one step on, and its group with it. Raises before it changes anything."""
    order = _named(batch, venue, report.client_order_id)
    if report.kind in reports.OF_REPLACES:
        replaced = _named(batch, venue, report.reference)
        cause = reports.decide_replace(batch, order, replaced, report)
    else:
        cause = reports.apply(batch, order, report, booking.busted_by(batch, order, report))
    if order.group is not None:
        refused = order.pk if report.kind is ReportKind.CANCEL_REJECTED else None
        legs.settle(batch, order.group, cause, spared=refused)


def _named(batch: Batch, venue: str, client_order_id: str) -> Order:
    try:
        order = batch.orders.get(UUID(client_order_id))
    except ValueError:
        order = None
    if order is None or order.venue != venue:
        raise Inapplicable(f"there is no order {client_order_id} at {venue}")
    return order
