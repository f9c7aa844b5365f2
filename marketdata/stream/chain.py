"""One instrument's chain of differences: made once, shared by all who follow it.

Each link is what changed since the one before, as bytes that say nothing of who reads them. Who
has the link before is sent the difference; who has not is sent the differences that it lacks, or
a snapshot where they are long or no longer kept: so a slow reader is sent the latest and never a
backlog, and nobody is sent a difference to what it does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from marketdata.stream.pictures import Picture, Units, Update
from marketdata.stream.varints import write_text, write_unsigned
from marketdata.stream.wire import IDS_MAX
from marketdata.stream.writing import write_updates

KEPT: Final = 24
"""Two seconds of rounds: who lacks more than that is not about to catch up by differences."""
SNAPSHOT_BYTES: Final = 200
"""Differences that are shorter are sent without a look at the snapshot, which would have to be made
for it: that takes as long as a frame, so that who is late already would be later by it."""


def _unsigned(number: int) -> bytes:
    out = bytearray()
    write_unsigned(out, number)
    return bytes(out)


HEADS: Final = tuple(_unsigned(number << 1) for number in range(IDS_MAX))
"""What a difference begins with, by the id that its reader has for the instrument."""


class Link:
    """The chain at one moment; whoever holds it may read it from any thread, and changes nothing.

    `differences` are the latest, the last of them the one that made this link.
    """

    # By hand: a frozen dataclass takes four times as long to make.
    def __init__(
        self,
        symbol: str,
        units: Units,
        sequence: int,
        picture: Picture,
        differences: tuple[bytes, ...],
    ) -> None:
        self.symbol = symbol
        self.units = units
        self.sequence = sequence
        self.picture = picture
        self.differences = differences

    @cached_property
    def snapshot(self) -> bytes:
        """The bytes that make an empty picture this one."""
        out = bytearray()
        write_unsigned(out, self.sequence)
        write_text(out, self.symbol)
        for unit in self.units:
            _write_unit(out, unit)
        return bytes(out) + write_updates(self.picture.updates(), Picture(), self.units)

    def entries(self, number: int, sequence: int) -> bytes:
        """Return what brings a reader from `sequence` (0: nothing) here, under its id `number`."""
        missing = self.sequence - sequence
        if missing == 0:
            return b""
        head = HEADS[number]
        if missing == 1 and self.differences:
            return head + self.differences[-1]
        if 0 < missing <= len(self.differences):
            together = head + head.join(self.differences[-missing:])
            if len(together) < SNAPSHOT_BYTES or len(together) <= len(self.snapshot):
                return together
        return _unsigned(number << 1 | 1) + self.snapshot


class Chain:
    """Written by one thread. `link` is its end, None before anything was said."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self.link: Link | None = None

    def advance(self, updates: Sequence[Update], units: Units) -> None:
        """Add a link of all `updates`, in their order; without any, only for other units.

        Other units than before begin anew: everybody is sent a snapshot. Raises ValueError, with
        the chain as it was, for what the stream cannot say.
        """
        end = self.link
        if end is not None and end.units == units:
            if updates:
                self.link = _next(end, updates)
            return
        picture = end.picture.copy() if end is not None else Picture()
        for update in updates:
            picture.take(update)
        if everything := picture.updates():
            write_updates(everything, Picture(), units)  # so that it can be said
            sequence = 1 if end is None else end.sequence + 1
            self.link = Link(self._symbol, units, sequence, picture, ())


def _next(end: Link, updates: Sequence[Update]) -> Link:
    picture, sequence = end.picture.copy(), end.sequence + 1
    difference = bytes([sequence & 0xFF]) + write_updates(updates, picture, end.units)
    differences = (*end.differences[1 - KEPT :], difference)
    return Link(end.symbol, end.units, sequence, picture, differences)


def _write_unit(out: bytearray, unit: int) -> None:
    """Append a unit as its digits after the point and the whole number that they make of it."""
    digits = 9
    while digits and unit % 10 == 0:
        unit //= 10
        digits -= 1
    out.append(digits)
    write_unsigned(out, unit)
