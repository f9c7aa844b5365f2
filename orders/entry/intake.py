"""The way in for every order and cancel: many at once, one transaction.

A writer takes whatever waits for it, 1 to 256 tickets, and commits them together. There is no
timer: a lone order waits for nobody, and under load the batch grows while the last one commits.
Behind a batch of several the writer rests for a moment, so that those who were answered can come
again: the next batch is larger then, and costs each of them less than the rest does.
What concerns one account stays in the order in which it came, also where several writers share
the work, each with the accounts that are its own.
Several processes have an intake each; the account locks put them in order.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from typing import Final

import django.db
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from foundation import metrics, spans
from orders.entry import counting, noting, submission
from orders.entry.submission import Answer
from orders.tickets import Ticket

log = structlog.get_logger(__name__)

BATCH_MAX: Final = 256
WAITING_MAX: Final = 10_000
IDLE_SECONDS: Final = 5.0
REST_SECONDS: Final = 0.001
WAIT_SECONDS_MAX: Final = 8.0
"""Less than the edge waits for an answer."""


class NotTaken(RuntimeError):
    """The ticket was not taken and has no effect."""


class IntakeFull(NotTaken):
    """Too many tickets wait already."""


class IntakeClosed(NotTaken):
    """The program is stopping."""


class WaitedTooLong(NotTaken):
    """The ticket's turn came so late that whoever sent it has given up on it."""


class _Entry(Future[Answer]):
    """A ticket that was entered, and what will have become of it."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self.ticket = ticket
        self.since = time.monotonic()
        self.span = spans.current()  # of whoever waits for the answer

    def is_wanted(self) -> bool:
        """Begin with this ticket, unless whoever sent it has given up: then nothing happens."""
        if not self.set_running_or_notify_cancel():
            return False
        if time.monotonic() - self.since <= WAIT_SECONDS_MAX:
            return True
        self.set_exception(WaitedTooLong())
        return False


class Intake:
    """The writers, and which of them a ticket is for."""

    def __init__(
        self,
        *,
        writers: int = 1,
        waiting_max: int = WAITING_MAX,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._writers = [
            _Writer(number, waiting_max // writers, rest_seconds) for number in range(writers)
        ]

    def enter(self, ticket: Ticket) -> Future[Answer]:
        """Queue a ticket. Raises IntakeFull or IntakeClosed, and then nothing happened."""
        return self._writers[ticket.account_id.int % len(self._writers)].enter(ticket)

    @property
    def waiting(self) -> int:
        """How many tickets nobody has begun with."""
        return sum(writer.waiting for writer in self._writers)

    def close(self, timeout: float) -> None:
        """Take no more tickets, finish those that wait, and end the writers."""
        deadline = time.monotonic() + timeout
        for writer in self._writers:
            writer.close()
        for writer in self._writers:
            writer.join(max(deadline - time.monotonic(), 0.0))


class _Writer:
    """One queue and the thread that works it off, started by the first ticket."""

    def __init__(self, number: int, waiting_max: int, rest_seconds: float) -> None:
        self._name = f"intake-{number}"
        self._waiting_max = waiting_max
        self._rest_seconds = rest_seconds
        self._waiting: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def waiting(self) -> int:
        return self._waiting.qsize()

    def enter(self, ticket: Ticket) -> Future[Answer]:
        entry = _Entry(ticket)
        with self._lock:
            if self._closed.is_set():
                raise IntakeClosed
            if self._waiting.qsize() >= self._waiting_max:
                raise IntakeFull
            self._waiting.put(entry)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return entry

    def close(self) -> None:
        """Take no more tickets; the thread ends when those that wait are done."""
        with self._lock:
            if not self._closed.is_set():
                self._closed.set()
                self._waiting.put(None)

    def join(self, timeout: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while (batch := self._next_batch()) is not None:
                if batch:
                    _settle(batch)
                if len(batch) > 1:
                    # Meanwhile Python's lock is the event loop's, which has answers to send.
                    self._closed.wait(self._rest_seconds)
        finally:
            connection.close()

    def _next_batch(self) -> list[_Entry] | None:
        """Wait for a ticket and take what waits with it; None when the intake has closed."""
        while True:
            try:
                entry = self._waiting.get(timeout=IDLE_SECONDS)
                break
            except queue.Empty:
                connection.close()  # give the pool its connection back while nothing comes
        batch: list[_Entry] = []
        while entry is not None:
            if entry.is_wanted():
                batch.append(entry)
            if len(batch) == BATCH_MAX:
                return batch
            try:
                entry = self._waiting.get_nowait()
            except queue.Empty:
                return batch
        if not batch:
            return None
        self._waiting.put(None)  # closing: finish these first, then end
        return batch


def _settle(batch: list[_Entry]) -> None:
    """Answer every entry: the batch in one transaction, or each alone when that fails.

    A poisoned ticket then fails alone. Trying again is safe even when the failed commit had in
    fact happened: every order has its client_order_id, and finds itself. A database that cannot
    be reached or is busy is no fault of a ticket: then all fail at once, rather than be carried
    out one by one long after their senders were told that the outcome is unknown.
    """
    tickets = [entry.ticket for entry in batch]
    try:
        with spans.span("intake batch", links=[e.span for e in batch], tickets=len(batch)):
            answers = submission.submit_batch(tickets)
    except Exception as error:
        if isinstance(error, django.db.Error):
            connection.close()
        if len(batch) == 1 or isinstance(error, OperationalError | InterfaceError):
            log.exception("tickets_failed", count=len(batch))
            counting.failed(tickets)
            for entry in batch:
                entry.set_exception(error)
            return
        log.warning("batch_failed", size=len(batch), error=str(error))
        for entry in batch:
            _settle([entry])
        return
    counting.decided(tickets, answers)
    noting.decided(tickets, answers)
    for entry, answer in zip(batch, answers, strict=True):
        entry.set_result(answer)


intake = Intake(writers=settings.INTAKE_WRITERS)
metrics.reading(
    "openfloor_intake_waiting_tickets",
    "Tickets that this process has taken and not begun with.",
    read=lambda: [((), intake.waiting)],
)


def enter(ticket: Ticket) -> Future[Answer]:
    """Enter a ticket; the answer comes once what became of it is durable.

    See `Intake.enter` for errors.
    """
    return intake.enter(ticket)
