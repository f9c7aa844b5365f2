"""When a trade is final, and which money is. Pure.

US equities settle one business day after the trade (T+1; SEC rule 15c6-1 as of 28 May 2024, two
days before it), crypto at once. Business days are the sessions of the instrument's exchange; where
trading never ends, the days of the week.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from foundation import decimals
from marketdata import calendars

T_PLUS_ONE_FROM: Final = date(2024, 5, 28)
_LOOKAHEAD: Final = timedelta(days=14)
"""No exchange is closed for longer."""
_SATURDAY: Final = 5


def settles_on(*, is_at_once: bool, calendar: str, traded_at: datetime) -> date | None:
    """Return the day on which a trade is final, None for one that is at once."""
    if is_at_once:
        return None
    return settlement_date(calendar, calendars.date_of(traded_at))


@lru_cache(maxsize=1024)
def settlement_date(calendar: str, trade_date: date) -> date:
    """Return the business day on which trades of `trade_date` in securities are final."""
    days = 1 if trade_date >= T_PLUS_ONE_FROM else 2
    return business_days_after(calendar, trade_date)[days - 1]


def business_days_after(calendar: str, day: date) -> list[date]:
    """Return the next business days after `day`, those of two weeks."""
    first, last = day + timedelta(days=1), day + _LOOKAHEAD
    if calendar == calendars.ALWAYS:
        days = (day + timedelta(days=number) for number in range(1, _LOOKAHEAD.days + 1))
        return [each for each in days if each.weekday() < _SATURDAY]
    return [each.date for each in calendars.sessions(calendar, first=first, last=last)]


def after(unsettled: Mapping[str, str], day: date) -> dict[date, Decimal]:
    """Return what is not final on `day` yet, by when it is, the soonest first."""
    by_day = ((date.fromisoformat(name), Decimal(amount)) for name, amount in unsettled.items())
    return dict(sorted((on, amount) for on, amount in by_day if on > day))


def with_proceeds(
    unsettled: Mapping[str, str], settles_on: date, amount: Decimal, *, today: date
) -> dict[str, str]:
    """Return `unsettled` with these proceeds (negative: a bust of them), and without what is final.

    As it is kept with a balance: amounts as decimal text by ISO date.
    """
    found = after(unsettled, today)
    if settles_on > today:
        found[settles_on] = found.get(settles_on, Decimal(0)) + amount
    return {day.isoformat(): decimals.text(left) for day, left in found.items() if left > 0}


def funds_settle_on(
    *, cash: Decimal, unsettled: Mapping[date, Decimal], cost: Decimal
) -> date | None:
    """Return when the last of the proceeds settle that a purchase is paid with, None for none.

    `cash` is the balance before the purchase, `unsettled` what of it is not final, by day. What is
    settled is spent first, then what settles soonest; what is less than the unsettled proceeds has
    been spent of them already.
    """
    total = sum(unsettled.values(), Decimal(0))
    spent = max(total - cash, Decimal(0))
    settled = max(cash - total, Decimal(0))
    reached = spent + max(cost - settled, Decimal(0))
    if cost <= settled:
        return None
    so_far = Decimal(0)
    last: date | None = None
    for day in sorted(unsettled):
        if so_far >= reached:
            break
        so_far += unsettled[day]
        last = day
    return last
