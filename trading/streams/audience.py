"""Who wants to hear of what: the sockets of every event loop of this process, by topic."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import partial
from typing import Generic, Protocol, TypeVar

from trading.streams.mailbox import on_loop
from trading.streams.postman import postman


class Member(Hashable, Protocol):
    """What waits for one socket, on its event loop."""

    loop: asyncio.AbstractEventLoop


M = TypeVar("M", bound=Member)
T = TypeVar("T", bound=Hashable)


class Audience(Generic[M, T]):
    """`put` lays into a member of which topics there is news, among those that it wants.

    `names` are what a topic can be wanted by besides itself. An audience that `is_paced` is told
    when the postman can bring it, and until then of nothing: news is looked through once a round.
    """

    def __init__(
        self,
        put: Callable[[M, set[T]], None],
        names: Callable[[T], tuple[T, ...]] | None = None,
        *,
        is_paced: bool = False,
    ) -> None:
        self._put = put
        self._names = names
        self._is_paced = is_paced
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

    def tell(self, topics: set[T]) -> None:
        """Tell every event loop that there is news of `topics`."""
        if not topics:
            return
        with self._lock:
            rooms = list(self._rooms.items())
        for loop, room in rooms:
            on_loop(loop, self._collect if self._is_paced else self._tell, room, topics)

    def _collect(self, room: _Room[M, T], topics: set[T]) -> None:
        is_first, room.untold = not room.untold, room.untold | topics
        if is_first:
            postman().when_rested(partial(self._tell_collected, room))

    def _tell_collected(self, room: _Room[M, T]) -> None:
        topics, room.untold = room.untold, set()
        self._tell(room, topics)

    def _tell(self, room: _Room[M, T], topics: set[T]) -> None:
        """Mark every member of this loop that wants to know of one of `topics`."""
        if self._names is None:
            news = room.news(topics)
        else:
            news = room.named_news({topic: (topic, *self._names(topic)) for topic in topics})
        for member, changed in news.items():
            self._put(member, changed)


class _Room(Generic[M, T]):
    """The members of one event loop, by topic. Written on that loop only."""

    def __init__(self) -> None:
        self.interested: dict[T, set[M]] = {}
        self.untold: set[T] = set()  # of which the postman was not free to bring news
        self._wants: dict[M, set[T]] = {}

    @property
    def is_empty(self) -> bool:
        return not self.interested

    @property
    def topics(self) -> Iterable[T]:
        return self.interested

    def add(self, member: M, topics: Iterable[T]) -> None:
        self._wants.setdefault(member, set()).update(topics)
        for topic in topics:
            self.interested.setdefault(topic, set()).add(member)

    def remove(self, member: M, topics: Iterable[T]) -> None:
        wants = self._wants.get(member, set())
        wants.difference_update(topics)
        if not wants:
            self._wants.pop(member, None)
        for topic in topics:
            interested = self.interested.get(topic, set())
            interested.discard(member)
            if not interested:
                self.interested.pop(topic, None)

    def news(self, topics: set[T]) -> dict[M, set[T]]:
        """Return what of `topics` each member wants to hear of, of those who want any."""
        interested = sum(len(self.interested.get(topic, ())) for topic in topics)
        if interested <= len(self._wants):
            return self.named_news({topic: (topic,) for topic in topics})
        # Of much at once, as when everything moves, every member is asked once and not each topic.
        return {
            member: changed for member, wants in self._wants.items() if (changed := wants & topics)
        }

    def named_news(self, names: Mapping[T, Iterable[T]]) -> dict[M, set[T]]:
        """Return of which of these topics each member wants to hear, by any of their names."""
        news: dict[M, set[T]] = {}
        for topic, wanted in names.items():
            for name in wanted:
                for member in self.interested.get(name, ()):
                    changed = news.get(member)
                    if changed is None:
                        news[member] = {topic}
                    else:
                        changed.add(topic)
        return news
