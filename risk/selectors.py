"""What waits for people in the rooms of risk: numbers for the page that operations begins with."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from risk.controls.models import Switch
from risk.findings import Severity
from risk.margin.models import MarginCall
from risk.surveillance.models import Alert


@dataclass(frozen=True, slots=True)
class Waiting:
    """Alerts that are not closed, margin calls that are not met, switches that stop something."""

    alerts: int
    severe_alerts: int
    margin_calls: int
    switches: int


def waiting() -> Waiting:
    """Return how much waits for people now."""
    alerts = Alert.objects.exclude(state=Alert.State.CLOSED).aggregate(
        all=Count("pk"), severe=Count("pk", filter=Q(severity=Severity.SEVERE))
    )
    calls = MarginCall.objects.exclude(status=MarginCall.Status.MET)
    return Waiting(
        alerts=alerts["all"],
        severe_alerts=alerts["severe"],
        margin_calls=calls.count(),
        switches=Switch.objects.filter(released_at=None).count(),
    )
