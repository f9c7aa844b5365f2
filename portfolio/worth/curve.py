"""How the worth of an account went: windows of time, and what it was worth at the end of each.

Pure. Between two marks an account was worth what the first of them says; marks are written where
something moved. What was paid in is kept with every mark, so that profit is a difference:

    profit(mark, base) = (mark.equity - base.equity) - (mark.paid_in - base.paid_in)
"""

from __future__ import annotations

import bisect
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from marketdata import calendars
from marketdata.calendars import NEW_YORK, Session

ZERO: Final = Decimal(0)
_EARLY_BEGINS: Final = time(4)
_LATE_LASTS: Final = timedelta(hours=4)


class Timeframe(StrEnum):
    MINUTE = "1Min"
    FIVE_MINUTES = "5Min"
    QUARTER = "15Min"
    HOUR = "1H"
    DAY = "1D"


SPANS: Final[Mapping[Timeframe, timedelta]] = {
    Timeframe.MINUTE: timedelta(minutes=1),
    Timeframe.FIVE_MINUTES: timedelta(minutes=5),
    Timeframe.QUARTER: timedelta(minutes=15),
    Timeframe.HOUR: timedelta(hours=1),
}


class Hours(StrEnum):
    """Which hours of a day are told of."""

    REGULAR = "market_hours"
    EXTENDED = "extended_hours"
    ALL = "continuous"


@dataclass(frozen=True, slots=True)
class Mark:
    """What an account was worth at a moment, and all that had been paid in until then."""

    at: datetime
    equity: Decimal
    paid_in: Decimal


NOTHING: Final = Mark(at=datetime.min.replace(tzinfo=UTC), equity=ZERO, paid_in=ZERO)
"""What an account was worth before anything was known of it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time on one day of New York, from `start` up to, and not at, `end`."""

    day: date
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """A window with the mark at its end, and the profit until then.

    `profit_ratio` is of what was at stake: the base and what was paid in since; None where that
    is nothing.
    """

    window: Window
    mark: Mark
    profit: Decimal
    profit_ratio: Decimal | None


def windows(
    timeframe: Timeframe, *, calendar: str, hours: Hours, start: datetime, end: datetime
) -> list[Window]:
    """Return the windows that begin from `start` up to `end`, in order.

    Those of a day begin with the session, and its last may be shorter; days that the calendar
    has no session on are left out, but for all hours of every day.
    """
    first, last = calendars.date_of(start), calendars.date_of(end)
    kept = calendars.ALWAYS if hours is Hours.ALL else calendar
    found = calendars.sessions(kept, first=first, last=last)
    if timeframe is Timeframe.DAY:
        days = (_whole_day(each.date) for each in found)
        return [each for each in days if each.end > start and each.start <= end]
    span = SPANS[timeframe]
    return [
        window
        for session in found
        for window in _cut(_widened(session, hours, calendar), span)
        if start <= window.start <= end
    ]


def samples(
    of: Iterable[Window], marks: Sequence[Mark], *, base: Mark, resets_daily: bool = False
) -> list[Sample]:
    """Return what `marks`, in the order of time, say of these windows.

    Profit is counted from `base`, or with `resets_daily` from the last mark before each window's
    day began.
    """
    times = [mark.at for mark in marks]

    def at_last(at: datetime) -> Mark:
        place = bisect.bisect_right(times, at)
        return marks[place - 1] if place else base

    bases: dict[date, Mark] = {}
    found = []
    for window in of:
        mark, since = at_last(window.end), base
        if resets_daily:
            if window.day not in bases:
                bases[window.day] = at_last(calendars.midnight(window.day))
            since = bases[window.day]
        found.append(_sample(window, mark, since))
    return found


def _sample(window: Window, mark: Mark, base: Mark) -> Sample:
    paid_in = mark.paid_in - base.paid_in
    profit, at_stake = mark.equity - base.equity - paid_in, base.equity + paid_in
    return Sample(window, mark, profit, profit / at_stake if at_stake > 0 else None)


def _whole_day(day: date) -> Window:
    return Window(day, calendars.midnight(day), calendars.midnight(day + timedelta(days=1)))


def _widened(session: Session, hours: Hours, calendar: str) -> Session:
    if hours is not Hours.EXTENDED or calendar == calendars.ALWAYS:
        return session
    early = datetime.combine(session.date, _EARLY_BEGINS, NEW_YORK)
    return Session(session.date, early, session.close + _LATE_LASTS)


def _cut(session: Session, span: timedelta) -> Iterator[Window]:
    start = session.open
    while start < session.close:
        end = min(start + span, session.close)
        yield Window(session.date, start, end)
        start = end


# --- Periods -------------------------------------------------------------------------------------


def moved(day: date, *, count: int, unit: str) -> date:
    """Return `day` moved by days (D), weeks (W), months (M) or years (A).

    The 31st of March less one month is the last of February.
    """
    if unit in "DW":
        return day + timedelta(days=count * (7 if unit == "W" else 1))
    year, month = divmod(day.year * 12 + day.month - 1 + count * (12 if unit == "A" else 1), 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def first_day(last: date, *, count: int, unit: str) -> date:
    """Return the first day of a period that ends with `last`: one day is that day alone."""
    return moved(last, count=-count, unit=unit) + timedelta(days=1)


def last_day(first: date, *, count: int, unit: str) -> date:
    """Return the last day of a period that begins with `first`."""
    return moved(first, count=count, unit=unit) - timedelta(days=1)
