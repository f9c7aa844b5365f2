"""What is said between us and one venue, and what is done when the link is lost.

Nothing is ever sent blindly: a message that was claimed but never confirmed is in doubt, so
after every (re)connection the venue is first asked what it has of it. What it has is confirmed,
what it has never heard of is sent, with the number and the id that it had, unless it was cancelled
meanwhile or it is too late for it (`withheld`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import structlog
from django.db import transaction
from django.utils import timezone

from foundation import failpoints, metrics, spans, trail
from venues import inbox, links, outbox, own_reports, wire, withheld
from venues.adapters import Adapter, Outgoing, Unsendable
from venues.messages import CancelOrder, ExecutionReport, ReplaceOrder, Request
from venues.models import OutboxMessage

log = structlog.get_logger(__name__)

BATCH: Final = 256
HEARTBEAT_SECONDS: Final = 1.0
GAP_SECONDS_MAX: Final = 5.0
_DRAIN_ROUNDS_MAX: Final = 10_000

SENT: Final = metrics.counter(
    "openfloor_venue_requests_sent_total", "Requests that a venue has taken.", "venue"
)
HEARD: Final = metrics.counter(
    "openfloor_venue_reports_received_total", "Reports of venues that were stored.", "venue"
)
LOST: Final = metrics.counter(
    "openfloor_venue_links_lost_total",
    "Links to venues that were lost while they were up.",
    "venue",
)


class Conversation:
    """The talk with the venue of `adapter`; `on_news` is called when it has more to say.

    Methods raise VenueUnavailable; the one who has it then calls `lose`.
    """

    def __init__(self, adapter: Adapter, on_news: Callable[[], None]) -> None:
        self._adapter = adapter
        self._on_news = on_news
        self._venue = adapter.venue
        self._last = 0
        self._noted_at = float("-inf")
        self._gap_since: float | None = None
        self._is_gap_told = False
        self.is_open = False

    def open(self) -> None:
        """Connect, hear what was missed, and settle what is in doubt."""
        self._last = inbox.last_sequence(self._venue)
        self._adapter.connect(self._last, self._on_news)
        self._settle()
        self._gap_since, self._is_gap_told = None, False
        self.is_open = True
        self._noted_at = time.monotonic()
        links.open_anew(self._venue, now=timezone.now())
        log.info("venue_link_up", venue=self._venue)

    def go_on(self) -> bool:
        """Send what is due, receive what has come; return whether there may be more of it."""
        was_busy = self._send()
        was_busy |= self._receive()
        if time.monotonic() - self._noted_at > HEARTBEAT_SECONDS:
            self._note_sign_of_life()
        return was_busy

    def lose(self, reason: str) -> None:
        """The link is lost: say so, and that nothing is known of the orders it was lost over."""
        if self.is_open:
            log.warning("venue_link_lost", venue=self._venue, reason=reason)
            LOST.labels(self._venue).inc()
        self._hang_up(reason)
        now = timezone.now()
        lost = [m for m in outbox.in_doubt(self._venue, BATCH) if m.doubted_at is None]
        with transaction.atomic():
            outbox.doubt(lost, now=now)
            new_orders = [m for m in lost if m.kind == wire.NEW_ORDER]
            doubts = [own_reports.doubt(m, reason=reason, now=now) for m in new_orders]
            inbox.store(self._venue, doubts, now=now)

    def close(self) -> None:
        """End in order: nothing is in doubt, and nobody is here to talk any more."""
        if self.is_open:
            self._hang_up("its gateway has stopped")

    def _hang_up(self, reason: str) -> None:
        self.is_open = False
        self._adapter.close()
        links.lose(self._venue, now=timezone.now(), detail=reason)

    def _settle(self) -> None:
        while messages := outbox.in_doubt(self._venue, BATCH):
            self._settle_these(messages)

    def _settle_these(self, messages: Sequence[OutboxMessage]) -> None:
        requests = {m.pk: wire.request_from_json(m.kind, m.message) for m in messages}
        asked = list(dict.fromkeys(_named_by(request) for request in requests.values()))
        standing = {report.client_order_id: report for report in self._adapter.statuses(asked)}
        self._drain()  # what was missed first, so that a STATUS is never ahead of it
        arrived = [m for m in messages if _has_arrived(requests[m.pk], standing)]
        now = timezone.now()
        with transaction.atomic():
            inbox.store(self._venue, _statuses(arrived, standing), now=now)
            outbox.confirm(arrived, now=now)
        missing = [m for m in messages if m not in arrived]
        log.info(
            "venue_doubts_settled", venue=self._venue, arrived=len(arrived), missing=len(missing)
        )
        cancels = outbox.cancels_waiting(self._venue, missing)
        if missing := withheld.sift(missing, cancels=cancels, now=now):
            self._send_all(missing, is_repeat=True)
            outbox.confirm(missing, now=timezone.now())

    def _send(self) -> bool:
        messages = outbox.claim(self._venue, BATCH, now=timezone.now())
        if not messages:
            return False
        failpoints.reach("gateway.before_send")
        self._send_all(messages, is_repeat=False)
        failpoints.reach("gateway.sent")
        outbox.confirm(messages, now=timezone.now())
        SENT.labels(self._venue).inc(len(messages))
        return len(messages) == BATCH

    def _send_all(self, messages: Sequence[OutboxMessage], *, is_repeat: bool) -> None:
        """Send together, or one by one when one of them cannot be sent: that one is refused."""
        try:
            with spans.span("gateway send", venue=self._venue, requests=len(messages)):
                self._adapter.send([_outgoing(message, is_repeat) for message in messages])
            trail.note("request_sent", (_sent(self._venue, each, is_repeat) for each in messages))
        except Unsendable as error:
            if len(messages) > 1:
                for message in messages:
                    self._send_all([message], is_repeat=is_repeat)
                return
            log.error("request_unsendable", venue=self._venue, error=str(error))
            now = timezone.now()
            refusal = own_reports.refusal(messages[0], error=str(error), now=now)
            inbox.store(self._venue, [refusal], now=now)

    def _drain(self) -> None:
        for _ in range(_DRAIN_ROUNDS_MAX):
            if not self._receive():
                return

    def _receive(self) -> bool:
        """Store the reports that follow without a gap; return whether there were any."""
        reports = self._adapter.reports(self._last, BATCH)
        gapless = [r for n, r in enumerate(reports, start=self._last + 1) if r.sequence == n]
        if gapless:
            inbox.store(self._venue, gapless, now=timezone.now())
            HEARD.labels(self._venue).inc(len(gapless))
            trail.note("report_received", (_heard(self._venue, each) for each in gapless))
            self._last = gapless[-1].sequence
        if len(gapless) == len(reports):
            self._gap_since, self._is_gap_told = None, False
        elif self._gap_since is None or gapless:
            self._gap_since = time.monotonic()
        return bool(gapless)

    def _note_sign_of_life(self) -> None:
        self._noted_at = time.monotonic()
        since = self._gap_since
        if since is None or time.monotonic() - since < GAP_SECONDS_MAX:
            links.hear(self._venue, now=timezone.now())
            return
        missing = self._last + 1
        if not self._is_gap_told:
            log.error("venue_reports_missing", venue=self._venue, sequence=missing)
            self._is_gap_told = True
        links.lose(
            self._venue,
            now=timezone.now(),
            detail=f"report {missing} is missing",
            missing_sequence=missing,
        )


def _sent(venue: str, message: OutboxMessage, is_repeat: bool) -> dict[str, object]:
    return {
        "order_id": message.order_id,
        "venue": venue,
        "request": message.kind,
        "number": message.number,
        "is_repeat": is_repeat,
    }


def _heard(venue: str, report: ExecutionReport) -> dict[str, object]:
    return {
        "order_id": report.client_order_id,
        "venue": venue,
        "report": report.kind.value,
        "execution_id": report.execution_id,
        "sequence": report.sequence,
    }


def _outgoing(message: OutboxMessage, is_repeat: bool) -> Outgoing:
    if message.session_date is None or message.number is None:
        raise ValueError(f"outbox message {message.pk} was never claimed")
    request = wire.request_from_json(message.kind, message.message)
    return Outgoing(message.session_date, message.number, request, is_repeat)


def _named_by(request: Request) -> str:
    """Return the order by which the venue can tell whether it has the request."""
    if isinstance(request, ReplaceOrder):
        return request.new_client_order_id
    return request.client_order_id


def _has_arrived(request: Request, standing: dict[str, ExecutionReport]) -> bool:
    """Tell whether the venue has the request. A cancel shows by its effect alone: while the order
    lives it is sent again, and the venue drops a repeat by its own id."""
    status = standing.get(_named_by(request))
    if isinstance(request, CancelOrder):
        return status is not None and not status.leaves_quantity
    return status is not None


def _statuses(
    messages: Iterable[OutboxMessage], standing: dict[str, ExecutionReport]
) -> list[ExecutionReport]:
    """Return what resolves the doubts that were told, with ids that are ours and come once."""
    return [
        replace(standing[str(m.order_id)], sequence=0, execution_id=f"status-{m.pk}")
        for m in messages
        if m.kind == wire.NEW_ORDER and m.doubted_at is not None
    ]
