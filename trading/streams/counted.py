"""The sockets of this process, for whoever watches: how many, and how much waits for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Protocol

from foundation import metrics

Labelled = Iterable[tuple[tuple[str, ...], float]]

OPENED: Final = metrics.counter("openfloor_sockets_opened_total", "Sockets opened.", "kind")
SLOW: Final = metrics.counter(
    "openfloor_sockets_slow_closed_total", "Sockets closed as their client took too slowly.", "kind"
)


class Counted(Protocol):
    kind: str

    @property
    def waiting(self) -> int:
        """How many things have news that the socket has not been sent."""


_open: Final[set[Counted]] = set()


def enter(socket: Counted) -> None:
    _open.add(socket)
    OPENED.labels(socket.kind).inc()


def leave(socket: Counted) -> None:
    _open.discard(socket)


def _count() -> Labelled:
    return [((kind,), count) for kind, count in Counter(each.kind for each in _all()).items()]


def _longest() -> Labelled:
    longest: dict[str, int] = {}
    for each in _all():
        longest[each.kind] = max(longest.get(each.kind, 0), each.waiting)
    return [((kind,), count) for kind, count in longest.items()]


def _waiting() -> Labelled:
    total: Counter[str] = Counter()
    for each in _all():
        total[each.kind] += each.waiting
    return [((kind,), count) for kind, count in total.items()]


def _all() -> list[Counted]:
    # In one call, at which no other thread has a turn.
    return list(_open)


metrics.reading("openfloor_sockets_open", "Sockets that are open now.", "kind", read=_count)
metrics.reading(
    "openfloor_sockets_waiting_symbols",
    "Symbols, and other matters, with news that waits to be sent, over all sockets.",
    "kind",
    read=_waiting,
)
metrics.reading(
    "openfloor_sockets_waiting_symbols_max",
    "The same for the one socket for which the most waits.",
    "kind",
    read=_longest,
)
