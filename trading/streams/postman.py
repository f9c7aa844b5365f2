"""Who brings news to the sockets of an event loop: one after the other, without a task for each.

To wake five hundred tasks costs more than what they have to say. So whoever can write at once is
called on in turn; only who cannot is woken, and waits in its own task until it can. Twice a second
the postman passes by everybody, so that who has heard nothing for long is greeted.

After a round the postman rests for as long as it took. So others have half of the event loop, and
news that comes faster than it can be brought makes frames longer, not more of them: a frame costs
what fifty differences in it do. News of what somebody has just asked for does not wait for that.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol
from weakref import WeakKeyDictionary

SLICE_SECONDS: Final = 0.005
"""As long may a round last until others have their turn on the event loop."""
ROUND_SECONDS: Final = 0.5
REST_SECONDS_MAX: Final = 0.05
LOOKED_AT_EVERY: Final = 16  # doors between two looks at the clock


class Door(Protocol):
    def deliver(self) -> None:
        """Take what is new."""

    def pass_by(self, now: float) -> None:
        """Do what is due by `now`, of `time.monotonic()`."""


class Postman:
    """Goes to each door that has called, in the order of the calls. On its loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._doors: deque[Door] = deque()
        self._inhabited: set[Door] = set()
        self._round: asyncio.TimerHandle | None = None
        self._begun_at = self._rested_at = 0.0
        self._waiting: list[Callable[[], None]] = []
        self._alarm: asyncio.TimerHandle | None = None

    def take_on(self, door: Door) -> None:
        """Pass by this door from now on."""
        self._inhabited.add(door)
        if self._round is None:
            self._round = self._loop.call_later(ROUND_SECONDS, self._go_round)

    def leave_out(self, door: Door) -> None:
        self._inhabited.discard(door)

    def call_at(self, door: Door) -> None:
        """Deliver at `door` once everything is marked that this turn of the loop has news of."""
        if not self._doors:
            self._begun_at = time.monotonic()
            self._loop.call_soon(self._go)
        self._doors.append(door)

    def when_rested(self, call: Callable[[], None]) -> None:
        """Call at once, or, while on a round or at rest from one, when that is over."""
        if not self._doors and time.monotonic() >= self._rested_at:
            call()
            return
        self._waiting.append(call)
        if not self._doors:
            self._await_the_end_of_rest()

    def _go(self) -> None:
        until = time.monotonic() + SLICE_SECONDS
        while self._doors:
            for _ in range(min(LOOKED_AT_EVERY, len(self._doors))):
                self._doors.popleft().deliver()
            if self._doors and time.monotonic() >= until:
                self._loop.call_soon(self._go)
                return
        self._rest()

    def _rest(self) -> None:
        now = time.monotonic()
        rest = min(now - self._begun_at, REST_SECONDS_MAX)
        # Somebody who has just come was a round of his own: it does not end the rest from another.
        self._rested_at = max(self._rested_at, now + rest)
        if self._waiting:
            self._await_the_end_of_rest()

    def _await_the_end_of_rest(self) -> None:
        if self._alarm is None:
            seconds = max(0.0, self._rested_at - time.monotonic())
            self._alarm = self._loop.call_later(seconds, self._set_out)

    def _set_out(self) -> None:
        self._alarm = None
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self._loop.call_soon(call)  # each by itself: should one fail, the others do not

    def _go_round(self) -> None:
        now, self._round = time.monotonic(), None
        for door in list(self._inhabited):
            door.pass_by(now)
        if self._inhabited:
            self._round = self._loop.call_later(ROUND_SECONDS, self._go_round)


_postmen: WeakKeyDictionary[asyncio.AbstractEventLoop, Postman] = WeakKeyDictionary()


def postman() -> Postman:
    """Return the one of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _postmen.get(loop)
    if found is None:
        found = _postmen[loop] = Postman(loop)
    return found
