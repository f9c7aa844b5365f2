"""What a split or a dividend makes of the terms of a resting order. Pure.

After FINRA rules 5330 (dividends: open orders to buy and open stop orders to sell are lowered) and
the customs of the exchanges (a forward split multiplies quantities and divides prices). Prices go
to whole increments in the direction that executes later: a buy down, a sell up; what a dividend
lowers is rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Final

from venues.messages import OrderType, Side

NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Split:
    """`new` shares for `old` ones: 4 for 1 forward, 1 for 10 reverse."""

    new: int
    old: int

    def __str__(self) -> str:
        return f"Split {self.new}:{self.old}"

    @property
    def is_forward(self) -> bool:
        return self.new > self.old


@dataclass(frozen=True, slots=True)
class Dividend:
    """So much cash for each share, in USD."""

    amount: Decimal

    def __str__(self) -> str:
        return f"Dividend of {self.amount.normalize():f}"


@dataclass(frozen=True, slots=True)
class Removal:
    """The instrument as it was is no more: a new symbol, a merger, a delisting."""

    def __str__(self) -> str:
        return "Removal"


Action = Split | Dividend | Removal


@dataclass(frozen=True, slots=True)
class Terms:
    """A resting order: what it still asks for. A stop that was triggered has no stop price."""

    side: Side
    type: OrderType
    filled: Decimal
    leaves: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    is_grouped: bool
    is_by_value: bool


@dataclass(frozen=True, slots=True)
class Increments:
    """In what steps an instrument is priced and counted."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """The new terms, None where they stay. `quantity` is the total, with what was filled."""

    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Unfit:
    """The order cannot go on under the new terms; `reason` is for its owner."""

    reason: str


def adjustment(terms: Terms, action: Action, increments: Increments) -> Change | Unfit | None:
    """Return the terms that the order has after `action`, why it must end, or None: as it was."""
    if isinstance(action, Dividend):
        return _after_dividend(terms, action, increments)
    if isinstance(action, Removal):
        return Unfit("The instrument is no longer what it was.")
    if not action.is_forward:
        return Unfit("A reverse split ends open orders.")
    return _after_split(terms, action, increments)


def _after_split(terms: Terms, action: Split, increments: Increments) -> Change | Unfit:
    if terms.type is OrderType.TRAILING_STOP:
        return Unfit("The price that a trailing stop has followed is of before the split.")
    if terms.is_grouped or terms.is_by_value:
        return Unfit("Orders with legs, and orders by value, are not carried over a split.")
    ratio = Fraction(action.new, action.old)
    leaves = _rounded(Fraction(terms.leaves) * ratio, increments.quantity, ROUND_FLOOR)
    rounding = ROUND_FLOOR if terms.side is Side.BUY else ROUND_CEILING
    limit_price, stop_price = (
        None if price is None else _rounded(Fraction(price) / ratio, increments.price, rounding)
        for price in (terms.limit_price, terms.stop_price)
    )
    if NOTHING in (leaves, limit_price, stop_price):
        return Unfit("Nothing of it is left in whole increments.")
    return Change(terms.filled + leaves, limit_price, stop_price)


def _after_dividend(
    terms: Terms, action: Dividend, increments: Increments
) -> Change | Unfit | None:
    is_buy_limit = terms.side is Side.BUY and terms.type is OrderType.LIMIT
    is_sell_stop = terms.side is Side.SELL and terms.stop_price is not None
    if not (is_buy_limit or is_sell_stop):
        return None
    limit_price, stop_price = (
        None
        if price is None
        else _rounded(Fraction(price - action.amount), increments.price, ROUND_FLOOR)
        for price in (terms.limit_price, terms.stop_price)
    )
    if any(price is not None and price <= 0 for price in (limit_price, stop_price)):
        return Unfit("The dividend is more than its price.")
    return Change(None, limit_price, stop_price)


def _rounded(exact: Fraction, increment: Decimal, rounding: str) -> Decimal:
    steps = exact / Fraction(increment)
    whole = steps.numerator // steps.denominator
    if rounding == ROUND_CEILING and whole != steps:
        whole += 1
    return whole * increment
