"""The days that are over, and whose trades nobody has looked at yet: of each margin account, once.

The day is New York's and over at its midnight, hours after the last trade of its late session. What
is to be done stands in the tables, so that a start goes on where another has ended.
"""

from __future__ import annotations

from collections import deque
from datetime import date, datetime
from typing import Final
from uuid import UUID

from marketdata import calendars
from orders import day_trading
from risk.margin import trade_calls

ROUND_MAX: Final = 25


class DayEnd:
    """What is left of the last days, in memory since the day has turned."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._left: deque[tuple[UUID, date]] = deque()

    def look(self, *, now: datetime) -> None:
        """Look at so many accounts; whose prices do not count yet stands in line again."""
        today = calendars.date_of(now)
        if today != self._day:
            self._day, self._left = today, deque(day_trading.unjudged_days(today))
        for _ in range(min(ROUND_MAX, len(self._left))):
            account_id, day = self._left.popleft()
            traded = day_trading.trade_day(account_id, day)
            if not trade_calls.judge(account_id, traded=traded, now=now):
                self._left.append((account_id, day))
