"""Who wants to hear of which symbols: the sockets of every event loop of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable

from trading.streams.mailbox import Mailbox, on_loop

Put = Callable[[Mailbox, set[str]], None]


class Audience:
    """`put` lays into a mailbox which of its symbols there is news of."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._lock = threading.Lock()
        self._rooms: dict[asyncio.AbstractEventLoop, _Room] = {}

    @property
    def is_empty(self) -> bool:
        return not self._rooms

    @property
    def symbols(self) -> set[str]:
        """Return the symbols that anybody wants to hear of."""
        with self._lock:
            return {symbol for room in self._rooms.values() for symbol in room.symbols}

    def add(self, mailbox: Mailbox, symbols: Iterable[str]) -> None:
        with self._lock:
            self._rooms.setdefault(mailbox.loop, _Room()).add(mailbox, symbols)

    def remove(self, mailbox: Mailbox, symbols: Iterable[str]) -> None:
        with self._lock:
            room = self._rooms.get(mailbox.loop)
            if room is None:
                return
            room.remove(mailbox, symbols)
            if room.is_empty:
                del self._rooms[mailbox.loop]

    def tell(self, symbols: set[str]) -> None:
        """Tell every event loop that there is news of `symbols`."""
        if not symbols:
            return
        with self._lock:
            rooms = list(self._rooms.items())
        for loop, room in rooms:
            on_loop(loop, room.tell, symbols, self._put)


class _Room:
    """The sockets of one event loop, by symbol. Written on that loop only."""

    def __init__(self) -> None:
        self._interested: dict[str, set[Mailbox]] = {}

    @property
    def is_empty(self) -> bool:
        return not self._interested

    @property
    def symbols(self) -> Iterable[str]:
        return self._interested

    def add(self, mailbox: Mailbox, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._interested.setdefault(symbol, set()).add(mailbox)

    def remove(self, mailbox: Mailbox, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            interested = self._interested.get(symbol, set())
            interested.discard(mailbox)
            if not interested:
                self._interested.pop(symbol, None)

    def tell(self, symbols: set[str], put: Put) -> None:
        """Mark every socket that wants to know of one of `symbols`."""
        news: dict[Mailbox, set[str]] = {}
        for symbol in symbols:
            for mailbox in self._interested.get(symbol, ()):
                news.setdefault(mailbox, set()).add(symbol)
        for mailbox, changed in news.items():
            put(mailbox, changed)
