"""What the market said, by channel and symbol, for the sockets of compatible data clients.

Of quotes the latest counts. Trades, bars and statuses are told one by one and kept for a while, so
that a socket that was busy takes all of them, and one that lags behind what is kept is told so
instead of missing some.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from trading.api.wire import Json
from trading.streams.data_wire import EVERY, Channel, Message, Wanted
from trading.streams.mailbox import on_loop

KEPT_MAX: Final = 2_000  # of each symbol and channel, quotes apart


class Place(NamedTuple):
    """What a client subscribes to; EVERY as the symbol means all."""

    channel: Channel
    symbol: str


class Lagging(Exception):
    """Something that the socket had to be told is no longer kept."""


class Line:
    """What has been told of one symbol on one channel, the latest of it."""

    def __init__(self, channel: Channel) -> None:
        self._latest_counts = channel is Channel.QUOTES
        self._kept: deque[Message] = deque()
        self._lost = 0

    def tell(self, message: Message) -> None:
        self._kept.append(message)
        if len(self._kept) > (1 if self._latest_counts else KEPT_MAX):
            self._lost = self._kept.popleft().number

    def after(self, number: int, *, until: int) -> list[Message]:
        """Return the messages after `number` up to `until`; raises Lagging."""
        found = [each for each in tuple(self._kept) if number < each.number <= until]
        if self._lost > number and not self._latest_counts:
            raise Lagging
        return found


class Box:
    """What waits for one socket: where there is news. Used on its event loop only."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.news = asyncio.Event()
        self._begun: dict[Place, int] = {}  # after which number each is wanted
        self._changed: set[Place] = set()
        self._taken = self._until = 0

    @property
    def wanted(self) -> Wanted:
        return {
            channel: frozenset(place.symbol for place in self._begun if place.channel is channel)
            for channel in Channel
        }

    @property
    def places(self) -> set[Place]:
        return set(self._begun)

    def want(self, places: Iterable[Place], *, after: int) -> None:
        """Want these and nothing else; what is newly wanted begins after the number `after`."""
        self._begun = {place: self._begun.get(place, after) for place in places}

    def put(self, changed: Iterable[Place], *, until: int) -> None:
        """Note news up to the number `until`."""
        self._changed.update(changed)
        self._until = until
        self.news.set()

    def take(self, lines: Mapping[Place, Line]) -> list[Message]:
        """Return what is wanted and new, in order; raises Lagging."""
        self.news.clear()
        changed, self._changed = self._changed, set()
        taken, self._taken = self._taken, self._until
        found: list[Message] = []
        for place in changed:
            begun = [
                self._begun[wanted]
                for wanted in (place, Place(place.channel, EVERY))
                if wanted in self._begun
            ]
            if begun:
                found += lines[place].after(max(taken, min(begun)), until=self._until)
        return sorted(found, key=lambda each: each.number)


class _Room:
    """The boxes of one event loop, by what they want. Everything here runs on that loop."""

    def __init__(self) -> None:
        self._interested: dict[Place, set[Box]] = {}

    @property
    def is_empty(self) -> bool:
        return not self._interested

    def move(self, box: Box, places: set[Place]) -> None:
        for place in box.places - places:
            self._interested[place].discard(box)
            if not self._interested[place]:
                del self._interested[place]
        for place in places:
            self._interested.setdefault(place, set()).add(box)

    def tell(self, changed: Sequence[Place], until: int) -> None:
        news: dict[Box, list[Place]] = {}
        for place in changed:
            for wanted in (place, Place(place.channel, EVERY)):
                for box in self._interested.get(wanted, ()):
                    news.setdefault(box, []).append(place)
        for box, places in news.items():
            box.put(places, until=until)


class Told(NamedTuple):
    """Something new; `make` says it in the words of the wire, its time apart."""

    place: Place
    at: datetime
    make: Callable[[], Json]


class DataHub:
    """The lines of one market, and who hears them. One thread tells; sockets are on any loop."""

    def __init__(self) -> None:
        self.lines: dict[Place, Line] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._rooms: dict[asyncio.AbstractEventLoop, _Room] = {}

    @property
    def is_heard(self) -> bool:
        return bool(self._rooms)

    def subscribe(self, box: Box, places: set[Place]) -> None:
        """Let `box` hear of `places` from now on, and of nothing else."""
        with self._lock:
            room = self._rooms.setdefault(box.loop, _Room())
            room.move(box, places)
            if room.is_empty:
                del self._rooms[box.loop]
            box.want(places, after=self._number)

    def tell(self, news: Sequence[Told]) -> None:
        """Keep what is new, in this order, and let everybody who wants it know."""
        if not news:
            return
        with self._lock:
            for number, (place, at, make) in enumerate(news, start=self._number + 1):
                message = Message(number, place.channel, place.symbol, at, make)
                self.lines.setdefault(place, Line(place.channel)).tell(message)
            self._number += len(news)
            rooms, until = list(self._rooms.items()), self._number
        changed = list({each.place for each in news})
        for loop, room in rooms:
            on_loop(loop, room.tell, changed, until)
