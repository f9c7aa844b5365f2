"""Which prices count for the orders that we hold. Pure, but for the calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from marketdata import calendars
from marketdata.models import Quote
from marketdata.ticks import Point


def is_believable(quote: Quote, *, now: datetime) -> bool:
    """Tell whether the price is fresh and undoubted, of an instrument that may trade.

    `received_at` is when the feed last said that the quote stands, its last price included.
    """
    is_crossed = quote.bid is not None and quote.ask is not None and quote.bid > quote.ask
    may_trade = quote.instrument.tradable and not quote.instrument.halted
    return may_trade and not (quote.doubts or is_crossed or quote.is_stale(now=now))


def of_this_session(points: Iterable[Point], *, calendar: str, now: datetime) -> list[Point]:
    """Return those that were made in the regular session that is on now.

    What was traded early or late, or yesterday, triggers nothing.
    """
    if calendar == calendars.ALWAYS:
        return list(points)
    session = calendars.session(calendar, now)
    if now < session.open:
        return []
    return [point for point in points if session.open <= point.at < session.close]
