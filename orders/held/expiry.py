"""What time does to orders: it ends those that are over, and frees the way of those that wait.

A part of the program, at work in one process at a time. What we hold is ended at once, a
good-till-cancelled order at its age. A day order, and one for an auction, is the venue's to
expire: its clock decides what still traded. We only notice when it does not. A leg whose turn had
come in a halt, or while its venue was out of reach, is looked at again and again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from foundation import bulk, charge
from orders.entry import intake
from orders.entry.answers import Answer
from orders.entry.asking import Asking, Enter
from orders.entry.pacing import Pacing
from orders.tickets import ExpireTicket, ResumeTicket

log = structlog.get_logger(__name__)

JOB: Final = "expiry"
POLL_SECONDS: Final = 1.0
BATCH: Final = 512
OVERDUE: Final = timedelta(minutes=5)
OVERDUE_SECONDS: Final = 60.0
"""How often it is said that a venue has not expired an order."""
NAMED_MAX: Final = 20
RESUME_SECONDS: Final = 2.0
RESUME_PAUSE_MAX: Final = timedelta(seconds=16)
"""Not long: what waits may be the stop of a position."""
ENDING_PAUSE_MAX: Final = timedelta(minutes=15)
"""A venue that refuses a cancel is not asked every second: each time is history of the order."""
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST: Final = UUID(int=0)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """End what is over until `stop`, while no other process does."""
    serve(stop, beat, enter=intake.enter)


def serve(
    stop: threading.Event,
    beat: Callable[[], None],
    *,
    enter: Callable[[ExpireTicket | ResumeTicket], Future[Answer]],
) -> None:
    """Do what is due until `stop`, by tickets handed to `enter`."""
    try:
        while not stop.is_set():
            if charge.take(JOB):
                _go_on(stop, beat, Ending(enter), Resuming(enter))
            beat()
            stop.wait(POLL_SECONDS)
    finally:
        charge.give_up(JOB)


def _go_on(
    stop: threading.Event, beat: Callable[[], None], ending: Ending, resuming: Resuming
) -> None:
    while not stop.is_set():
        ending.look(now=timezone.now())
        resuming.look(now=timezone.now())
        beat()
        stop.wait(POLL_SECONDS)


def overdue(*, by: datetime) -> list[UUID]:
    """Return orders that should have expired by then and are open, the oldest first: some."""
    return [order_id for [order_id] in bulk.execute(_OPEN, [by, BATCH])]


class Ending:
    """Orders on their way to their end."""

    def __init__(self, enter: Enter[ExpireTicket]) -> None:
        self._asking: Asking[ExpireTicket] = Asking(enter)
        self._pacing = Pacing(shortest=timedelta(seconds=POLL_SECONDS), longest=ENDING_PAUSE_MAX)
        self._after = BEGINNING, FIRST  # of those that are over, the last one that was read
        self._noticed_at = -OVERDUE_SECONDS

    def look(self, *, now: datetime) -> None:
        """Ask for the end of what is over: one round."""
        for account_id, order_id in self._next(now):
            if order_id not in self._asking and self._pacing.admit(order_id, now=now):
                self._asking.put(
                    ExpireTicket(account_id=account_id, order_id=order_id, received_at=now)
                )
        for ticket, answer in self._asking.carry_on():
            if answer.refusal is not None and answer.refusal.code != "not_expired":
                log.error(
                    "order_not_expired",
                    order_id=str(ticket.order_id),
                    code=answer.refusal.code,
                    reason=answer.refusal.message,
                )
        self._notice_overdue(now)

    def _next(self, now: datetime) -> list[tuple[UUID, UUID]]:
        """Go on after the last that was read, so that those whose end a venue refuses keep nobody
        waiting; begin again after the end."""
        rows = bulk.execute(_OURS, [now, *self._after, BATCH])
        self._after = rows[-1][2:] if len(rows) == BATCH else (BEGINNING, FIRST)
        return [(account_id, order_id) for account_id, order_id, *_ in rows]

    def _notice_overdue(self, now: datetime) -> None:
        if time.monotonic() - self._noticed_at < OVERDUE_SECONDS:
            return
        self._noticed_at = time.monotonic()
        overdue = [str(order_id) for [order_id] in bulk.execute(_THEIRS, [now - OVERDUE, BATCH])]
        if overdue:
            log.error("venue_has_not_expired", count=len(overdue), orders=overdue[:NAMED_MAX])


class Resuming:
    """Legs whose turn has come and whose way was not free."""

    def __init__(self, enter: Enter[ResumeTicket]) -> None:
        self._asking: Asking[ResumeTicket] = Asking(enter)
        self._pacing = Pacing(shortest=timedelta(seconds=RESUME_SECONDS), longest=RESUME_PAUSE_MAX)
        self._looked_at = -RESUME_SECONDS
        self._after = FIRST  # of those that wait, the last one that was asked about

    def look(self, *, now: datetime) -> None:
        """Have the groups of those that wait looked at again, at an interval."""
        if time.monotonic() - self._looked_at >= RESUME_SECONDS:
            self._looked_at = time.monotonic()
            for account_id, order_id in self._next():
                if order_id not in self._asking and self._pacing.admit(order_id, now=now):
                    self._asking.put(
                        ResumeTicket(account_id=account_id, order_id=order_id, received_at=now)
                    )
        for ticket, answer in self._asking.carry_on():
            if answer.refusal is not None:
                log.error("order_not_resumed", order_id=str(ticket.order_id))

    def _next(self) -> list[tuple[UUID, UUID]]:
        """Go on after the last that was read, so that those of one long halt keep nobody waiting;
        begin again after the end."""
        rows = bulk.execute(_WAITING, [self._after, BATCH])
        self._after = rows[-1][1] if len(rows) == BATCH else FIRST
        return [(account_id, order_id) for account_id, order_id in rows]


_WAITING: Final = """
    SELECT account_id, id FROM orders_order WHERE is_waiting AND id > %s ORDER BY id LIMIT %s
"""
# An order that is being replaced is left until the venue has decided which of the two stands.
_OURS: Final = """
    SELECT account_id, id, expires_at, id FROM orders_order
     WHERE expires_at <= %s
       AND (expires_at, id) > (%s, %s)
       AND status IN ('held', 'submitted', 'partially_filled', 'unknown')
       AND (status = 'held' OR time_in_force = 'gtc')
     ORDER BY expires_at, id LIMIT %s
"""
_OPEN: Final = """
    SELECT id FROM orders_order
     WHERE expires_at <= %s
       AND status IN ('held', 'submitted', 'partially_filled', 'unknown', 'pending_cancel',
                      'pending_replace', 'pending')
     ORDER BY expires_at, id LIMIT %s
"""
_THEIRS: Final = """
    SELECT id FROM orders_order
     WHERE expires_at <= %s
       AND status IN ('submitted', 'partially_filled', 'unknown', 'pending_cancel',
                      'pending_replace', 'pending')
     ORDER BY expires_at LIMIT %s
"""
