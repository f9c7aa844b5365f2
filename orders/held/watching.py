"""Which held orders a price reaches, found without looking at the others. Pure.

A sell triggers as the price falls to its threshold, a buy as it rises. The threshold of a stop is
its stop price; that of a trailing stop lies its trail below the highest price so far, its mark
(for a buy: above the lowest). Buys are kept with the sign of every price turned, so that there is
one direction to think about: orders trigger as the price *falls*, and marks *rise*.

A price costs what it touches: the orders that it reaches, and the marks that it moves.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Context, Decimal
from typing import Final
from uuid import UUID

from venues.messages import Side

SLACK: Final = 64
"""What has gone is thrown out when it is more than what is there, and this."""

_EXACT: Final = Context(prec=60)  # no price times a percentage of ours has more digits
_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Watched:
    """A held order whose price is watched: prices after `since` count.

    It has one of `stop_price`, `trail_amount` (USD) and `trail_percent` (5 is five percent).
    """

    order_id: UUID
    account_id: UUID
    side: Side
    since: datetime
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    mark: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """The price has reached the threshold of this order, whose mark was `mark`."""

    order: Watched
    mark: Decimal | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The mark of this trailing stop is `mark` now."""

    order: Watched
    mark: Decimal


@dataclass(frozen=True, slots=True)
class Seen:
    """What a price did: the orders that it reached, in the order in which it passed them, are
    watched no longer."""

    reached: tuple[Reached, ...] = ()
    moved: tuple[Moved, ...] = ()


class Watching:
    """The watched orders of one instrument."""

    def __init__(self) -> None:
        self._entries: dict[UUID, _Entry] = {}
        self._young: list[_Entry] = []
        self._sides = {Side.BUY: _Falling(), Side.SELL: _Falling()}
        self._numbers = itertools.count(1)
        self._seen_at: datetime | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, order_id: UUID) -> bool:
        return order_id in self._entries

    @property
    def order_ids(self) -> frozenset[UUID]:
        return frozenset(self._entries)

    def watch(self, order: Watched) -> None:
        """Watch the order from the next price on; one that is watched already stays as it is.

        An order that is watched on other terms, or since another time, begins anew.
        """
        known = self._entries.get(order.order_id)
        if known is not None:
            if known.is_for(order):
                return
            self.forget(order.order_id)
        entry = _Entry(order, next(self._numbers))
        self._entries[order.order_id] = entry
        self._young.append(entry)

    def forget(self, order_id: UUID) -> None:
        """Watch the order no longer; nothing happens if it is not watched."""
        entry = self._entries.pop(order_id, None)
        if entry is None:
            return
        entry.is_live = False
        if not entry.is_young:
            self._sides[entry.order.side].note_gone()

    def take_young(self, order_ids: Iterable[UUID]) -> Watching:
        """Take out those of these orders that have seen no price yet, into a watching of their own.

        There they see prices that the others have seen already; then `take_back` them.
        """
        young = Watching()
        for order_id in order_ids:
            entry = self._entries.get(order_id)
            if entry is not None and entry.is_young:
                self.forget(order_id)
                young.watch(entry.order)
        return young

    def take_back(self, young: Watching, marks: Mapping[UUID, Decimal]) -> None:
        """Watch those that `young` still has, from the next price on, with their new marks."""
        for order_id, entry in young._entries.items():
            self.watch(replace(entry.order, mark=marks.get(order_id, entry.order.mark)))

    def see(self, price: Decimal, at: datetime) -> Seen:
        """Take in that the last trade was made at `price`, at `at`.

        The same price told again changes nothing, and one older than the latest is passed over.
        """
        if self._seen_at is not None and at < self._seen_at:
            return Seen()
        self._seen_at = at
        sells, buys = self._sides[Side.SELL], self._sides[Side.BUY]
        moved = self._admit(price, at)
        moved += sells.rise(price) + buys.rise(-price)
        reached = sells.fall(price) + buys.fall(-price)
        for entry, _ in reached:
            del self._entries[entry.order.order_id]
        return Seen(
            reached=tuple(Reached(entry.order, _unturned(entry, mark)) for entry, mark in reached),
            moved=tuple(
                Moved(entry.order, mark if entry.order.side is Side.SELL else -mark)
                for entry, mark in moved
            ),
        )

    def _admit(self, price: Decimal, at: datetime) -> list[tuple[_Entry, Decimal]]:
        """Let in those that were waiting for a price as late as `at`; return new marks."""
        if not self._young:
            return []
        ripe = [entry for entry in self._young if entry.is_live and entry.order.since < at]
        self._young = [e for e in self._young if e.is_live and e.order.since >= at]
        marked = []
        for entry in ripe:
            entry.is_young = False
            turned = price * entry.sign
            self._sides[entry.order.side].add(entry, turned)
            if entry.is_trailing and entry.order.mark is None:
                marked.append((entry, turned))
        return marked


