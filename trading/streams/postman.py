"""Who brings news to the sockets of an event loop: one after the other, without a task for each.

To wake five hundred tasks costs more than what they have to say. So whoever can write at once is
called on in turn; only who cannot is woken, and waits in its own task until it can. Twice a second
the postman passes by everybody, so that who has heard nothing for long is greeted.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final, Protocol
from weakref import WeakKeyDictionary

SLICE_SECONDS: Final = 0.005
"""As long may a round last until others have their turn on the event loop."""
ROUND_SECONDS: Final = 0.5
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
            self._loop.call_soon(self._go)
        self._doors.append(door)

    def _go(self) -> None:
        until = time.monotonic() + SLICE_SECONDS
        while self._doors:
            for _ in range(min(LOOKED_AT_EVERY, len(self._doors))):
                self._doors.popleft().deliver()
            if self._doors and time.monotonic() >= until:
                self._loop.call_soon(self._go)
                return

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
