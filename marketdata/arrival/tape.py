"""The tape: where the feeds of this process lay down ticks, and from where they are booked.

A feed calls `publish` and goes on; `run` is the part of the program that books what lies there,
ten times a second. A feed must also confirm what stands: it publishes every quote again, changed
or not, at least every HEARTBEAT_SECONDS, because a quote of which nothing is heard for
settings.QUOTE_AGE_SECONDS_MAX is stale, and nobody trades on it.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import DataError, IntegrityError
from django.utils import timezone

from foundation import metrics
from marketdata import services
from marketdata.arrival import silence
from marketdata.batches.columns import TickColumns
from marketdata.ticks import QuoteTick, Tick

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS: Final = 0.5
INTERVAL_SECONDS: Final = 0.1
LOOK_SECONDS: Final = 0.15  # with the age that a quote may have, within two seconds
TICKS_MAX: Final = 50_000  # that wait; some 10 s of a very lively market, some 20 MB
BATCH_MAX: Final = 5_000  # that are booked in one transaction

Told = tuple[str, Tick]  # a source and what it told


@dataclass(frozen=True, slots=True)
class Counts:
    """What has happened on the tape since the process began; `waiting` is now."""

    published: int
    waiting: int
    quotes_dropped: int
    trades_dropped: int


class Tape:
    """A bounded line of ticks between any number of feeds and one reader."""

    def __init__(self, *, ticks_max: int = TICKS_MAX) -> None:
        self._ticks_max = ticks_max
        self._told: deque[Told] = deque()
        self._changed = threading.Condition()
        self._sources: set[str] = set()
        self._published = self._quotes_dropped = self._trades_dropped = 0

    @property
    def counts(self) -> Counts:
        with self._changed:
            return Counts(
                published=self._published,
                waiting=len(self._told),
                quotes_dropped=self._quotes_dropped,
                trades_dropped=self._trades_dropped,
            )

    @property
    def sources(self) -> frozenset[str]:
        """The feeds that have told anything."""
        with self._changed:
            return frozenset(self._sources)

    def publish(self, ticks: Sequence[Tick], *, source: str) -> None:
        """Lay down `ticks` of `source`, in the order in which they happened. Never waits long."""
        with self._changed:
            self._sources.add(source)
            self._published += len(ticks)
            self._told.extend((source, tick) for tick in ticks)
            if len(self._told) > self._ticks_max:
                self._shed()
            self._changed.notify()

    def take(self, *, wait_seconds: float, ticks_max: int = BATCH_MAX) -> list[Told]:
        """Return what lies on the tape, oldest first; wait for something if there is nothing."""
        with self._changed:
            if not self._told:
                self._changed.wait(wait_seconds)
            return [self._told.popleft() for _ in range(min(len(self._told), ticks_max))]

    def put_back(self, told: Sequence[Told]) -> None:
        """Return what could not be booked to the head of the tape."""
        with self._changed:
            self._told.extendleft(reversed(told))
            if len(self._told) > self._ticks_max:
                self._shed()

    def _shed(self) -> None:
        """Make room: first of quotes that newer ones have replaced, at the utmost of trades.

        Dropping goes below the bound by a tenth, so that it is not done again for each tick.
        """
        latest: dict[tuple[str, str], int] = {
            (source, tick.symbol): position
            for position, (source, tick) in enumerate(self._told)
            if isinstance(tick, QuoteTick)
        }
        kept = deque(
            (source, tick)
            for position, (source, tick) in enumerate(self._told)
            if not isinstance(tick, QuoteTick) or latest[source, tick.symbol] == position
        )
        self._quotes_dropped += len(self._told) - len(kept)
        excess = len(kept) - self._ticks_max * 9 // 10
        if len(kept) > self._ticks_max:
            lost = [kept.popleft() for _ in range(excess)]
            trades = sum(not isinstance(tick, QuoteTick) for _, tick in lost)
            self._trades_dropped += trades
            self._quotes_dropped += len(lost) - trades
            log.error("tape_dropped_trades", trades=trades, in_all=self._trades_dropped)
        self._told = kept


tape = Tape()
metrics.reading(
    "openfloor_tape_waiting_ticks",
    "Ticks on this process's tape that are not booked.",
    read=lambda: [((), tape.counts.waiting)],
)
BOOKED: Final = metrics.counter("openfloor_ticks_booked_total", "Ticks taken in.", "source")


def publish(ticks: Sequence[Tick], source: str) -> None:
    """Lay down `ticks` of the feed `source` on this process's tape, in their order."""
    tape.publish(ticks, source=source)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Book what lies on the tape until `stop`, at most every INTERVAL_SECONDS."""
    watch, looked = silence.Watch(), time.monotonic()
    while not stop.is_set():
        begun = time.monotonic()
        told = tape.take(wait_seconds=INTERVAL_SECONDS)
        try:
            _book(told)
        except BaseException:
            tape.put_back(told)
            raise
        if begun - looked >= LOOK_SECONDS and tape.sources:
            looked = begun
            watch.look(sources=tape.sources, now=timezone.now())
        beat()
        if tape.counts.waiting < BATCH_MAX:  # under load, what waits is booked at once
            stop.wait(max(0.0, begun + INTERVAL_SECONDS - time.monotonic()))


def _book(told: Sequence[Told]) -> None:
    for source, group in itertools.groupby(told, key=lambda each: each[0]):
        ticks = [tick for _, tick in group]
        try:
            services.accept(TickColumns.of(ticks), source=source, now=timezone.now())
        except (DataError, IntegrityError):
            _book_one_by_one(ticks, source=source)
        BOOKED.labels(source).inc(len(ticks))


def _book_one_by_one(ticks: Sequence[Tick], *, source: str) -> None:
    """Book each tick by itself, so that the one which the database refuses fails alone."""
    for tick in ticks:
        try:
            services.accept(TickColumns.of([tick]), source=source, now=timezone.now())
        except (DataError, IntegrityError):
            log.exception("tick_refused_by_the_database", source=source, tick=tick)
