"""Who wants to hear of what: the sockets of every event loop of this process, by topic."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Generic, Protocol, TypeVar

from trading.streams.mailbox import on_loop


class Member(Hashable, Protocol):
    """What waits for one socket, on its event loop."""

    loop: asyncio.AbstractEventLoop


M = TypeVar("M", bound=Member)
T = TypeVar("T", bound=Hashable)


class Audience(Generic[M, T]):
    """`put` lays into a member of which topics there is news, among those that it wants.

    `names` are what a topic can be wanted by besides itself.
    """

    def __init__(
        self, put: Callable[[M, set[T]], None], names: Callable[[T], tuple[T, ...]] = lambda _: ()
    ) -> None:
        self._put = put
        self._names = names
        self._lock = threading.Lock()
        self._rooms: dict[asyncio.AbstractEventLoop, _Room[M, T]] = {}

    @property
    def is_empty(self) -> bool:
        return not self._rooms

    @property
    def topics(self) -> set[T]:
        """Return what anybody wants to hear of."""
        with self._lock:
            return {topic for room in self._rooms.values() for topic in room.topics}

    def add(self, member: M, topics: Collection[T]) -> None:
        if not topics:
            return
        with self._lock:
            self._rooms.setdefault(member.loop, _Room()).add(member, topics)

    def remove(self, member: M, topics: Iterable[T]) -> None:
        with self._lock:
            room = self._rooms.get(member.loop)
            if room is None:
                return
            room.remove(member, topics)
            if room.is_empty:
                del self._rooms[member.loop]

    def tell(self, topics: Collection[T]) -> None:
        """Tell every event loop that there is news of `topics`."""
        if not topics:
            return
        with self._lock:
            rooms = list(self._rooms.items())
        for loop, room in rooms:
            on_loop(loop, self._tell, room, topics)

    def _tell(self, room: _Room[M, T], topics: Iterable[T]) -> None:
        """Mark every member of this loop that wants to know of one of `topics`."""
        news: dict[M, set[T]] = {}
        for topic in topics:
            for wanted in (topic, *self._names(topic)):
                for member in room.interested.get(wanted, ()):
                    changed = news.get(member)
                    if changed is None:
                        news[member] = {topic}
                    else:
                        changed.add(topic)
        for member, changed in news.items():
            self._put(member, changed)


class _Room(Generic[M, T]):
    """The members of one event loop, by topic. Written on that loop only."""

    def __init__(self) -> None:
        self.interested: dict[T, set[M]] = {}

    @property
    def is_empty(self) -> bool:
        return not self.interested

    @property
    def topics(self) -> Iterable[T]:
        return self.interested

    def add(self, member: M, topics: Iterable[T]) -> None:
        for topic in topics:
            self.interested.setdefault(topic, set()).add(member)

    def remove(self, member: M, topics: Iterable[T]) -> None:
        for topic in topics:
            interested = self.interested.get(topic, set())
            interested.discard(member)
            if not interested:
                self.interested.pop(topic, None)
