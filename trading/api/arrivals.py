"""Answers of the intake on their way to the event loop: a whole batch in one call.

The intake answers a batch at once, from its own thread. To wake the loop for every answer costs a
system call each, at which the writer gives Python's lock away and waits to get it back, while the
loop has the next request to read: together they then do half of what they could.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Arrivals:
    """What has been answered and not been delivered on this loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: deque[asyncio.Future[None]] = deque()
        self._is_called = False

    def of(self, entered: Future[T]) -> asyncio.Future[None]:
        """Return what is done on the loop once `entered` is done."""
        arrival: asyncio.Future[None] = self._loop.create_future()
        entered.add_done_callback(lambda _: self._note(arrival))
        return arrival

    def _note(self, arrival: asyncio.Future[None]) -> None:
        # First the arrival, then the look: one that is missed here is delivered with those before.
        self._arrived.append(arrival)
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_called = False
        while self._arrived:
            arrival = self._arrived.popleft()
            if not arrival.done():
                arrival.set_result(None)
