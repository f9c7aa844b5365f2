"""What was read lately is read again only after a while: tables that change seldom.

A schedule of fees, the routes to venues: every order needs them, and people change them by day. A
process reads them anew at most every so many seconds, in one thread, whoever asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Reading(Generic[T]):
    """What `read` returned at most `age_seconds_max` ago.

    One thread reads at a time, and the others wait for it; with `waits_seconds_max` only when what
    was read before is older than that, and are else given the former: for what takes long to read.
    """

    def __init__(
        self,
        read: Callable[[], T],
        *,
        age_seconds_max: float,
        waits_seconds_max: float | None = None,
    ) -> None:
        self._read = read
        self._age_max = age_seconds_max
        self._former_age_max = waits_seconds_max or age_seconds_max
        self._lock = threading.Lock()
        self._seen: _Seen[T] | None = None
        self._forgotten = 0

    def latest(self) -> T:
        """Return what was read lately, after reading it anew if need be; raises what that does."""
        seen = self._seen
        if seen is not None and _age(seen) <= self._age_max:
            return seen.value
        if seen is None or _age(seen) > self._former_age_max:
            self._lock.acquire()
        elif not self._lock.acquire(blocking=False):
            return seen.value
        try:
            return self._renewed()
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Read anew the next time: for whoever has just changed it."""
        # What is being read meanwhile may have been read before the change.
        self._forgotten += 1
        self._seen = None

    def _renewed(self) -> T:
        seen = self._seen
        if seen is not None and _age(seen) <= self._age_max:
            return seen.value  # by another thread, while this one waited
        forgotten = self._forgotten
        value = self._read()
        if forgotten == self._forgotten:
            self._seen = _Seen(value, time.monotonic())
        return value


class _Seen(NamedTuple, Generic[T]):
    value: T
    at: float


def _age(seen: _Seen[T]) -> float:
    return time.monotonic() - seen.at
