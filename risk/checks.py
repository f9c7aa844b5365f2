"""May this order go? One function a check, each a denial or None. Pure.

A check that lacks what it needs denies: no price, no calendar, no state is never a yes. The
codes are part of the API: they do not change their meaning, and docs/api.md lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from foundation.decimals import CASH
from portfolio import accounting
from venues.messages import OrderType, Side


@dataclass(frozen=True, slots=True)
class Denial:
    """A no: its stable code, and what happened, why, and what to do, for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order as risk looks at it. A market order has no `limit_price`."""

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Situation:
    """What the order meets: the account, the instrument and the market, at one moment.

    `cash_available` in USD; `position`, `position_available` and `open_buy_quantity` in units
    of the instrument; `quote_age` in seconds, None when there is no quote.
    """

    at: datetime
    account_status: str
    cash_available: Decimal
    position: Decimal
    position_available: Decimal
    open_buy_quantity: Decimal
    is_tradable: bool
    is_halted: bool
    is_session_open: bool
    price_increment: Decimal
    quantity_increment: Decimal
    quantity_min: Decimal
    bid: Decimal | None
    ask: Decimal | None
    quote_age: float | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits that hold for the account. Values in USD."""

    order_quantity_max: Decimal
    order_value_max: Decimal
    position_value_max: Decimal
    market_buffer: Decimal
    quote_age_max: float


def far_price(proposal: Proposal, situation: Situation) -> Decimal | None:
    """Return the quote that a market order meets: the ask for a buy, the bid for a sell."""
    return situation.ask if proposal.side is Side.BUY else situation.bid


def worst_price(proposal: Proposal, situation: Situation, bounds: Bounds) -> Decimal | None:
    """Return the worst price that the order can execute at, None when that is unknown.

    Its limit; or for a market order the far quote and the buffer beyond it, in whole price
    increments: what the order is held for, and the protection that the venue is given.
    """
    if proposal.limit_price is not None:
        return proposal.limit_price
    far = far_price(proposal, situation)
    if far is None:
        return None
    is_buy = proposal.side is Side.BUY
    price = far * (1 + bounds.market_buffer if is_buy else 1 - bounds.market_buffer)
    steps = (price / situation.price_increment).to_integral_value(
        rounding=ROUND_CEILING if is_buy else ROUND_FLOOR
    )
    return max(steps, Decimal(1)) * situation.price_increment


Check = Callable[[Proposal, Situation, Bounds], Denial | None]


def account_is_active(_p: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    if situation.account_status == "active":
        return None
    return Denial(
        "account_restricted",
        f"This account is {situation.account_status} and takes no new orders. Ask support why.",
    )


def instrument_is_tradable(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    if not situation.is_tradable:
        return Denial("not_tradable", f"{proposal.symbol} cannot be traded here.")
    if situation.is_halted:
        return Denial("halted", f"Trading in {proposal.symbol} is halted. Try again later.")
    return None


def session_is_open(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    if situation.is_session_open:
        return None
    return Denial("session_closed", f"The market for {proposal.symbol} is closed now.")


def quantity_fits(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    if proposal.quantity < situation.quantity_min:
        return Denial(
            "quantity_too_small",
            f"The least quantity of {proposal.symbol} is {situation.quantity_min.normalize():f}.",
        )
    if proposal.quantity % situation.quantity_increment:
        return Denial(
            "quantity_increment",
            f"{proposal.symbol} trades in steps of {situation.quantity_increment.normalize():f}.",
        )
    return None


def price_fits(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    if proposal.limit_price is None or not proposal.limit_price % situation.price_increment:
        return None
    return Denial(
        "price_increment",
        f"Prices of {proposal.symbol} go in steps of "
        f"{situation.price_increment.normalize():f}: {proposal.limit_price.normalize():f} is "
        "between two of them.",
    )


def quote_is_fresh(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    if situation.quote_age is None:
        return Denial("quote_missing", f"There is no price of {proposal.symbol} yet.")
    if not 0 <= situation.quote_age <= bounds.quote_age_max:
        return Denial(
            "quote_stale",
            f"The latest price of {proposal.symbol} is {situation.quote_age:.0f} seconds old. "
            "Orders wait until prices are live again.",
        )
    if proposal.type is OrderType.MARKET and far_price(proposal, situation) is None:
        return Denial(
            "no_liquidity",
            f"Nobody is {'selling' if proposal.side is Side.BUY else 'buying'} {proposal.symbol} "
            "now. Use a limit order.",
        )
    return None


def quantity_is_allowed(proposal: Proposal, _s: Situation, bounds: Bounds) -> Denial | None:
    if proposal.quantity <= bounds.order_quantity_max:
        return None
    return Denial(
        "order_quantity_limit",
        f"An order may have at most {bounds.order_quantity_max.normalize():f} units.",
    )


def value_is_allowed(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    price = worst_price(proposal, situation, bounds)
    if price is None:
        return Denial("quote_missing", f"There is no price of {proposal.symbol} yet.")
    value = price * proposal.quantity
    if value <= bounds.order_value_max:
        return None
    return Denial(
        "order_value_limit",
        f"This order is worth up to {value:,.2f} USD; one order may be worth at most "
        f"{bounds.order_value_max:,.2f}.",
    )


def position_is_allowed(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    if proposal.side is Side.SELL:
        return None
    price = worst_price(proposal, situation, bounds)
    if price is None:
        return Denial("quote_missing", f"There is no price of {proposal.symbol} yet.")
    quantity = situation.position + situation.open_buy_quantity + proposal.quantity
    if quantity * price <= bounds.position_value_max:
        return None
    return Denial(
        "position_limit",
        f"With this order you could hold {quantity * price:,.2f} USD of {proposal.symbol}; the "
        f"limit is {bounds.position_value_max:,.2f}.",
    )


def account_can_pay(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    if proposal.side is Side.SELL:
        return None
    price = worst_price(proposal, situation, bounds)
    if price is None:
        return Denial("quote_missing", f"There is no price of {proposal.symbol} yet.")
    needed = accounting.hold_of(asset=CASH, per_unit=price, quantity=proposal.quantity)
    if needed <= situation.cash_available:
        return None
    affordable = situation.cash_available / price // situation.quantity_increment
    lower = affordable * situation.quantity_increment
    advice = (
        f"Lower the quantity to {lower.normalize():f} or deposit."
        if lower >= situation.quantity_min
        else "Deposit first."
    )
    return Denial(
        "insufficient_buying_power",
        f"Not enough buying power: this order needs {needed:,.2f} USD, you have "
        f"{situation.cash_available:,.2f}. {advice}",
    )


def account_has_what_it_sells(
    proposal: Proposal, situation: Situation, _b: Bounds
) -> Denial | None:
    if proposal.side is Side.BUY or proposal.quantity <= situation.position_available:
        return None
    held = situation.position - situation.position_available
    return Denial(
        "insufficient_position",
        f"This order sells {proposal.quantity.normalize():f} {proposal.symbol}; you can sell "
        f"{situation.position_available.normalize():f}"
        + (f", as {held.normalize():f} are held for your open orders." if held else "."),
    )


CHECKS: Final[tuple[Check, ...]] = (
    account_is_active,
    instrument_is_tradable,
    session_is_open,
    quantity_fits,
    price_fits,
    quote_is_fresh,
    quantity_is_allowed,
    value_is_allowed,
    position_is_allowed,
    account_can_pay,
    account_has_what_it_sells,
)


def first_denial(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    """Return the first denial in the order of CHECKS, or None: the order may go."""
    for check in CHECKS:
        denial = check(proposal, situation, bounds)
        if denial is not None:
            return denial
    return None
