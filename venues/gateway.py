"""The part that talks to venues: one loop for each that is enabled.

At least once, in order, outside any business transaction. One gateway a venue is at work, the
one that has its advisory lock; another waits until it gets the lock.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from django.conf import settings
from django.db import connection

from foundation import charge, wakeups
from foundation.wakeups import Channel
from venues.adapters import Adapter, EmbeddedExchange, VenueUnavailable
from venues.conversation import Conversation
from venues.line import Line
from venues.models import Venue

POLL_SECONDS: Final = 0.25
STANDBY_SECONDS: Final = 1.0
PAUSE_SECONDS_MIN: Final = 0.2
PAUSE_SECONDS_MAX: Final = 5.0
SILENCE_SECONDS_MAX: Final = 20.0  # no call to a venue takes more than ten
END_SECONDS_MAX: Final = 6.0


Configuration = tuple[str, str, str, str]
"""What a loop was made for: name, kind, address, member. Another one needs another loop."""


class LoopHangs(RuntimeError):
    """The loop of a venue shows no sign of life."""


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Serve every enabled venue until `stop`; raises what ended the loop of one of them."""
    loops: dict[Configuration, _Loop] = {}
    try:
        while not stop.is_set():
            _follow_the_table(loops)
            for loop in loops.values():
                loop.check()
            beat()
            stop.wait(STANDBY_SECONDS)
    finally:
        _end(loops.values())
        connection.close()


def serve(adapter: Adapter, stop: threading.Event, beat: Callable[[], None]) -> None:
    """Talk to the venue while it can be reached from here and no other gateway does."""
    try:
        with wakeups.listener.event(Channel.OUTBOX, Channel.VENUE_REPORTS) as news:
            while not stop.is_set():
                if adapter.is_reachable() and charge.take(_job(adapter)):
                    _talk(adapter, news, stop, beat)
                beat()
                stop.wait(STANDBY_SECONDS)
    finally:
        charge.give_up(_job(adapter))


class _Loop:
    """One venue's loop, in a thread of its own."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._stop = threading.Event()
        self._beaten_at = time.monotonic()
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"gateway-{adapter.venue}", daemon=True
        )
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the loop, or that it hangs."""
        if self._error is not None:
            raise self._error
        if time.monotonic() - self._beaten_at > SILENCE_SECONDS_MAX:
            raise LoopHangs(self._adapter.venue)

    def tell_to_stop(self) -> None:
        self._stop.set()

    def join(self, seconds_max: float) -> None:
        self._thread.join(seconds_max)

    def _run(self) -> None:
        try:
            serve(self._adapter, self._stop, self._beat)
        except BaseException as error:  # noqa: BLE001  whatever it is, `check` raises it
            self._error = error
        finally:
            connection.close()

    def _beat(self) -> None:
        self._beaten_at = time.monotonic()


def _follow_the_table(loops: dict[Configuration, _Loop]) -> None:
    """Have a loop for each enabled venue as it is configured now, and no other."""
    enabled = {
        (venue.name, venue.kind, venue.address, venue.member): venue
        for venue in Venue.objects.filter(is_enabled=True)
    }
    _end([loops.pop(former) for former in list(loops) if former not in enabled])
    for configuration, venue in enabled.items():
        if configuration not in loops:
            loops[configuration] = _Loop(_adapter_of(venue))


def _end(loops: Collection[_Loop]) -> None:
    for loop in loops:
        loop.tell_to_stop()
    deadline = time.monotonic() + END_SECONDS_MAX
    for loop in loops:
        loop.join(max(0.0, deadline - time.monotonic()))


def _adapter_of(venue: Venue) -> Adapter:
    if venue.kind == Venue.Kind.EMBEDDED:
        return EmbeddedExchange(venue.name)
    return Line(
        venue=venue.name,
        address=venue.address,
        member=venue.member,
        secret=settings.VENUE_SECRETS.get(venue.name, ""),
    )


def _talk(
    adapter: Adapter, news: threading.Event, stop: threading.Event, beat: Callable[[], None]
) -> None:
    conversation = Conversation(adapter, news.set)
    failures = 0
    try:
        while not stop.is_set() and adapter.is_reachable():
            news.clear()
            try:
                if not conversation.is_open:
                    conversation.open()
                may_have_more = conversation.go_on()
            except VenueUnavailable as error:
                conversation.lose(str(error))
                beat()
                stop.wait(_pause(failures))
                failures += 1
                continue
            failures = 0
            beat()
            if not may_have_more:
                news.wait(POLL_SECONDS)
        if stop.is_set():
            conversation.close()
        else:
            conversation.lose("the venue is out of reach")
    finally:
        adapter.close()
        charge.give_up(_job(adapter))


def _pause(failures: int) -> float:
    """Return how long to wait before the venue is tried again; with jitter, as others do too."""
    full = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2.0 ** min(failures, 10))
    return full * random.uniform(0.5, 1.0)  # noqa: S311  nobody gains by guessing it


def _job(adapter: Adapter) -> str:
    return f"gateway {adapter.venue}"
