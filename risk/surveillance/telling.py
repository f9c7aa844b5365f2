"""Telling people of severe alerts outside these pages: by mail, or whatever is set in its place.

A part of the program, in one process at a time and apart from whoever raises alerts, so that a
mail server that hangs holds up nothing else. An alert is marked as told after it was told: killed
between the two, it is told twice rather than never.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.module_loading import import_string

from foundation import charge
from risk.findings import Severity
from risk.surveillance.models import Alert, AlertEvidence

log = structlog.get_logger(__name__)

JOB: Final = "alerts"
POLL_SECONDS: Final = 1.0
BATCH: Final = 50

Send = Callable[[Sequence[Alert]], None]

_LATEST: Final = Subquery(
    AlertEvidence.objects.filter(alert=OuterRef("pk")).order_by("-pk").values("pk")[:1]
)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Tell of severe alerts until `stop`, while no other process does."""
    send: Send = import_string(settings.ALERT_SENDER)
    try:
        while not stop.is_set():
            if charge.take(JOB):
                _go_on(stop, beat, send)
            beat()
            stop.wait(POLL_SECONDS)
    finally:
        charge.give_up(JOB)


def _go_on(stop: threading.Event, beat: Callable[[], None], send: Send) -> None:
    while not stop.is_set():
        tell(send, now=timezone.now())
        beat()
        stop.wait(POLL_SECONDS)


def tell(send: Send, *, now: datetime) -> int:
    """Tell of the severe alerts that nobody was told of; return how many.

    What cannot be sent is tried again the next time.
    """
    untold = list(
        Alert.objects.filter(severity=Severity.SEVERE, told_at=None)
        .select_related("account", "instrument")
        .annotate(latest=_LATEST)
        .order_by("raised_at", "pk")[:BATCH]
    )
    if not untold:
        return 0
    try:
        send(untold)
    except OSError as error:  # smtplib's errors are among them
        log.error("alerts_not_sent", count=len(untold), error=str(error))
        return 0
    _note({each.pk: each.latest for each in untold}, now=now)
    return len(untold)


def _note(told: Mapping[int, int | None], *, now: datetime) -> None:
    """Note of which alerts was told, each by its latest fact: what came meanwhile is still to be.

    Behind the alert's lock, which whoever adds a fact takes first.
    """
    with transaction.atomic():
        alerts = Alert.objects.filter(pk__in=told).order_by("pk")
        locked = [each.pk for each in alerts.select_for_update(no_key=True)]
        found = Alert.objects.filter(pk__in=locked).annotate(latest=_LATEST)
        seen = [each.pk for each in found if each.latest == told[each.pk]]
        Alert.objects.filter(pk__in=seen).update(told_at=now)


def by_mail(untold: Sequence[Alert]) -> None:
    """Write one mail to ALERT_RECIPIENTS, by Django's backend: the console unless it is set."""
    lines = [f"{_line(each)}\n/admin/risk/alert/{each.pk}/change/" for each in untold]
    first = untold[0]
    more = f" and {len(untold) - 1} more" if len(untold) > 1 else ""
    EmailMessage(
        subject=f"Severe alert: {first.name}{more}",
        body="\n\n".join(lines),
        to=settings.ALERT_RECIPIENTS,
    ).send()


def _line(alert: Alert) -> str:
    account = f", account {alert.account}" if alert.account else ""
    return f"{alert.last_at:%Y-%m-%d %H:%M:%S} UTC, {alert.name}{account}: {alert.summary}"
