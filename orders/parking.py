"""Putting a report aside that cannot be applied: kept for people, who are told at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from django.utils import timezone

from foundation import metrics
from risk.findings import Finding, Kind, Severity
from risk.surveillance import alerts
from venues import inbox, parked
from venues.models import InboxReport

log = structlog.get_logger(__name__)

PARKED: Final = metrics.counter(
    "openfloor_reports_parked_total", "Reports that could not be applied.", "venue"
)


def park(reports: Sequence[tuple[InboxReport, str]]) -> None:
    """Put each report aside for the reason beside it, in the transaction that claimed it."""
    now = timezone.now()
    for report, reason in reports:
        PARKED.labels(report.venue).inc()
        log.error(
            "report_parked", venue=report.venue, execution_id=report.execution_id, reason=reason
        )
        inbox.park(report, reason=reason, now=now)
    alerts.raise_alerts((_told(report, reason, now) for report, reason in reports), now=now)


def _told(report: InboxReport, reason: str, now: datetime) -> Finding:
    """Return what people are told of a report that was put aside: of one venue in one alert.

    A fill or a bust that is not applied leaves a customer's money wrong: that is severe.
    """
    kind = str(report.report.get("kind", "report"))
    return Finding(
        kind=Kind.REPORT_PARKED,
        severity=Severity.SEVERE if parked.moves_money(report) else Severity.WARNING,
        account_id=None,
        subject=report.venue,
        # One that is tried again and put aside again is news.
        key=f"{report.venue}:{report.execution_id}:{now.isoformat()}",
        happened_at=now,
        summary=f"{report.venue}: a report ({kind}) cannot be applied: {reason}",
        evidence={
            "venue": report.venue,
            "execution_id": report.execution_id,
            "order": report.client_order_id,
            "report": kind,
            "reason": reason,
        },
    )