class _Entry:
    """A watched order in the structures; dead ones are left lying until somebody comes by."""

    __slots__ = ("is_live", "is_young", "number", "order")

    def __init__(self, order: Watched, number: int) -> None:
        self.order = order
        self.number = number
        self.is_live = True
        self.is_young = True

    @property
    def sign(self) -> int:
        """Return what turns a price so that the order triggers as it falls."""
        return 1 if self.order.side is Side.SELL else -1

    @property
    def is_trailing(self) -> bool:
        return self.order.stop_price is None

    def is_for(self, order: Watched) -> bool:
        known = self.order
        return (
            known.since == order.since
            and known.stop_price == order.stop_price
            and known.trail_amount == order.trail_amount
            and known.trail_percent == order.trail_percent
        )


def _unturned(entry: _Entry, mark: Decimal | None) -> Decimal | None:
    return None if mark is None else mark * entry.sign


_Trail = tuple[Decimal, int, _Entry]


@dataclass(slots=True, eq=False)
class _Group:
    """The trailing stops of one mark: of each kind, the one with the smallest trail first."""

    mark: Decimal
    amounts: list[_Trail] = field(default_factory=list)
    percents: list[_Trail] = field(default_factory=list)
    place: int = 0
    """Which of its places in the line of groups is the valid one."""

    def __len__(self) -> int:
        return len(self.amounts) + len(self.percents)

    def add(self, entry: _Entry) -> None:
        amount, percent = entry.order.trail_amount, entry.order.trail_percent
        if amount is not None:
            heapq.heappush(self.amounts, (amount, entry.number, entry))
        elif percent is not None:
            heapq.heappush(self.percents, (percent, entry.number, entry))

    def entries(self) -> Iterator[_Entry]:
        for _, _, entry in itertools.chain(self.amounts, self.percents):
            if entry.is_live:
                yield entry

    def take_in(self, smaller: _Group) -> None:
        for entry in smaller.entries():
            self.add(entry)

    def frontier(self) -> Decimal | None:
        """Return the highest threshold of the group; None when nobody is left in it."""
        thresholds = [t for t, _ in (self._of_amounts(), self._of_percents()) if t is not None]
        return max(thresholds, default=None)

    def take(self, price: Decimal) -> Iterator[tuple[Decimal, _Entry]]:
        """Take out whom the price reaches, each with its threshold."""
        for nearest in (self._of_amounts, self._of_percents):
            while True:
                threshold, line = nearest()
                if threshold is None or threshold < price:
                    break
                yield threshold, heapq.heappop(line)[2]

    def _of_amounts(self) -> tuple[Decimal | None, list[_Trail]]:
        line = _without_dead_head(self.amounts)
        return (self.mark - line[0][0] if line else None), line

    def _of_percents(self) -> tuple[Decimal | None, list[_Trail]]:
        line = _without_dead_head(self.percents)
        if not line:
            return None, line
        # A turned mark is below zero, and its trail leads further down all the same.
        trail = _EXACT.divide(_EXACT.multiply(abs(self.mark), line[0][0]), _HUNDRED)
        return _EXACT.subtract(self.mark, trail), line


def _without_dead_head(line: list[_Trail]) -> list[_Trail]:
    while line and not line[0][2].is_live:
        heapq.heappop(line)
    return line


