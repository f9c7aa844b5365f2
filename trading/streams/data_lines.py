"""What the market said, by channel and symbol, for the sockets of compatible data clients.

Of quotes the latest counts. Trades, bars and statuses are told one by one and kept for a while, so
that a socket that was busy takes all of them, and one that lags behind what is kept is told so
instead of missing some.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from trading.api.wire import Json
from trading.streams.audience import Audience
from trading.streams.data_wire import EVERY, Channel, Message, Wanted

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

    def after(self, number: int) -> list[Message]:
        """Return the messages after `number`; raises Lagging."""
        found = [each for each in tuple(self._kept) if number < each.number]
        if self._lost > number and not self._latest_counts:
            raise Lagging
        return found


class Box:
    """What waits for one socket: where there is news. Used on its event loop only."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.news = asyncio.Event()
        self._wanted: dict[Place, int] = {}  # after which number
        self._taken: dict[Place, int] = {}  # the number of the last that was taken
        self._changed: set[Place] = set()

    @property
    def wanted(self) -> Wanted:
        return {
            channel: frozenset(place.symbol for place in self._wanted if place.channel is channel)
            for channel in Channel
        }

    @property
    def places(self) -> set[Place]:
        return set(self._wanted)

    @property
    def waiting(self) -> int:
        """In how many places there is news that was not taken."""
        return len(self._changed)

    def want(self, places: Iterable[Place], *, after: int) -> None:
        """Want these and nothing else; what is newly wanted begins after the number `after`."""
        self._wanted = {place: self._wanted.get(place, after) for place in places}

    def put(self, changed: Iterable[Place]) -> None:
        """Note where there is news."""
        self._changed.update(changed)
        self.news.set()

    def take(self, lines: Mapping[Place, Line]) -> list[Message]:
        """Return what is wanted and new, in order; raises Lagging."""
        self.news.clear()
        changed, self._changed = self._changed, set()
        found: list[Message] = []
        for place in changed:
            begun = [self._wanted[each] for each in (place, *_every(place)) if each in self._wanted]
            if begun:
                new = lines[place].after(max(self._taken.get(place, 0), min(begun)))
                found += new
                if new:
                    self._taken[place] = new[-1].number
        return sorted(found, key=lambda each: each.number)


def _every(place: Place) -> tuple[Place, ...]:
    return (Place(place.channel, EVERY),)


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
        self._audience: Audience[Box, Place] = Audience(Box.put, _every)

    @property
    def is_heard(self) -> bool:
        return not self._audience.is_empty

    def subscribe(self, box: Box, places: set[Place]) -> None:
        """Let `box` hear of `places` from now on, and of nothing else."""
        self._audience.remove(box, box.places - places)
        self._audience.add(box, places - box.places)
        box.want(places, after=self._number)

    def tell(self, news: Sequence[Told]) -> None:
        """Keep what is new, in this order, and let everybody who wants it know."""
        for place, at, make in news:
            self._number += 1
            message = Message(self._number, place.channel, place.symbol, at, make)
            self.lines.setdefault(place, Line(place.channel)).tell(message)
        self._audience.tell({each.place for each in news})
