"""Between which prices there is none: finer steps for what is cheap. Pure.

Rule 612 of Regulation NMS: a share is quoted and ordered in whole cents from one dollar on, and in
hundredths of a cent below that. What is written of decimals here holds as well for whole numbers,
in which the exchange counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Generic, TypeVar

N = TypeVar("N", int, Decimal)

US_EQUITY: Final = Decimal("0.01")
US_EQUITY_FINE: Final = Decimal("0.0001")
US_EQUITY_FINE_BELOW: Final = Decimal(1)


class UnfitSteps(ValueError):
    """Such steps do not go into each other; the message says which."""


@dataclass(frozen=True, slots=True)
class PriceSteps(Generic[N]):
    """Prices go in steps of `usual`, and below `fine_below` in steps of `fine`.

    `fine` goes into `usual`, and that into `fine_below`, so that a price that is rounded to a step
    stays one.
    """

    usual: N
    fine: N
    fine_below: N

    def at(self, price: N) -> N:
        """Return the step of prices about `price`."""
        return self.fine if price < self.fine_below else self.usual

    def fits(self, price: N) -> bool:
        return not price % self.at(price)

    def down(self, price: N) -> N:
        """Return the greatest price that is not above `price`."""
        return price - price % self.at(price)

    def up(self, price: N) -> N:
        """Return the least price that is not below `price`."""
        step = self.at(price)
        rest = price % step
        return price + step - rest if rest else price


@lru_cache(maxsize=256)
def of(usual: Decimal, fine: Decimal | None, fine_below: Decimal | None) -> PriceSteps[Decimal]:
    """Return the steps of an instrument, which has finer ones only where both are said."""
    if fine is None or fine_below is None:
        return PriceSteps(usual, usual, Decimal(0))
    return PriceSteps(usual, fine, fine_below)


def check(usual: Decimal, fine: Decimal | None, fine_below: Decimal | None) -> None:
    """Raises UnfitSteps."""
    if (fine is None) != (fine_below is None):
        raise UnfitSteps("Say both a finer step and below which price it holds, or neither.")
    if fine is None or fine_below is None:
        return
    if not 0 < fine < usual or usual % fine:
        raise UnfitSteps("The finer step must go a whole number of times into the usual one.")
    if fine_below <= 0 or fine_below % usual:
        raise UnfitSteps("The price below which steps are finer must be a whole number of steps.")
