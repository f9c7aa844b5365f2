"""Giving alerts to the channels that tell people of them, step by step of their path.

What is to be told is written down here, in one transaction with the mark that it was, and sent
apart from it (telling.py): nothing is lost, and a channel that hangs holds up nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count, Max, OuterRef, Q, Subquery

from foundation import bulk, outboxes
from risk.findings import Severity
from risk.surveillance import paths
from risk.surveillance.models import Alert, AlertEvidence, Telling
from risk.surveillance.paths import Paths, Step

BATCH: Final = 50
LATELY: Final = timedelta(hours=1)

_LATEST: Final = Subquery(
    AlertEvidence.objects.filter(alert=OuterRef("pk")).order_by("-pk").values("pk")[:1]
)


def hand_out(by_severity: Paths, *, now: datetime) -> int:
    """Write down the first step for alerts with news that was not told; return how many.

    News of one that was told a moment ago waits a little, longer each time; a graver one does not.
    """
    with transaction.atomic():
        untold = _locked(Q(told_at=None, severity__in=list(by_severity)))
        chosen = [alert for alert in untold if not alert.steps_told or _is_quiet_over(alert, now)]
        for alert in chosen:
            path = by_severity[Severity(alert.severity)]
            alert.told_at = now
            if not paths.is_heard(alert.acknowledged_at, now=now):
                alert.acknowledged_at = None
                alert.steps_told = 1
                alert.next_step_at = paths.due_after(path, 1, now=now)
        _write([(alert, by_severity[Severity(alert.severity)][0], 0) for alert in chosen], now)
        _save(chosen)
    return len(chosen)


def escalate(by_severity: Paths, *, now: datetime) -> int:
    """Write down the next step for alerts that nobody has acknowledged in time; return how many."""
    with transaction.atomic():
        due = _locked(Q(next_step_at__lte=now, acknowledged_at=None))
        told: list[tuple[Alert, Step, int]] = []
        for alert in due:
            path = by_severity.get(Severity(alert.severity), ())
            alert.next_step_at = None
            if alert.steps_told < len(path):
                told.append((alert, path[alert.steps_told], alert.steps_told))
                alert.steps_told += 1
                alert.next_step_at = paths.due_after(path, alert.steps_told, now=now)
        _write(told, now)
        _save(due)
    return len(told)


def _locked(which: Q) -> list[Alert]:
    """Return some alerts that are not closed, behind their locks, each with its `latest` fact."""
    open_ = Alert.objects.exclude(state=Alert.State.CLOSED).filter(which)
    chosen = open_.order_by("raised_at", "pk").values_list("pk", flat=True)[:BATCH]
    behind = Alert.objects.filter(pk__in=list(chosen)).order_by("pk")
    pks = [alert.pk for alert in behind.select_for_update(no_key=True)]
    # Read anew: what was written while we waited for the lock counts.
    found = open_.filter(pk__in=pks).annotate(latest=_LATEST)
    return list(found.order_by("-severity", "raised_at", "pk"))


def _is_quiet_over(alert: Alert, now: datetime) -> bool:
    lately = alert.tellings.filter(step=0, written_at__gt=now - LATELY)
    told = lately.aggregate(times=Count("evidence", distinct=True), last=Max("written_at"))
    if not told["times"]:
        return True
    wait = outboxes.wait_after(told["times"], first=paths.QUIET_FIRST, most=paths.QUIET_MOST)
    return bool(now - told["last"] >= wait)


def _write(told: list[tuple[Alert, Step, int]], now: datetime) -> None:
    bulk.insert(
        [
            bulk.new(
                Telling,
                alert_id=alert.pk,
                channel=channel,
                step=number,
                evidence=alert.latest,  # type: ignore[attr-defined]
                written_at=now,
                next_at=now,
            )
            for alert, step, number in told
            for channel in step.channels
        ],
        skips_known=True,
    )


def _save(alerts: list[Alert]) -> None:
    fields = ("told_at", "steps_told", "next_step_at", "acknowledged_at")
    Alert.objects.bulk_update(alerts, fields)
