"""The feeds from outside at work: a part of the program, in one process at a time.

It follows each market of each feed that is the source of an instrument, confirms the quotes that
stand, and writes down how each of them is doing.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from foundation import charge
from marketdata.arrival import tape
from marketdata.feeds import providers, standing
from marketdata.feeds.line import Line
from marketdata.feeds.models import FeedHealth
from marketdata.feeds.providers import Market, Provider
from marketdata.feeds.states import State
from marketdata.models import Instrument

JOB: Final = "feeds"
STANDBY_SECONDS: Final = 1.0
LOOK_SECONDS: Final = tape.HEARTBEAT_SECONDS * 0.8
RATE_OVER: Final = 20  # looks
DETAIL_LENGTH_MAX: Final = 200
LAG_MS_MAX: Final = 10**9

Key = tuple[str, Market]


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Follow the feeds until `stop`, while no other process does. Raises UnusableFeed."""
    configured = providers.configured()
    try:
        while not stop.is_set():
            if charge.take(JOB):
                _go_on(configured, stop, beat)
            beat()
            stop.wait(STANDBY_SECONDS)
    finally:
        charge.give_up(JOB)


def _go_on(
    configured: dict[str, Provider], stop: threading.Event, beat: Callable[[], None]
) -> None:
    following = Following(configured)
    try:
        while not stop.is_set():
            begun = time.monotonic()
            following.look(now=timezone.now())
            beat()
            stop.wait(max(0.0, begun + LOOK_SECONDS - time.monotonic()))
    finally:
        following.stop()


class _Followed:
    """A line, and what is remembered of it between two looks."""

    def __init__(self, line: Line, begun_at: datetime) -> None:
        self.line = line
        self.begun_at = begun_at
        self._told: deque[tuple[datetime, int]] = deque(maxlen=RATE_OVER)

    def write(self, now: datetime) -> None:
        line, counts = self.line, self.line.counts
        self._told.append((now, counts.messages))
        since, before = self._told[0]
        seconds = (now - since).total_seconds()
        live = {"live_at": now} if line.state is State.LIVE else {}
        FeedHealth.objects.update_or_create(
            feed=line.provider.name,
            market=line.market.value,
            defaults={
                **live,
                "state": line.state.value,
                "since": line.since,
                "heard_at": line.heard_at,
                "told_at": line.told_at,
                "symbols": len(line.wanted),
                "messages": counts.messages,
                "messages_per_second": (counts.messages - before) / seconds if seconds else 0.0,
                "malformed": counts.malformed,
                "reconnects": max(0, counts.connections - 1),
                "trades_filled": line.filler.trades_filled,
                "whole_until": line.whole_until,
                "lag_ms": None if line.lag is None else _milliseconds(line.lag),
                "counted_since": self.begun_at,
                "written_at": now,
                "detail": (line.detail or line.filler.detail)[:DETAIL_LENGTH_MAX],
            },
        )


def _milliseconds(lag: timedelta) -> int:
    """Return whole ones, as many as a column holds: a provider may tell any time."""
    return max(-LAG_MS_MAX, min(LAG_MS_MAX, round(lag.total_seconds() * 1000)))


class Following:
    """The lines that are needed now, and what is done about each."""

    def __init__(self, configured: dict[str, Provider]) -> None:
        self._configured = configured
        self._followed: dict[Key, _Followed] = {}
        self._trades_dropped = tape.tape.counts.trades_dropped

    def look(self, *, now: datetime) -> None:
        """Begin and end lines as instruments ask for; confirm, fill, halt, write down."""
        self._cast(now)
        counts = tape.tape.counts
        has_dropped = counts.trades_dropped != self._trades_dropped
        self._trades_dropped = counts.trades_dropped
        is_timely = counts.waiting < tape.BATCH_MAX
        for followed in self._followed.values():
            line = followed.line
            if line.failure is not None:
                raise line.failure
            if has_dropped:
                line.fill_again(now=now)
            if is_timely:
                line.note_timely(now=now, seconds=LOOK_SECONDS)
                standing.confirm(line.standing(now=now), source=line.provider.name, now=now)
            for status in line.take_statuses():
                standing.halt(status, source=line.provider.name)
            followed.write(now)

    def stop(self) -> None:
        for key in list(self._followed):
            self._end(key)

    def _cast(self, now: datetime) -> None:
        wanted: dict[Key, set[str]] = {}
        rows = Instrument.objects.filter(source__in=list(self._configured), tradable=True)
        for symbol, source, asset_class in rows.values_list("symbol", "source", "asset_class"):
            wanted.setdefault((source, Market(asset_class)), set()).add(symbol)
        for key in self._followed.keys() - wanted.keys():
            self._end(key)
            FeedHealth.objects.filter(feed=key[0], market=key[1].value).update(symbols=0)
        for key, symbols in wanted.items():
            is_new = key not in self._followed
            if is_new:
                self._followed[key] = _Followed(self._line(*key), now)
            self._followed[key].line.want(symbols)
            if is_new:
                self._followed[key].line.start()

    def _line(self, name: str, market: Market) -> Line:
        rows = FeedHealth.objects.filter(feed=name, market=market.value)
        whole_until = rows.values_list("whole_until", flat=True).first()
        provider = self._configured[name]
        return Line(provider, market, publish=tape.publish, whole_until=whole_until)

    def _end(self, key: Key) -> None:
        line = self._followed.pop(key).line
        line.stop()
        name, market = key
        FeedHealth.objects.filter(feed=name, market=market.value).update(
            state=State.LOST, since=timezone.now(), detail="Nobody follows it."
        )
