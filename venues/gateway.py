"""The one that talks to a venue: sends what the outbox holds, stores what comes back.

At least once, in order, outside any business transaction. One gateway a venue is at work, the
one that has its advisory lock; another waits until it gets the lock.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Final

import structlog
from django.db import DatabaseError, connection
from django.utils import timezone

from foundation import failpoints, wakeups
from foundation.wakeups import Channel
from venues import inbox, outbox, wire
from venues.adapters import Adapter, EmbeddedExchange, Unsendable, VenueUnavailable
from venues.messages import ExecutionReport, ReportKind
from venues.models import OutboxMessage

log = structlog.get_logger(__name__)

BATCH: Final = 256
POLL_SECONDS: Final = 0.25
STANDBY_SECONDS: Final = 1.0


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Serve the embedded exchange until `stop`."""
    serve(EmbeddedExchange(), stop, beat)


def serve(adapter: Adapter, stop: threading.Event, beat: Callable[[], None]) -> None:
    try:
        with wakeups.listener.event(Channel.OUTBOX, Channel.VENUE_REPORTS) as news:
            while not stop.is_set() and not _take_charge(adapter.venue):
                beat()
                stop.wait(STANDBY_SECONDS)
            last = inbox.last_sequence(adapter.venue)
            while not stop.is_set():
                news.clear()
                was_busy = _send(adapter)
                last, has_received = _receive(adapter, last)
                beat()
                if not (was_busy or has_received):
                    news.wait(POLL_SECONDS)
    finally:
        # The lock goes with the connection: a pooled one must not carry it to somebody else.
        _give_up_charge(adapter.venue)
        connection.close()


def _take_charge(venue: str) -> bool:
    """Take the venue's advisory lock for as long as this thread keeps its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_lock_key(venue)])
        return bool(cursor.fetchone()[0])


def _give_up_charge(venue: str) -> None:
    with suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [_lock_key(venue)])


def _lock_key(venue: str) -> int:
    return zlib.crc32(f"gateway {venue}".encode())


def _send(adapter: Adapter) -> bool:
    """Send the next messages; return whether there may be more."""
    messages = outbox.unsent(adapter.venue, BATCH)
    if not messages:
        return False
    failpoints.reach("gateway.before_send")
    try:
        _send_all(adapter, messages)
    except VenueUnavailable as error:
        log.warning("venue_unavailable", venue=adapter.venue, error=str(error))
        return False
    failpoints.reach("gateway.sent")
    outbox.confirm(messages, now=timezone.now())
    return len(messages) == BATCH


def _send_all(adapter: Adapter, messages: Sequence[OutboxMessage]) -> None:
    """Send together, or one by one when one of them cannot be sent: that one is rejected."""
    try:
        adapter.send([wire.request_from_json(m.kind, m.message) for m in messages])
    except Unsendable as error:
        if len(messages) > 1:
            for message in messages:
                _send_all(adapter, [message])
            return
        log.error("request_unsendable", venue=adapter.venue, error=str(error))
        inbox.store(adapter.venue, [_rejection(messages[0], str(error))], now=timezone.now())


def _rejection(message: OutboxMessage, reason: str) -> ExecutionReport:
    """Answer in the venue's place for a request that it will never see."""
    is_new = message.kind == wire.NEW_ORDER
    return ExecutionReport(
        sequence=0,  # not one of the venue's own numbers
        execution_id=f"gateway-{message.pk}",
        kind=ReportKind.REJECTED if is_new else ReportKind.CANCEL_REJECTED,
        client_order_id=str(message.order_id),
        venue_order_id="",
        at=timezone.now(),
        quantity=None,
        price=None,
        cumulative_quantity=Decimal(0),
        leaves_quantity=Decimal(0),
        reason=f"The venue cannot take this request: {reason}",
    )


def _receive(adapter: Adapter, last: int) -> tuple[int, bool]:
    """Store what is new; return the last sequence and whether there was anything."""
    reports = adapter.reports(last, BATCH)
    if not reports:
        return last, False
    inbox.store(adapter.venue, reports, now=timezone.now())
    return reports[-1].sequence, True
