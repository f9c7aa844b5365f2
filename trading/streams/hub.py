"""Prices from the tables to every socket of this process: read once, encoded once, shared.

One thread reads what changed, at most ten times a second, and keeps the text of every quote.
It tells each event loop which symbols have news; there the sockets that subscribed to them
are marked, and each one's own task makes its next frame of the texts as they are by then.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from django.utils import timezone

from foundation import wakeups
from marketdata import selectors
from marketdata.models import Quote
from trading.streams import desk, encoding
from trading.streams.mailbox import Mailbox, on_loop

INTERVAL_SECONDS: Final = 0.1  # between two rounds, so between two frames to a socket
LOOK_SECONDS: Final = 0.2  # between two looks without a hint: a stale quote shows within this
PAGE: Final = 5_000  # quotes read at a time


class Room:
    """The sockets of one event loop, by symbol. Everything here runs on that loop."""

    def __init__(self) -> None:
        self._interested: dict[str, set[Mailbox]] = {}

    @property
    def is_empty(self) -> bool:
        return not self._interested

    def add(self, mailbox: Mailbox, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._interested.setdefault(symbol, set()).add(mailbox)

    def remove(self, mailbox: Mailbox, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            interested = self._interested.get(symbol, set())
            interested.discard(mailbox)
            if not interested:
                self._interested.pop(symbol, None)

    def tell(self, symbols: set[str]) -> None:
        """Mark every socket that wants to know of one of `symbols`."""
        news: dict[Mailbox, set[str]] = {}
        for symbol in symbols:
            for mailbox in self._interested.get(symbol, ()):
                news.setdefault(mailbox, set()).add(symbol)
        for mailbox, changed in news.items():
            mailbox.put_quotes(changed)


class Hub:
    """The latest quote of every instrument as text, and who wants to hear of which."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rooms: dict[asyncio.AbstractEventLoop, Room] = {}
        self._quotes: dict[UUID, Quote] = {}
        self._stale: set[UUID] = set()
        self._entries: dict[str, str] = {}
        self._sequence = 0

    def subscribe(self, mailbox: Mailbox, symbols: set[str]) -> None:
        """Send `mailbox` the quotes of `symbols` as they are, and from now on as they change."""
        with self._lock:
            room = self._rooms.setdefault(mailbox.loop, Room())
        room.add(mailbox, symbols)
        mailbox.symbols |= symbols
        mailbox.put_quotes(symbols)

    def unsubscribe(self, mailbox: Mailbox, symbols: set[str]) -> None:
        mailbox.symbols -= symbols
        with self._lock:
            room = self._rooms.get(mailbox.loop)
            if room is None:
                return
            room.remove(mailbox, symbols)
            if room.is_empty:
                del self._rooms[mailbox.loop]

    def entries(self, symbols: Iterable[str]) -> list[str]:
        """Return the texts of those of `symbols` that have a quote."""
        return [entry for symbol in symbols if (entry := self._entries.get(symbol)) is not None]

    def look(self) -> tuple[set[str], list[Quote]]:
        """Read what is new, and what has grown stale or fresh.

        Returns the symbols concerned, and the quotes that are new.
        """
        now = timezone.now()
        touched: set[UUID] = set()
        while page := selectors.quotes_since(self._sequence, limit=PAGE):
            self._sequence = page[-1].sequence
            for quote in page:
                self._quotes[quote.instrument_id] = quote
                touched.add(quote.instrument_id)
            if len(page) < PAGE:
                break
        news = [self._quotes[each] for each in touched]
        stale = selectors.stale_instruments(now=now)
        touched |= (stale ^ self._stale) & self._quotes.keys()
        self._stale = stale
        symbols = set()
        for instrument_id in touched:
            quote = self._quotes[instrument_id]
            entry = encoding.quote(quote, is_stale=instrument_id in stale)
            self._entries[quote.instrument.symbol] = entry
            symbols.add(quote.instrument.symbol)
        return symbols, news

    def tell(self, symbols: set[str]) -> None:
        """Tell every event loop that there is news of `symbols`."""
        with self._lock:
            rooms = list(self._rooms.items())
        for loop, room in rooms:
            on_loop(loop, room.tell, symbols)


hub = Hub()


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Carry prices from the tables to this process's sockets until `stop`."""
    with wakeups.listener.event(wakeups.Channel.QUOTES) as news:
        while not stop.is_set():
            begun = time.monotonic()
            news.clear()
            symbols, quotes = hub.look()
            if symbols:
                hub.tell(symbols)
            if quotes:
                desk.desk.prices_moved(quotes)
            beat()
            stop.wait(max(0.0, begun + INTERVAL_SECONDS - time.monotonic()))
            news.wait(max(0.0, begun + LOOK_SECONDS - time.monotonic()))
