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

import django.db
import structlog
from django.db import connection
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
    """Talk to the venue while it can be reached from here and no other gateway does."""
    try:
        with wakeups.listener.event(Channel.OUTBOX, Channel.VENUE_REPORTS) as news:
            while not stop.is_set():
                if adapter.is_reachable() and _take_charge(adapter.venue):
                    _talk(adapter, news, stop, beat)
                beat()
                stop.wait(STANDBY_SECONDS)
    finally:
        _give_up_charge(adapter.venue)


def _talk(
    adapter: Adapter, news: threading.Event, stop: threading.Event, beat: Callable[[], None]
) -> None:
    last = inbox.last_sequence(adapter.venue)
    while not stop.is_set() and adapter.is_reachable():
        news.clear()
        was_busy = _send(adapter)
        last, has_received = _receive(adapter, last)
        beat()
        if not (was_busy or has_received):
            news.wait(POLL_SECONDS)
    _give_up_charge(adapter.venue)


def _take_charge(venue: str) -> bool:
    """Take the venue's advisory lock for as long as this thread keeps its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_lock_key(venue)])
        return bool(cursor.fetchone()[0])


def _give_up_charge(venue: str) -> None:
    """Release the lock: a pooled connection must not carry it to somebody else."""
    try:
        with suppress(django.db.Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_lock_key(venue)])
    finally:
        connection.close()


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
