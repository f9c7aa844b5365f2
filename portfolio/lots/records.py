"""A lot, what was closed of it, and by which deal. Pure values.

A lot is what one fill opened: long ones have a positive quantity and cost, short ones a
negative of both (what was sold, and what that brought).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from marketdata import calendars

ZERO: Final = Decimal(0)


class Method(StrEnum):
    """Which lots are closed first. Named ones come before all others by SPECIFIC, else FIFO."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIGHEST_COST = "highest_cost"
    SPECIFIC = "specific"


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of what one fill opened; `number` counts the lots of a position.

    `funds_settle_on` is the day on which the proceeds that paid for it settle, None when they had.
    """

    id: UUID
    number: int
    opened_by: UUID | None
    acquired_at: datetime
    quantity: Decimal
    cost: Decimal
    funds_settle_on: date | None = None

    @property
    def unit_cost(self) -> Decimal:
        return self.cost / self.quantity

    def is_paid_for(self, day: date) -> bool:
        """Tell whether the money that it was bought with has settled by then."""
        return self.funds_settle_on is None or self.funds_settle_on <= day


@dataclass(frozen=True, slots=True)
class Closing:
    """What one fill closed of one lot; `quantity`, `cost` and `proceeds` have the lot's sign.

    One that `undoes` another has the same figures the other way round, but for a cent that a bust
    may be rounded otherwise. A correction is no sale: a bust took the lot away, or two lots of
    different sign that it left were set off, or what was closed has left the house (`closed_by` is
    then the withdrawal).
    """

    id: UUID
    lot_id: UUID
    closed_by: UUID
    closed_at: datetime
    acquired_at: datetime
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    undoes: UUID | None = None
    is_correction: bool = False

    @property
    def realised(self) -> Decimal:
        return self.proceeds - self.cost

    @property
    def is_long_term(self) -> bool:
        return self.quantity > 0 and is_long_term(self.acquired_at, self.closed_at)


@dataclass(frozen=True, slots=True)
class Deal:
    """One side of a trade: bought (positive) or sold, for `cash` in all, which is positive."""

    trade_id: UUID
    signed_quantity: Decimal
    cash: Decimal
    at: datetime


def is_long_term(acquired_at: datetime, closed_at: datetime) -> bool:
    """Tell whether it was held for more than a year (26 U.S.C. 1222), by dates in New York."""
    acquired, closed = calendars.date_of(acquired_at), calendars.date_of(closed_at)
    return (closed.year - 1, closed.month, closed.day) > (
        acquired.year,
        acquired.month,
        acquired.day,
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much a position has changed, and what was realised."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO

    def plus(self, quantity: Decimal, cost: Decimal, realised: Decimal) -> Moved:
        return Moved(self.quantity + quantity, self.cost + cost, self.realised + realised)