class _Falling:
    """Orders that trigger as the price falls, and the marks that rise with it."""

    def __init__(self) -> None:
        self._stops: list[_Trail] = []  # by threshold, the highest first
        self._groups: dict[Decimal, _Group] = {}  # by mark
        self._marks: list[Decimal] = []  # of the groups, the lowest first
        self._frontiers: list[tuple[Decimal, int, _Group]] = []  # the highest first
        self._places = itertools.count(1)
        self._live = self._gone = 0

    def add(self, entry: _Entry, price: Decimal) -> None:
        """Let the order in; a trailing stop without a mark gets `price` for one."""
        self._live += 1
        stop, mark = entry.order.stop_price, entry.order.mark
        if stop is not None:
            heapq.heappush(self._stops, (-stop * entry.sign, entry.number, entry))
            return
        group = self._group_at(price if mark is None else mark * entry.sign)
        group.add(entry)
        self._line_up(group)

    def note_gone(self) -> None:
        """Note that an order has died here; from time to time, throw out the dead."""
        self._live -= 1
        self._gone += 1
        if self._gone > self._live + SLACK:
            self._throw_out()

    def rise(self, price: Decimal) -> list[tuple[_Entry, Decimal]]:
        """Let the marks below `price` rise to it; return those who have a new one."""
        passed: list[_Group] = []
        while self._marks and self._marks[0] < price:
            group = self._groups.pop(heapq.heappop(self._marks), None)
            if group is not None:
                group.place = 0
                passed.append(group)
        moved = [(entry, price) for group in passed for entry in group.entries()]
        if not moved:
            return []
        standing = self._groups.get(price)
        meeting = [*passed, standing] if standing else passed
        largest, *others = sorted(meeting, key=len, reverse=True)
        for group in others:
            group.place = 0
            largest.take_in(group)
        largest.mark = price
        if standing is None:
            heapq.heappush(self._marks, price)
        self._groups[price] = largest
        self._line_up(largest)
        return moved

    def fall(self, price: Decimal) -> list[tuple[_Entry, Decimal | None]]:
        """Take out whom `price` reaches, with their marks, the nearest first."""
        found: list[tuple[Decimal, int, _Entry, Decimal | None]] = []
        while self._stops and -self._stops[0][0] >= price:
            turned, number, entry = heapq.heappop(self._stops)
            if entry.is_live:
                found.append((turned, number, entry, None))
        while self._frontiers and -self._frontiers[0][0] >= price:
            _, place, group = heapq.heappop(self._frontiers)
            if place != group.place:
                continue
            found += [(-at, e.number, e, group.mark) for at, e in group.take(price)]
            self._line_up(group)
        for _, _, entry, _ in found:
            entry.is_live = False
        self._live -= len(found)
        return [(entry, mark) for *_, entry, mark in sorted(found, key=lambda each: each[:2])]

    def _group_at(self, mark: Decimal) -> _Group:
        group = self._groups.get(mark)
        if group is None:
            group = self._groups[mark] = _Group(mark)
            heapq.heappush(self._marks, mark)
        return group

    def _line_up(self, group: _Group) -> None:
        """Give the group its place by its frontier, or let it go when nobody is left in it."""
        frontier = group.frontier()
        if frontier is None:
            group.place = 0
            del self._groups[group.mark]
            return
        group.place = next(self._places)
        heapq.heappush(self._frontiers, (-frontier, group.place, group))
        if len(self._frontiers) > 2 * len(self._groups) + SLACK:
            self._frontiers = [each for each in self._frontiers if each[1] == each[2].place]
            heapq.heapify(self._frontiers)
        if len(self._marks) > 2 * len(self._groups) + SLACK:
            self._marks = sorted(self._groups)

    def _throw_out(self) -> None:
        self._gone = 0
        self._stops = [each for each in self._stops if each[2].is_live]
        heapq.heapify(self._stops)
        for group in list(self._groups.values()):
            group.amounts = [each for each in group.amounts if each[2].is_live]
            group.percents = [each for each in group.percents if each[2].is_live]
            heapq.heapify(group.amounts)
            heapq.heapify(group.percents)
            self._line_up(group)
