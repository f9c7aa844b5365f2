"""Telling people of alerts outside these pages: by the channels of the settings.

A part of the program, in one process at a time and apart from whoever raises alerts. Each channel
is served by a thread of its own, so that one that hangs holds up nothing else. What was told is
marked after it was: killed between the two, it is told twice rather than never. What was not taken
is tried again, after 10 s, then twice as long each time up to ten minutes, for a day.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from foundation import charge, metrics, outboxes
from risk.findings import Severity
from risk.surveillance import acknowledging, channels, escalating, paths, runbooks
from risk.surveillance.channels import Channel, Told
from risk.surveillance.models import Alert, Telling
from risk.surveillance.paths import Paths

log = structlog.get_logger(__name__)

JOB: Final = "alerts"
POLL_SECONDS: Final = 1.0
BATCH: Final = 50
WAIT_FIRST: Final = timedelta(seconds=10)
WAIT_MAX: Final = timedelta(minutes=10)
USEFUL: Final = timedelta(days=1)
FAILURE_LENGTH_MAX: Final = 200

SENT: Final = metrics.counter(
    "openfloor_alerts_told_total", "Tellings that a channel has taken, or not.", "channel", "result"
)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Tell of alerts until `stop`, while no other process does."""
    by_name, by_severity = channels.configured(), configured_paths()
    lines = _Lines(by_name)
    try:
        while not stop.is_set():
            if charge.take(JOB):
                _go_on(stop, beat, by_severity, lines)
            beat()
            stop.wait(POLL_SECONDS)
    finally:
        charge.give_up(JOB)


def configured_paths() -> Paths:
    """Return the path of each severity that has one. Raises UnusablePath, UnusableChannel."""
    return paths.read(settings.ALERT_PATHS, channels=channels.configured())


class _Lines:
    """The channels, each in a thread while it has something to tell.

    Nobody waits for such a thread, not even the end of the program: one may hang for long.
    """

    def __init__(self, by_name: Mapping[str, Channel]) -> None:
        self._by_name = by_name
        self._busy: dict[str, threading.Thread] = {}

    @property
    def names(self) -> Collection[str]:
        return self._by_name.keys()

    def serve(self, *, now: datetime) -> None:
        """Let every channel that is at rest tell what is due."""
        due = _waiting().filter(next_at__lte=now)
        for name in due.order_by("channel").values_list("channel", flat=True).distinct():
            busy = self._busy.get(name)
            if name in self._by_name and (busy is None or not busy.is_alive()):
                self._busy[name] = threading.Thread(
                    target=self._send, args=(name, now), name=f"channel-{name}", daemon=True
                )
                self._busy[name].start()

    def _send(self, name: str, now: datetime) -> None:
        try:
            send_due(name, self._by_name[name], now=now)
        except Exception:
            log.exception("channel_failed", channel=name)
        finally:
            connection.close()


def _go_on(
    stop: threading.Event, beat: Callable[[], None], by_severity: Paths, lines: _Lines
) -> None:
    while not stop.is_set():
        now = timezone.now()
        escalating.hand_out(by_severity, now=now)
        escalating.escalate(by_severity, now=now)
        if _waiting().exists():
            give_up_useless(lines.names, now=now)
            lines.serve(now=now)
        beat()
        stop.wait(POLL_SECONDS)


def _waiting() -> QuerySet[Telling]:
    """Return what no channel has taken, and nobody has given up."""
    return Telling.objects.filter(sent_at=None, given_up_at=None)


def send_due(name: str, channel: Channel, *, now: datetime) -> int:
    """Tell on one channel what is due there, gravest first; return how much was due."""
    due = list(
        _waiting()
        .filter(channel=name, next_at__lte=now)
        .select_related("alert__account", "alert__instrument")
        .order_by("-alert__severity", "written_at", "pk")[:BATCH]
    )
    if not due:
        return 0
    try:
        channel.send([told(each) for each in due])
    except OSError as error:  # smtplib's errors are among them
        _try_again(due, error, now=now)
    else:
        SENT.labels(name, "taken").inc(len(due))
        Telling.objects.filter(pk__in=[each.pk for each in due]).update(
            sent_at=now, attempts=F("attempts") + 1, failure=""
        )
    return len(due)


def _try_again(due: Sequence[Telling], error: OSError, *, now: datetime) -> None:
    name = due[0].channel
    SENT.labels(name, "failed").inc(len(due))
    log.error("alerts_not_told", channel=name, count=len(due), error=str(error))
    for each in due:
        each.attempts += 1
        each.next_at = now + outboxes.wait_after(each.attempts, first=WAIT_FIRST, most=WAIT_MAX)
        each.failure = str(error)[:FAILURE_LENGTH_MAX]
    Telling.objects.bulk_update(due, ("attempts", "next_at", "failure"))


def give_up_useless(names: Collection[str], *, now: datetime) -> None:
    """Tell no more what is a day old, whose alert is closed, or whose channel is gone."""
    why = {
        "its alert was closed": Q(alert__state=Alert.State.CLOSED),
        "there is no such channel any more": ~Q(channel__in=list(names)),
        "it could not be told for a day": Q(written_at__lte=now - USEFUL),
    }
    for reason, useless in why.items():
        given_up = _waiting().filter(useless).update(given_up_at=now, failure=reason)
        if given_up:
            log.warning("alerts_given_up", count=given_up, why=reason)


def told(telling: Telling) -> Told:
    """Return what is said of the alert on this channel."""
    alert = telling.alert
    return Told(
        telling=telling.pk,
        alert=alert.pk,
        kind=alert.kind,
        name=alert.name,
        severity=Severity(alert.severity).name.lower(),
        account=str(alert.account) if alert.account else "",
        summary=alert.summary,
        happened_at=alert.last_at,
        step=telling.step,
        page=f"{settings.PUBLIC_URL}/admin/risk/alert/{alert.pk}/change/",
        acknowledge=f"{settings.PUBLIC_URL}/alerts/{acknowledging.token(telling)}",
        runbook=runbooks.address(alert.kind),
    )
