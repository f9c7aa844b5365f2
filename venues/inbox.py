"""What venues told us: stored as it came, once, and handed on in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Max

from foundation import bulk, trips, wakeups
from venues import wire
from venues.messages import ExecutionReport
from venues.models import InboxReport

REASON_LENGTH_MAX: Final = 200
_CLAIM: Final = 0x0F_F1_0A_13
"""The advisory lock of whoever is applying reports."""


def store(venue: str, reports: Sequence[ExecutionReport], *, now: datetime) -> None:
    """Store the reports, each once however often it comes, and hint at them."""
    if not reports:
        return
    bulk.insert(
        [
            bulk.new(
                InboxReport,
                venue=venue,
                execution_id=report.execution_id,
                sequence=report.sequence,
                client_order_id=report.client_order_id,
                report=wire.report_to_json(report),
                received_at=now,
            )
            for report in reports
        ],
        skips_known=True,
    )
    wakeups.send(wakeups.Channel.INBOX)


def last_sequence(venue: str) -> int:
    """Return the number of the last report that we have of this venue, 0 before the first."""
    return InboxReport.objects.filter(venue=venue).aggregate(last=Max("sequence"))["last"] or 0


def claim() -> None:
    """Wait until nobody else handles reports, and keep it so until the transaction ends.

    An order's reports must be applied in the order in which they came.
    """
    trips.send("SELECT pg_advisory_xact_lock(%s)", [_CLAIM])


def next_reports(limit: int) -> list[InboxReport]:
    """Claim the oldest reports that nobody has handled, for this transaction."""
    claim()
    return bulk.select(InboxReport, "state = 'new' ORDER BY id LIMIT %s", [limit])


def early_of(client_order_ids: Iterable[str]) -> list[InboxReport]:
    """Return the postponed reports about these orders, oldest first.

    For the transaction that claimed the next reports: what these bring may be what those wait for.
    """
    return bulk.select(
        InboxReport,
        "state = 'early' AND client_order_id = ANY(%s) ORDER BY sequence, id",
        [list(client_order_ids)],
    )


def postpone(report: InboxReport, *, reason: str, now: datetime) -> None:
    """Keep a report that is ahead of us until what it waits for has come."""
    InboxReport.objects.filter(pk=report.pk).update(
        state=InboxReport.State.EARLY, handled_at=now, reason=reason[:REASON_LENGTH_MAX]
    )


def early_before(moment: datetime, limit: int) -> list[InboxReport]:
    """Return reports that came before `moment` and still wait: what never came?"""
    # Not by when they were postponed: each report of a busy order postpones them anew.
    waiting = InboxReport.objects.filter(state=InboxReport.State.EARLY, received_at__lt=moment)
    return list(waiting.order_by("pk")[:limit])


def retry(report: InboxReport) -> bool:
    """Have a parked report applied anew; return whether it was parked."""
    was_parked = InboxReport.objects.filter(pk=report.pk, state=InboxReport.State.PARKED).update(
        state=InboxReport.State.NEW, handled_at=None, reason=""
    )
    if was_parked:
        wakeups.send(wakeups.Channel.INBOX)
    return bool(was_parked)


def dismiss(report: InboxReport, *, reason: str, now: datetime) -> bool:
    """Never apply a parked report; return whether it was parked.

    What waits for it is tried again: it counts what was dismissed, and comes early no more.
    """
    was_parked = InboxReport.objects.filter(pk=report.pk, state=InboxReport.State.PARKED).update(
        state=InboxReport.State.DISMISSED, handled_at=now, reason=reason[:REASON_LENGTH_MAX]
    )
    if was_parked:
        InboxReport.objects.filter(
            client_order_id=report.client_order_id, state=InboxReport.State.EARLY
        ).update(state=InboxReport.State.NEW, handled_at=None, reason="")
        wakeups.send(wakeups.Channel.INBOX)
    return bool(was_parked)


def dismissed_quantity(client_order_id: str) -> Decimal:
    """Return how much of the order its venue has executed that people have dismissed."""
    [(quantity,)] = bulk.execute(_DISMISSED, [client_order_id])
    return Decimal(quantity)


_DISMISSED: Final = """
    SELECT coalesce(sum((report->>'quantity')::numeric
                        * CASE report->>'kind' WHEN 'fill' THEN 1 ELSE -1 END), 0)
      FROM venues_inboxreport
     WHERE client_order_id = %s AND state = 'dismissed' AND report->>'kind' IN ('fill', 'busted')"""


def mark_applied(reports: Sequence[InboxReport], *, now: datetime) -> None:
    trips.send(
        "UPDATE venues_inboxreport SET state = 'applied', handled_at = %s WHERE id = ANY(%s)",
        [now, [report.pk for report in reports]],
    )


def park(report: InboxReport, *, reason: str, now: datetime) -> None:
    """Keep a report that cannot be applied for a person to look at, out of the way of the next."""
    InboxReport.objects.filter(pk=report.pk).update(
        state=InboxReport.State.PARKED, handled_at=now, reason=reason[:REASON_LENGTH_MAX]
    )
