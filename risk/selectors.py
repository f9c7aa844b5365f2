"""What waits for people in the rooms of risk: numbers for the page that operations begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from risk.controls.models import Switch
from risk.findings import Severity
from risk.margin.models import MarginCall
from risk.surveillance.models import Alert, Telling


@dataclass(frozen=True, slots=True)
class OpenCalls:
    """Margin calls that are not met, and how many of them were to be met by now."""

    open: int
    overdue: int


def open_calls(*, now: datetime) -> OpenCalls:
    """Return how many margin calls are not met."""
    calls = MarginCall.objects.exclude(status=MarginCall.Status.MET)
    return OpenCalls(
        **calls.aggregate(open=Count("pk"), overdue=Count("pk", filter=Q(due_at__lt=now)))
    )


def engaged_switches() -> int:
    """Return how many switches stop something."""
    return Switch.objects.filter(released_at=None).count()


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """How many alerts of a severity are not closed, and have been acknowledged or not."""

    severity: Severity
    is_acknowledged: bool
    count: int


def open_alerts() -> list[OpenAlerts]:
    """Return how many alerts are open, those apart that nobody has acknowledged."""
    rows = (
        Alert.objects.exclude(state=Alert.State.CLOSED)
        .annotate(is_acknowledged=Q(acknowledged_at__isnull=False))
        .values_list("severity", "is_acknowledged")
        .annotate(count=Count("pk"))
        .order_by("severity", "is_acknowledged")
    )
    return [OpenAlerts(Severity(severity), known, count) for severity, known, count in rows]


@dataclass(frozen=True, slots=True)
class Untold:
    """How much a channel is still to tell, and since when the oldest of it waits."""

    channel: str
    count: int
    oldest_at: datetime


def untold() -> list[Untold]:
    """Return what channels are still to tell, by their names; one with nothing has no row."""
    waiting = Telling.objects.filter(sent_at=None, given_up_at=None).values("channel")
    rows = waiting.annotate(count=Count("pk"), oldest=Min("written_at")).order_by("channel")
    return [Untold(row["channel"], row["count"], row["oldest"]) for row in rows]
