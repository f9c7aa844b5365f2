"""One line of how it goes: how well, in words, and the page where it is worked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SHOWN_MAX: Final = 6


class Level(StrEnum):
    """The worst comes last; NONE is what there is nothing to say of."""

    NONE = "none"
    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Line:
    """How something stands: `says` in words, `note` what is known besides, `link` where to go."""

    name: str
    level: Level
    says: str
    link: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together, the worst first; `more` lines are not shown."""

    name: str
    lines: Sequence[Line]
    more: int = 0


def group(name: str, lines: Sequence[Line], *, shown_max: int = SHOWN_MAX) -> Group:
    """Return the worst of the lines as a group: a page stays a page with a hundred venues."""
    order = tuple(Level)
    found = sorted(lines, key=lambda each: -order.index(each.level))
    return Group(name, found[:shown_max], more=max(len(found) - shown_max, 0))


def age(of: datetime, now: datetime) -> str:
    """Return how long ago that was, in one unit: "0.4 s", "12 min", "3 days"."""
    return spoken(now - of)


def spoken(time: timedelta) -> str:
    """Return a span in one unit; one that is negative, by clocks that differ, is none."""
    seconds = max(time.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    for most, unit, name in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < most:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds // 86_400:,.0f} days"
