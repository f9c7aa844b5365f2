"""Wash sales: losses that do not count, because the same was bought again. Pure.

26 U.S.C. 1091: a loss is disallowed as far as the same was bought within 30 days before or after
the sale, and is added to the cost of what was bought. Shares replace in the order in which they
were bought (26 CFR 1.1091-1), each of them once. What was bought before counts as far as it was
still there after the sale; the lot that was sold does not replace itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from foundation import decimals
from marketdata import calendars

WINDOW: Final = timedelta(days=30)
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Loss:
    """What one sale lost on one lot (`amount` is positive), and how much of it is washed."""

    closing_id: UUID
    lot_id: UUID
    closed_at: datetime
    quantity: Decimal
    amount: Decimal
    washed: Decimal = ZERO
    disallowed: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Purchase:
    """A lot that was bought, when how much of it was sold, and how much has replaced others."""

    lot_id: UUID
    acquired_at: datetime
    quantity: Decimal
    sold: tuple[tuple[datetime, Decimal], ...] = ()
    used: Decimal = ZERO

    def left_after(self, at: datetime) -> Decimal:
        """Return what of it was still there after a sale at `at`; all of what came later."""
        return self.quantity - sum((units for when, units in self.sold if when <= at), ZERO)


@dataclass(frozen=True, slots=True)
class Wash:
    """So much of a loss is disallowed, and belongs to the cost of the lot that was bought."""

    closing_id: UUID
    lot_id: UUID
    quantity: Decimal
    disallowed: Decimal


def found(losses: Iterable[Loss], purchases: Sequence[Purchase]) -> list[Wash]:
    """Return the wash sales among these of one instrument that are not known yet."""
    washes: list[Wash] = []
    used = {each.lot_id: each.used for each in purchases}
    in_order = sorted(purchases, key=lambda each: each.acquired_at)
    for loss in sorted(losses, key=lambda each: each.closed_at):
        washed, disallowed = loss.washed, loss.disallowed
        for bought in in_order:
            if bought.lot_id == loss.lot_id or not is_near(bought.acquired_at, loss.closed_at):
                continue
            free = bought.left_after(loss.closed_at) - used[bought.lot_id]
            quantity = min(free, loss.quantity - washed)
            if quantity <= 0:
                continue
            washed += quantity
            used[bought.lot_id] += quantity
            # On the running total, so that a loss which is washed in parts is so to the cent.
            so_far = decimals.quantize(
                loss.amount * washed / loss.quantity,
                asset=decimals.CASH,
                rounding=decimals.NEAREST,
            )
            washes.append(Wash(loss.closing_id, bought.lot_id, quantity, so_far - disallowed))
            disallowed = so_far
    return washes


def is_near(acquired_at: datetime, closed_at: datetime) -> bool:
    """Tell whether a purchase is within 30 days of a sale, by dates in New York."""
    bought, sold = calendars.date_of(acquired_at), calendars.date_of(closed_at)
    return abs(bought - sold) <= WINDOW
