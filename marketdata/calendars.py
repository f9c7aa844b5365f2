"""When a market is open. "always" never closes; any other name is an exchange calendar: XNYS.

`now` is never read here: what is asked about comes in.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

ALWAYS: Final = "always"
NEW_YORK: Final = ZoneInfo("America/New_York")

# NYSE Arca's hours: early trading begins at 04:00 and late trading lasts four hours after the
# close, also where that is an early one (13:00 to 17:00).
_EXTENDED: Final = frozenset({"XNYS"})
_EARLY_BEGINS: Final = time(4)
_LATE_LASTS: Final = timedelta(hours=4)


class UnknownCalendar(ValueError):
    """The name is neither "always" nor the code of an exchange calendar."""


class Phase(StrEnum):
    """What may trade now: nothing, limit orders for extended hours (early, late), everything."""

    CLOSED = "closed"
    EARLY = "early"
    REGULAR = "regular"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day: open from `open` up to, and not at, `close` (both UTC)."""

    date: date
    open: datetime
    close: datetime


def date_of(at: datetime) -> date:
    """Return the date in New York at `at`: the trading day of a market that never closes."""
    return at.astimezone(NEW_YORK).date()


@lru_cache(maxsize=4096)
def midnight(day: date) -> datetime:
    """Return the first instant of `day` in New York, in UTC."""
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


def session(calendar: str, at: datetime) -> Session:
    """Return the session that `at` lies in; while the market is closed, the next one.

    The day of a market that never closes turns at midnight in New York.
    """
    if calendar == ALWAYS:
        return _round_the_clock(date_of(at))
    return next(each for each in _from_here(calendar, at) if each.close > at)


def is_open(calendar: str, at: datetime) -> bool:
    """Tell whether the regular session is on."""
    return calendar == ALWAYS or session(calendar, at).open <= at


def phase(calendar: str, at: datetime) -> Phase:
    """Return what may trade on `calendar` at `at`.

    Early trading ends at the open, which is the first instant of the regular session, and late
    trading begins at the close, also at an early one.
    """
    if calendar == ALWAYS:
        return Phase.REGULAR
    known, following = _around(calendar, at)
    coming = known[following]
    if coming.open <= at:
        return Phase.REGULAR
    if calendar not in _EXTENDED:
        return Phase.CLOSED
    if datetime.combine(coming.date, _EARLY_BEGINS, NEW_YORK) <= at:
        return Phase.EARLY
    is_late = following > 0 and at < _end(calendar, known[following - 1])
    return Phase.LATE if is_late else Phase.CLOSED


def next_open(calendar: str, at: datetime) -> datetime:
    """Return the first opening after `at`."""
    if calendar == ALWAYS:
        return _round_the_clock(date_of(at)).close
    return next(each.open for each in _from_here(calendar, at) if each.open > at)


def next_close(calendar: str, at: datetime) -> datetime:
    """Return the first closing after `at`."""
    return session(calendar, at).close


def next_end(calendar: str, at: datetime) -> datetime:
    """Return the first end of a trading day after `at`: of late trading, where there is any."""
    if calendar == ALWAYS:
        return next_close(calendar, at)
    known, following = _around(calendar, at)
    return next(
        end for each in known[max(following - 1, 0) :] if (end := _end(calendar, each)) > at
    )


def _end(calendar: str, of: Session) -> datetime:
    return of.close + _LATE_LASTS if calendar in _EXTENDED else of.close


def sessions(calendar: str, *, first: date, last: date) -> list[Session]:
    """Return the sessions from `first` to `last`, both included."""
    if calendar == ALWAYS:
        days = (last - first).days + 1
        return [_round_the_clock(first + timedelta(days=number)) for number in range(days)]
    return [
        each
        for year in range(first.year, last.year + 1)
        for each in _sessions_of(calendar, year)
        if each.date.year == year and first <= each.date <= last
    ]


def check(calendar: str) -> None:
    """Raise UnknownCalendar unless `calendar` is one that we know."""
    if calendar != ALWAYS:
        # Lazily, as in `_sessions_of`.
        import exchange_calendars

        if calendar not in exchange_calendars.get_calendar_names(include_aliases=False):
            raise UnknownCalendar(f"{calendar!r} is not 'always' or an exchange calendar like XNYS")


def _round_the_clock(day: date) -> Session:
    return Session(day, midnight(day), midnight(day + timedelta(days=1)))


def _from_here(calendar: str, at: datetime) -> tuple[Session, ...]:
    """Return the sessions that are not over at `at`, at least the next two weeks of them."""
    known, following = _around(calendar, at)
    return known[following:]


def _around(calendar: str, at: datetime) -> tuple[tuple[Session, ...], int]:
    """Return sessions around `at`, and the place of the first that is not over."""
    # A session may begin the evening before, so New Year's Eve still belongs to its own year.
    known = _sessions_of(calendar, (at - timedelta(days=2)).year)
    return known, bisect.bisect_right(known, at, key=lambda each: each.close)


@lru_cache(maxsize=128)
def _sessions_of(calendar: str, year: int) -> tuple[Session, ...]:
    """Return the sessions of `year` and of the January after it, so that every next one is here."""
    # exchange_calendars brings pandas, which takes more than a second to import. The demo never
    # closes and needs neither, and a start has to be a matter of seconds.
    import exchange_calendars

    check(calendar)
    schedule = exchange_calendars.get_calendar(
        calendar, start=f"{year}-01-01", end=f"{year + 1}-01-31"
    ).schedule
    return tuple(
        Session(
            day.date(),
            opens.to_pydatetime().astimezone(UTC),
            closes.to_pydatetime().astimezone(UTC),
        )
        for day, opens, closes in zip(
            schedule.index, schedule["open"], schedule["close"], strict=True
        )
    )
