"""Until when an order stands. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from marketdata import calendars
from venues.messages import TimeInForce

TIME_IS_OVER: Final = "Its time is over"


def of(
    time_in_force: TimeInForce,
    calendar: str,
    now: datetime,
    *,
    extended_hours: bool,
    gtc_days_max: int,
) -> datetime | None:
    """Return when an order placed now expires; None for one that is over at once.

    A day order placed after the close is for the next session. One for extended hours is good
    until late trading ends, today's if it is placed in that.
    """
    match time_in_force:
        case TimeInForce.DAY if extended_hours:
            return calendars.next_end(calendar, now)
        case TimeInForce.DAY | TimeInForce.CLS:
            return calendars.next_close(calendar, now)
        case TimeInForce.OPG:
            return calendars.next_open(calendar, now)
        case TimeInForce.GTC:
            return now + timedelta(days=gtc_days_max)
        case _:
            return None
