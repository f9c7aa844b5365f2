"""Which statements there are, of which days, and when they fall due. Pure.

Days are New York's. A month is stated when its last day has ended, a tax year in the night to 15
February of the next: by then every wash sale of it is found, as a purchase may follow for 30 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

DAY: Final = timedelta(days=1)
TAX_DUE: Final = (2, 14)
"""Month and day; brokers have to send theirs by the day after (26 U.S.C. 6045(b))."""
YEARS_KEPT: Final = 7
"""SEC rule 17a-4(b) asks for three of confirmations, 17a-4(a) for six of what books follow from."""


class Kind(StrEnum):
    """What a statement is: of the trades of a day, of a day, of a month, of a year for tax."""

    CONFIRMATION = "confirmation"
    DAILY = "daily"
    MONTHLY = "monthly"
    TAX = "tax"


LETTERS: Final = {Kind.CONFIRMATION: "C", Kind.DAILY: "D", Kind.MONTHLY: "M", Kind.TAX: "T"}


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a statement is of, `first` and `last` included."""

    kind: Kind
    first: date
    last: date


def due(day: date) -> tuple[Period, ...]:
    """Return the periods whose statements are made once `day` has ended, in their order."""
    found = [Period(Kind.CONFIRMATION, day, day), Period(Kind.DAILY, day, day)]
    if (day + DAY).day == 1:
        found.append(Period(Kind.MONTHLY, day.replace(day=1), day))
    if (day.month, day.day) == TAX_DUE:
        found.append(tax_year(day.year - 1))
    return tuple(found)


def tax_year(year: int) -> Period:
    return Period(Kind.TAX, date(year, 1, 1), date(year, 12, 31))


def number(account: str, period: Period, *, revision: int) -> str:
    """Return the number of a statement: its account's, what it is, and its last day."""
    corrected = f"-{revision}" if revision > 1 else ""
    return f"{account}-{LETTERS[period.kind]}{period.last:%Y%m%d}{corrected}"


def next_month_end(day: date) -> date:
    """Return the last day of the month that `day` is in: of the next monthly statement."""
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return following - DAY


def kept_since(day: date) -> date:
    """Return the first day whose statements are still kept in the table on `day`."""
    month = day.replace(day=1)
    return month.replace(year=month.year - YEARS_KEPT)
