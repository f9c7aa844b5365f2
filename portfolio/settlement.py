"""When a trade is final, and which money is. Pure.

US equities settle one business day after the trade (T+1; SEC rule 15c6-1 as of 28 May 2024, two
days before it), crypto at once. Business days are the sessions of the instrument's exchange; where
trading never ends, the days of the week.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from marketdata import calendars

T_PLUS_ONE_FROM: Final = date(2024, 5, 28)
_LOOKAHEAD: Final = timedelta(days=14)
"""No exchange is closed for longer."""
_SATURDAY: Final = 5


def settles_on(*, is_at_once: bool, calendar: str, traded_at: datetime) -> date | None:
    """Return the day on which a trade is final, None for one that is at once."""
    if is_at_once:
        return None
    return _settles_on(calendar, calendars.date_of(traded_at))


@lru_cache(maxsize=1024)
def _settles_on(calendar: str, trade_date: date) -> date:
    days = 1 if trade_date >= T_PLUS_ONE_FROM else 2
    return business_days_after(calendar, trade_date)[days - 1]


def business_days_after(calendar: str, day: date) -> list[date]:
    """Return the next business days after `day`, those of two weeks."""
    first, last = day + timedelta(days=1), day + _LOOKAHEAD
    if calendar == calendars.ALWAYS:
        days = (day + timedelta(days=number) for number in range(1, _LOOKAHEAD.days + 1))
        return [each for each in days if each.weekday() < _SATURDAY]
    return [each.date for each in calendars.sessions(calendar, first=first, last=last)]
