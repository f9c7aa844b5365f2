"""Where members hand in their requests and wait until the exchange has them in its journal."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from venues.exchange.commands import Enter

WAITING_MAX: Final = 10_000
AT_ONCE_MAX: Final = 512


class ExchangeUnavailable(RuntimeError):
    """The exchange is not running, or could not say that it has the request: ask again later.

    The request may have been taken all the same; entering it again is safe, as it drops repeats.
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """Requests that were handed in together, and who waits for them."""

    requests: Sequence[Enter]
    durable: Future[None] = field(default_factory=Future)


class Desk:
    """A bounded queue with a bell. Closed until the exchange opens it."""

    def __init__(self) -> None:
        self._bell = threading.Condition()
        self._entries: deque[Entry] = deque()
        self._waiting = 0
        self._is_open = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    def open(self) -> None:
        with self._bell:
            self._is_open = True

    def close(self) -> None:
        """Take no more, and send away those who wait."""
        with self._bell:
            self._is_open = False
            entries, self._entries, self._waiting = self._entries, deque(), 0
        fail(entries, "the exchange has closed its desk")

    def hand_in(self, requests: Sequence[Enter]) -> Future[None]:
        """Queue the requests; the future is done once they are durable.

        Raises ExchangeUnavailable.
        """
        entry = Entry(requests)
        with self._bell:
            if not self._is_open:
                raise ExchangeUnavailable("the exchange is not running")
            if self._waiting + len(requests) > WAITING_MAX:
                raise ExchangeUnavailable("the exchange has too many requests waiting")
            self._entries.append(entry)
            self._waiting += len(requests)
            self._bell.notify()
        return entry.durable

    def take(self, *, timeout: float) -> list[Entry]:
        """Return what waits, at most one cycle's worth; wait up to `timeout` seconds for it."""
        taken: list[Entry] = []
        with self._bell:
            if not self._entries and timeout > 0:
                self._bell.wait(timeout)
            count = 0
            while self._entries and (
                not taken or count + len(self._entries[0].requests) <= AT_ONCE_MAX
            ):
                entry = self._entries.popleft()
                count += len(entry.requests)
                taken.append(entry)
            self._waiting -= count
        return taken


def fail(entries: Sequence[Entry] | deque[Entry], sentence: str) -> None:
    """Tell those who wait for `entries` that they are left without an answer."""
    for entry in entries:
        entry.durable.set_exception(ExchangeUnavailable(sentence))
