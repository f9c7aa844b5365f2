"""What a split or a dividend makes of the terms of a resting order. Pure.

After FINRA rule 5330 (a dividend of a cent or more lowers open orders to buy and open stop orders
to sell; a reverse split cancels all open orders) and the customs of the exchanges (a forward split
multiplies quantities and divides prices). Prices go to whole increments in the direction that
executes later: a buy down, a sell up; what a dividend lowers is rounded down. What a trailing stop
has followed, and by how much, is divided like a price; a billionth that is over lets it go later.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Final

from foundation.decimals import QUANTITY_QUANTUM
from marketdata.price_steps import PriceSteps
from venues.messages import OrderType, Side

NOTHING: Final = Decimal(0)
LEAST_DIVIDEND: Final = Decimal("0.01")


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
    """A resting order: what it still asks for. A stop that was triggered has no stop price.

    `mark` is what a trailing stop has followed to. `is_group_begun` tells that something of its
    group has executed: what is left to close is then counted from those fills.
    """

    side: Side
    type: OrderType
    filled: Decimal
    leaves: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    is_by_value: bool
    is_group_begun: bool = False
    trail_amount: Decimal | None = None
    mark: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Increments:
    """In what steps an instrument is priced and counted."""

    price: PriceSteps[Decimal]
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """The new terms, None where they stay. `quantity` is the total, with what was filled.

    `mark` is what a trailing stop has followed to on the new terms.
    """

    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    mark: Decimal | None = None


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
    if terms.is_by_value:
        return Unfit("An order by value is not carried over a split.")
    if terms.is_group_begun:
        return Unfit("Its group has executed a part on the terms of before the split.")
    if terms.type is OrderType.TRAILING_STOP and terms.mark is None:
        return Unfit("It has followed no price yet that could be divided.")
    ratio = Fraction(action.new, action.old)
    is_buy = terms.side is Side.BUY
    leaves = _whole(Fraction(terms.leaves) * ratio, increments.quantity, ROUND_FLOOR)
    limit_price, stop_price = (
        None
        if price is None
        else _price(
            Fraction(price) / ratio, increments.price, ROUND_FLOOR if is_buy else ROUND_CEILING
        )
        for price in (terms.limit_price, terms.stop_price)
    )
    if NOTHING in (leaves, limit_price, stop_price):
        return Unfit("Nothing of it is left in whole increments.")
    trail, mark = (
        None if amount is None else _whole(Fraction(amount) / ratio, QUANTITY_QUANTUM, rounding)
        for amount, rounding in (
            (terms.trail_amount, ROUND_CEILING),
            (terms.mark, ROUND_CEILING if is_buy else ROUND_FLOOR),
        )
    )
    return Change(terms.filled + leaves, limit_price, stop_price, trail, mark)


def _after_dividend(
    terms: Terms, action: Dividend, increments: Increments
) -> Change | Unfit | None:
    is_buy_limit = terms.side is Side.BUY and terms.type is OrderType.LIMIT
    is_sell_stop = terms.side is Side.SELL and terms.stop_price is not None
    if not (is_buy_limit or is_sell_stop) or action.amount < LEAST_DIVIDEND:
        return None
    limit_price, stop_price = (
        None
        if price is None
        else _price(Fraction(price - action.amount), increments.price, ROUND_FLOOR)
        for price in (terms.limit_price, terms.stop_price)
    )
    if any(price is not None and price <= 0 for price in (limit_price, stop_price)):
        return Unfit("The dividend is more than its price.")
    return Change(None, limit_price, stop_price)


def _price(exact: Fraction, steps: PriceSteps[Decimal], rounding: str) -> Decimal:
    """Return a price that there is, next to what may be no decimal number at all."""
    near = _whole(exact, QUANTITY_QUANTUM, rounding)
    return steps.down(near) if rounding == ROUND_FLOOR else steps.up(near)


def _whole(exact: Fraction, increment: Decimal, rounding: str) -> Decimal:
    steps = exact / Fraction(increment)
    whole = steps.numerator // steps.denominator
    if rounding == ROUND_CEILING and whole != steps:
        whole += 1
    return whole * increment
