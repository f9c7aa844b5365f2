"""What a day of a debit costs, and which days and months are due. Pure.

Actual days over a year of 360, as US brokers count; no interest on interest within a month. A day's
interest is exact to nine decimals; a month's is charged in cents, rounded half to even once.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from foundation import decimals

YEAR: Final = 360


def interest_of_day(*, debit: Decimal, rate: Decimal) -> Decimal:
    """Return what owing `debit` USD for a day costs at `rate` a year (0.08 is 8 %)."""
    return (debit * rate / YEAR).quantize(decimals.QUANTITY_QUANTUM, rounding=ROUND_HALF_EVEN)


def charge(accrued: Decimal) -> Decimal:
    """Return what is charged for a month in which this much has accrued."""
    return decimals.quantize(accrued, asset=decimals.CASH, rounding=decimals.NEAREST)


def days_to_accrue(last: date | None, *, today: date) -> list[date]:
    """Return the days after `last` that are over; yesterday alone when none was accrued before."""
    first = today - timedelta(days=1) if last is None else last + timedelta(days=1)
    return [first + timedelta(days=number) for number in range((today - first).days)]


def month_of(day: date) -> date:
    """Return the first day of its month."""
    return day.replace(day=1)
