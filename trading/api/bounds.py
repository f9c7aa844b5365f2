"""Bounds on waiting, at the cost of a queue's entry each.

`asyncio.timeout` makes a timer for every wait and cancels it, though hardly one is ever needed.
Waits that are bounded alike end in the order in which they begin: one timer serves them all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Final


class Bound:
    """One wait of the current task: `with` raises TimeoutError once it lasts too long."""

    __slots__ = ("_is_over", "_task", "until")

    def __init__(self, until: float, task: asyncio.Task[object]) -> None:
        self.until: Final = until
        self._task: asyncio.Task[object] | None = task
        self._is_over = False

    @property
    def is_waiting(self) -> bool:
        return self._task is not None

    def end(self) -> None:
        """Take the task out of its wait, as its time is over."""
        if self._task is not None:
            self._is_over = True
            self._task.cancel()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if not self._is_over or task is None:
            return
        # Somebody else may want to cancel the task as well: then it is to end.
        if task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error


class Bounds:
    """The waits on one event loop that may last equally long, in seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._waits: deque[Bound] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Bound:
        """Return the bound of a wait of the current task that begins now."""
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("only a task can wait")
        bound = Bound(self._loop.time() + self._seconds, task)
        self._forget_ended()
        self._waits.append(bound)
        if self._timer is None:
            self._timer = self._loop.call_at(bound.until, self._look)
        return bound

    def _look(self) -> None:
        """End the waits that are over, and look again when the next one would be."""
        self._timer = None
        now = self._loop.time()
        while self._waits and (self._waits[0].until <= now or not self._waits[0].is_waiting):
            self._waits.popleft().end()
        if self._waits:
            self._timer = self._loop.call_at(self._waits[0].until, self._look)

    def _forget_ended(self) -> None:
        while self._waits and not self._waits[0].is_waiting:
            self._waits.popleft()
