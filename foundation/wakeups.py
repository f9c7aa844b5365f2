"""Hints between parts and processes: look again, there may be news.

A hint carries no state and may be lost: whoever waits for one also looks by itself at an
interval. Sent inside a transaction, it goes out with the commit and not without it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final

import psycopg
import structlog
from django.db import connection
from psycopg import pq
from psycopg.conninfo import make_conninfo

from foundation import trips

log = structlog.get_logger(__name__)

# Whoever only listens would never notice that the other end has gone without a word.
KEEPALIVES: Final = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


class Channel(StrEnum):
    OUTBOX = "openfloor_outbox"
    VENUE_REPORTS = "openfloor_venue_reports"
    INBOX = "openfloor_inbox"
    ACTIVITY = "openfloor_activity"
    QUOTES = "openfloor_quotes"
    BARS = "openfloor_bars"
    REPLAY = "openfloor_replay"
    SWITCHES = "openfloor_switches"
    LETTERS = "openfloor_letters"
    TEXT_MESSAGES = "openfloor_text_messages"
    SIGN_INS = "openfloor_sign_ins"


def send(channel: Channel, payloads: Iterable[str] = ("",)) -> None:
    """Hint at news on `channel`, on commit; one hint for each distinct payload."""
    trips.gather(_HINT, [(channel.value, payload) for payload in payloads])


_HINT: Final = """SELECT pg_notify(channel, payload)
                    FROM unnest(%s::text[], %s::text[]) AS hint(channel, payload)"""


def conninfo(parameters: Mapping[str, Any]) -> str:
    """Return how the listener connects: as Django does, with keepalives and no role or limits.

    Of `parameters`, Django's and psycopg's own are left out; libpq knows the rest, such as sslmode.
    """
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - {"options"}
    given = {name: value for name, value in parameters.items() if name in known}
    return make_conninfo(**{**KEEPALIVES, **given})


class News:
    """What hints have named since it was last taken, for one who looks at nothing else.

    `came` is set while there is something to take.
    """

    def __init__(self, *, all_seconds: float) -> None:
        self.came: Final = threading.Event()
        self._all_seconds = all_seconds
        self._lock = threading.Lock()
        self._named: set[str] = set()
        self._all_due_at = float("-inf")

    def hear(self, payload: str) -> None:
        """Note a hint; one that names nothing means anything."""
        with self._lock:
            self._named.add(payload)
            self.came.set()

    def take(self) -> set[str] | None:
        """Return what was named since the last time; None when it may have been anything.

        That it is at the beginning, after a lost connection, and every `all_seconds`, so that a
        lost hint is made up for.
        """
        with self._lock:
            self.came.clear()
            named, self._named = self._named, set()
            if "" not in named and time.monotonic() < self._all_due_at:
                return named
            self._all_due_at = time.monotonic() + self._all_seconds
            return None

    def start_over(self) -> None:
        """Let it be anything the next time: for one who has not looked at all yet."""
        with self._lock:
            self._all_due_at = float("-inf")


@contextmanager
def hearing(*channels: Channel) -> Iterator[Callable[[float], bool]]:
    """Give what waits for the next hint on these, and tells whether one came in so many seconds.

    For a program that has no listener: it hears by a connection of its own.
    """
    where = conninfo(connection.get_connection_params())
    with psycopg.connect(where, autocommit=True) as listening:
        for channel in channels:
            listening.execute(f"LISTEN {channel.value}")
        yield lambda seconds: any(
            hint.channel in channels for hint in listening.notifies(timeout=seconds, stop_after=1)
        )


class Listener:
    """One connection of this process that hears every hint and tells those who wait.

    Subscribers are called on the listener's thread and must return at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: dict[Channel, list[Callable[[str], None]]] = {c: [] for c in Channel}

    def subscribe(self, channel: Channel, subscriber: Callable[[str], None]) -> None:
        with self._lock:
            self._subscribers[channel].append(subscriber)

    def unsubscribe(self, channel: Channel, subscriber: Callable[[str], None]) -> None:
        with self._lock:
            self._subscribers[channel].remove(subscriber)

    @contextmanager
    def event(self, *channels: Channel) -> Iterator[threading.Event]:
        """Give an event that every hint on `channels` sets; the one who waits clears it."""
        event = threading.Event()

        def subscriber(_payload: str) -> None:
            event.set()

        for channel in channels:
            self.subscribe(channel, subscriber)
        try:
            yield event
        finally:
            for channel in channels:
                self.unsubscribe(channel, subscriber)

    @contextmanager
    def news(self, channel: Channel, *, all_seconds: float) -> Iterator[News]:
        """Give what the hints on `channel` name; every `all_seconds` it may be anything."""
        news = News(all_seconds=all_seconds)
        self.subscribe(channel, news.hear)
        try:
            yield news
        finally:
            self.unsubscribe(channel, news.hear)

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Listen until `stop`; the supervisor starts it again if the connection is lost."""
        where = conninfo(connection.get_connection_params())
        with psycopg.connect(where, autocommit=True) as listening:
            for channel in Channel:
                listening.execute(f"LISTEN {channel.value}")
            self._tell_all()
            while not stop.is_set():
                for hint in listening.notifies(timeout=0.5):
                    self._tell(Channel(hint.channel), hint.payload)
                    if stop.is_set():
                        break
                beat()

    def _tell(self, channel: Channel, payload: str) -> None:
        with self._lock:
            subscribers = list(self._subscribers[channel])
        for subscriber in subscribers:
            subscriber(payload)

    def _tell_all(self) -> None:
        """After a new start: what was hinted at meanwhile is unknown, so everybody looks."""
        for channel in Channel:
            self._tell(channel, "")


listener = Listener()
