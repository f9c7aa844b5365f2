"""The write-ahead log as arithmetic: positions, segments, timelines, and what a restore needs.

A position (LSN) is a number of bytes since the cluster was made. The log is kept in segments of
16 MB. Each restore or promotion begins another timeline, which shares the log of its parent up
to the position where it forked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Self

SEGMENT_BYTES: Final = 16 * 1024 * 1024
_SEGMENTS_OF_A_LOG: Final = 0x1_0000_0000 // SEGMENT_BYTES
_NAME: Final = re.compile(r"[0-9A-F]{24}")


class UnreadablePosition(ValueError):
    """It is no position or segment of a log."""


class WalMissing(LookupError):
    """The log has a hole: the text names it, `before` has what leads up to it."""

    def __init__(self, hole: str, before: Sequence[Segment] = ()) -> None:
        super().__init__(hole)
        self.before = tuple(before)


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A file of the log: the `number`th of the cluster, as `timeline` wrote it."""

    timeline: int
    number: int

    @classmethod
    def named(cls, name: str) -> Self:
        """Raises UnreadablePosition."""
        if not _NAME.fullmatch(name):
            raise UnreadablePosition(name)
        timeline, log, part = (int(name[at : at + 8], 16) for at in (0, 8, 16))
        if part >= _SEGMENTS_OF_A_LOG:
            raise UnreadablePosition(name)
        return cls(timeline, log * _SEGMENTS_OF_A_LOG + part)

    @property
    def name(self) -> str:
        log, part = divmod(self.number, _SEGMENTS_OF_A_LOG)
        return f"{self.timeline:08X}{log:08X}{part:08X}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A timeline for as long as it leads to another: up to `ends_at`, or for ever."""

    timeline: int
    ends_at: int | None = None


Lineage = Sequence[Stretch]
"""A timeline's ancestors and itself, the oldest first."""


def position(text: str) -> int:
    """Return the position that PostgreSQL writes as 0/3000028. Raises UnreadablePosition."""
    high, slash, low = text.partition("/")
    try:
        if not slash:
            raise ValueError
        return (int(high, 16) << 32) + int(low, 16)
    except ValueError:
        raise UnreadablePosition(text) from None


def number_of(lsn: int) -> int:
    """Return the number of the segment in which the byte at `lsn` lies."""
    return lsn // SEGMENT_BYTES


def lineage(timeline: int, history: str = "") -> tuple[Stretch, ...]:
    """Return where `timeline` comes from, as its history file tells it; the first has none."""
    found = []
    for line in history.splitlines():
        words = line.split()
        if words and words[0].isdigit():
            found.append(Stretch(int(words[0]), position(words[1])))
    return (*found, Stretch(timeline))


def leads_through(path: Lineage, *, timeline: int, lsn: int) -> bool:
    """Does this lineage have in it what `timeline` had written up to `lsn`?"""
    return any(
        each.timeline == timeline and (each.ends_at is None or lsn <= each.ends_at) for each in path
    )


def needed(path: Lineage, *, begin: int, there: Collection[Segment]) -> list[Segment]:
    """Return what of the segments that are `there` a restore along `path` from `begin` reads.

    Each as the youngest timeline wrote it, up to the last. Raises WalMissing when one in between
    is not there.
    """
    found: list[Segment] = []
    numbers = sorted(s.number for s in there if _counts(path, s) and s.number >= number_of(begin))
    for number in range(number_of(begin), numbers[-1] + 1 if numbers else 0):
        segment = Segment(_youngest(path, number), number)
        if segment not in there:
            beyond = next(each for each in numbers if each > number)
            last = Segment(_youngest(path, beyond - 1), beyond - 1)
            raise WalMissing(_hole(segment, last), found)
        found.append(segment)
    return found


def _counts(path: Lineage, segment: Segment) -> bool:
    return segment.timeline == _youngest(path, segment.number)


def _youngest(path: Lineage, number: int) -> int:
    """Return the timeline whose file of this number a restore reads: that of the last to fork."""
    for each, parent in zip(reversed(path), (*reversed(path[:-1]), None), strict=True):
        if parent is None or parent.ends_at is None or number >= number_of(parent.ends_at):
            return each.timeline
    raise UnreadablePosition("a lineage has one timeline at the least")


def _hole(first: Segment, last: Segment) -> str:
    if first == last:
        return f"segment {first.name} of the log is missing"
    return f"segments {first.name} to {last.name} of the log are missing"
