"""What lies in tables, as numbers: read when somebody asks, at most every few seconds.

A bounded number of small statements, by one thread at a time; whoever comes meanwhile gets what it
has found. Every process sees the same, so one of them is asked (docs/monitoring.md).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import structlog
from django.db import Error, connection, transaction
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from accounts.letters.models import Letter
from foundation.models import Heartbeat
from marketdata import selectors as market
from marketdata.feeds.states import State
from marketdata.models import FeedHealth
from reconciliation.day import selectors as days
from reconciliation.day.plan import State as JobState
from risk import selectors as risk
from risk.findings import Severity
from trading.metrics import database
from venues import backlog, links

log = structlog.get_logger(__name__)

AGE_SECONDS_MAX: Final = 3.0
STATEMENT_MILLISECONDS_MAX: Final = 3_000

Read = Callable[[datetime], Iterable[Metric]]


def gauge(
    name: str, meaning: str, labels: Sequence[str], rows: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    """Return what a table shows: a number for each set of labels."""
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _parts(now: datetime) -> Iterator[Metric]:
    beats = list(Heartbeat.objects.order_by("part"))
    yield gauge(
        "openfloor_part_beat_age_seconds",
        "Since a part of the program was last seen at work.",
        ["part"],
        [((beat.part,), _age(beat.at, now)) for beat in beats],
    )
    yield gauge(
        "openfloor_part_restarts",
        "How often a part was started again since its process began.",
        ["part"],
        [((beat.part,), beat.restarts) for beat in beats],
    )


def _wire(now: datetime) -> Iterator[Metric]:
    venues = links.current()
    waiting = {(each.venue, each.box): each for each in backlog.backlogs()}
    boxes = [(link.venue, box) for link in venues for box in ("unsent", "new", "early", "parked")]
    boxes += [each for each in waiting if each not in boxes]
    yield gauge(
        "openfloor_wire_waiting_messages",
        "What waits on the wire: requests not sent, reports new, early or parked.",
        ["venue", "box"],
        [(each, waiting[each].count if each in waiting else 0) for each in boxes],
    )
    yield gauge(
        "openfloor_wire_oldest_age_seconds",
        "For how long the oldest of them has waited; 0 when none does.",
        ["venue", "box"],
        [(e, _age(waiting[e].oldest_at, now) if e in waiting else 0) for e in boxes],
    )
    yield gauge(
        "openfloor_venue_link_up",
        "1 while orders can go to the venue, 0 while not.",
        ["venue"],
        [((link.venue,), link.is_up_at(now)) for link in venues if link.is_enabled],
    )
    yield gauge(
        "openfloor_venue_silence_seconds",
        "Since the venue gave its last sign of life.",
        ["venue"],
        [((link.venue,), link.silence_seconds(now)) for link in venues if link.is_enabled],
    )


def _prices(now: datetime) -> Iterator[Metric]:
    sources = market.freshness(now=now)
    yield gauge(
        "openfloor_quote_age_seconds",
        "Since the newest price of a source was confirmed.",
        ["source"],
        [((each.source,), _age(each.newest_at, now)) for each in sources],
    )
    yield gauge(
        "openfloor_instruments_quoted",
        "Instruments whose prices a source tells.",
        ["source"],
        [((each.source,), each.quoted) for each in sources],
    )
    yield gauge(
        "openfloor_instruments_stale",
        "Of them, those whose price is too old to trade on.",
        ["source"],
        [((each.source,), each.stale) for each in sources],
    )
    feeds = list(FeedHealth.objects.filter(symbols__gt=0).order_by("feed", "market"))
    yield gauge(
        "openfloor_feed_live",
        "1 while a feed from outside is live.",
        ["feed", "market"],
        [((each.feed, each.market), each.state == State.LIVE) for each in feeds],
    )
    yield gauge(
        "openfloor_feed_age_seconds",
        "Since a feed from outside has told anything of its market.",
        ["feed", "market"],
        [((f.feed, f.market), _age(f.told_at, now)) for f in feeds if f.told_at is not None],
    )
    yield gauge(
        "openfloor_feed_lag_seconds",
        "How much older than our clock what a feed told last was.",
        ["feed", "market"],
        [((f.feed, f.market), f.lag_ms / 1000) for f in feeds if f.lag_ms is not None],
    )


def _people(now: datetime) -> Iterator[Metric]:
    calls, engaged = risk.open_calls(now=now), risk.engaged_switches()
    queue = {(each.severity, each.is_acknowledged): each for each in risk.open_alerts()}
    yield gauge(
        "openfloor_alerts_open",
        "Alerts that are not closed.",
        ["severity", "acknowledged"],
        [
            ((severity.name.lower(), "yes" if known else "no"), found.count if found else 0)
            for severity in Severity
            for known in (False, True)
            for found in (queue.get((severity, known)),)
        ],
    )
    yield gauge(
        "openfloor_alerts_tellings_waiting",
        "What is to be told on a channel and was not yet.",
        ["channel"],
        [((each.channel,), each.count) for each in risk.untold()],
    )
    yield gauge(
        "openfloor_alerts_tellings_oldest_age_seconds",
        "For how long the oldest of them has waited.",
        ["channel"],
        [((each.channel,), _age(each.oldest_at, now)) for each in risk.untold()],
    )
    yield gauge(
        "openfloor_margin_calls_open",
        "Calls not met yet.",
        [],
        [((), calls.open)],
    )
    yield gauge(
        "openfloor_switches_engaged",
        "Switches that stop something.",
        [],
        [((), engaged)],
    )
    letters = Letter.objects.filter(sent_at=None, given_up_at=None)
    yield gauge("openfloor_letters_waiting", "Letters not sent yet.", [], [((), letters.count())])
    oldest = letters.order_by("written_at").values_list("written_at", flat=True).first()
    yield gauge(
        "openfloor_letters_oldest_age_seconds",
        "For how long the oldest of them has waited.",
        [],
        [((), _age(oldest, now) if oldest else 0)],
    )


def _jobs(now: datetime) -> Iterator[Metric]:
    jobs = PeriodicTask.objects.filter(enabled=True, last_run_at__isnull=False).order_by("task")
    yield gauge(
        "openfloor_job_handed_out_age_seconds",
        "Since the clock last handed a job out.",
        ["job"],
        {(job.task,): _age(job.last_run_at, now) for job in jobs if job.last_run_at}.items(),
    )


def _days(_now: datetime) -> Iterator[Metric]:
    closing = days.recent(1)
    latest = max(closing, key=lambda each: each.day, default=None)
    yield gauge(
        "openfloor_day_jobs",
        "Jobs of the latest day, by how they stand.",
        ["state"],
        [((state.value,), latest.counts.get(state, 0) if latest else 0) for state in JobState],
    )
    yield gauge(
        "openfloor_day_jobs_failed",
        "Jobs of any day that have failed and wait to be tried again.",
        [],
        [((), days.failed())],
    )
    yield gauge(
        "openfloor_day_runs_open",
        "Days of which a job is left.",
        [],
        [((), sum(each.ended_at is None for each in closing))],
    )


class Tables(Collector):
    """Every reading of tables, kept for a moment."""

    def __init__(self, reads: Sequence[Read]) -> None:
        self._reads = reads
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._kept: list[Metric] = []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at >= AGE_SECONDS_MAX:
                self._kept = self._look()
                self._read_at = time.monotonic()
            return iter(self._kept)

    def forget(self) -> None:
        """Look anew the next time."""
        with self._lock:
            self._read_at = float("-inf")

    def describe(self) -> list[Metric]:
        return []  # what they are called is known when they were read

    def _look(self) -> list[Metric]:
        begun, now, found, is_up = time.monotonic(), timezone.now(), list[Metric](), True
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS_MAX}")
                for read in self._reads:
                    found += read(now)
        except Error as error:
            log.warning("tables_not_read", error=str(error).partition("\n")[0])
            connection.close()
            found, is_up = [], False
        found.append(
            gauge("openfloor_database_up", "1 when the tables could be read.", [], [((), is_up)])
        )
        seconds = time.monotonic() - begun
        found.append(
            gauge("openfloor_tables_read_seconds", "What reading them took.", [], [((), seconds)])
        )
        return found


def _age(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())


TABLES: Final = CollectorRegistry()
tables: Final = Tables((_parts, _wire, _prices, _people, _jobs, _days, database.read))
TABLES.register(tables)
