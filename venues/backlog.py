"""What lies in the two letter boxes of the wire: how much, and for how long already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from venues.models import InboxReport, OutboxMessage


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits in one box of a venue, and since when the oldest does."""

    venue: str
    box: str
    count: int
    oldest_at: datetime


def backlogs() -> list[Backlog]:
    """Return what waits: `unsent` requests; `new`, `early` and `parked` reports. None, no row."""
    unsent = OutboxMessage.objects.filter(sent_at=None).order_by().values("venue")
    sending = unsent.annotate(count=Count("pk"), oldest=Min("created_at"))
    found = [Backlog(row["venue"], "unsent", row["count"], row["oldest"]) for row in sending]
    # One look a state: each has an index of its own.
    for state in (InboxReport.State.NEW, InboxReport.State.EARLY, InboxReport.State.PARKED):
        waiting = InboxReport.objects.filter(state=state).order_by().values("venue")
        rows = waiting.annotate(count=Count("pk"), oldest=Min("received_at"))
        found += [Backlog(r["venue"], state.value, r["count"], r["oldest"]) for r in rows]
    return found
