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
from marketdata.calendars import Phase
from portfolio import accounting
from venues.messages import STOPS, OrderType, Side, TimeInForce

_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})


@dataclass(frozen=True, slots=True)
class Denial:
    """A no: its stable code, and what happened, why, and what to do, for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that a person should look at, and that does not keep the order from going."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order as risk looks at it.

    A market order has no `limit_price`. The `stop_price` of a trailing stop is where it would be
    triggered now. `notional` is the value in USD of an order by value. A leg closes what its entry
    will have opened (`is_leg`): it is judged by its terms alone, as the entry is judged for both.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None = None
    notional: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    extended_hours: bool = False
    is_leg: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What the order meets: the account, the instrument and the market, at one moment.

    `cash_available` in USD; `position`, `position_available` and `open_buy_quantity` in units
    of the instrument; `quote_age` in seconds, None when there is no quote. `phase` is that of the
    market's day, `last` its latest trade. `has_twin` tells that the same was asked for moments
    ago, by a client that names its orders not itself.
    """

    at: datetime
    account_status: str
    cash_available: Decimal
    position: Decimal
    position_available: Decimal
    open_buy_quantity: Decimal
    is_tradable: bool
    is_halted: bool
    phase: Phase
    is_fractionable: bool
    is_venue_up: bool
    price_increment: Decimal
    quantity_increment: Decimal
    quantity_min: Decimal
    bid: Decimal | None
    ask: Decimal | None
    quote_age: float | None
    has_twin: bool = False
    last: Decimal | None = None


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


def waits_for_auction(proposal: Proposal, situation: Situation) -> bool:
    """Tell whether the order is for the next opening, and nothing is traded before it."""
    return proposal.time_in_force is TimeInForce.OPG and situation.phase is not Phase.REGULAR


def worst_price(proposal: Proposal, situation: Situation, bounds: Bounds) -> Decimal | None:
    """Return the worst price that the order can execute at, None when that is unknown.

    An order for the opening is held for the latest trade and the buffer: nobody quotes yet.
    """
    is_early = waits_for_auction(proposal, situation)
    return worst_price_of(
        side=proposal.side,
        limit_price=proposal.limit_price,
        stop_price=situation.last if is_early else proposal.stop_price,
        bid=situation.bid,
        ask=situation.ask,
        price_increment=situation.price_increment,
        buffer=bounds.market_buffer,
    )


def worst_price_of(
    *,
    side: Side,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    bid: Decimal | None,
    ask: Decimal | None,
    price_increment: Decimal,
    buffer: Decimal,
) -> Decimal | None:
    """Return the worst price that an order can execute at, None when that is unknown.

    Its limit; or for a market order the far quote, for a stop its stop price, and the buffer
    beyond it, in whole price increments: what the order is held for, and the protection that the
    venue is given.
    """
    if limit_price is not None:
        return limit_price
    is_buy = side is Side.BUY
    far = stop_price if stop_price is not None else (ask if is_buy else bid)
    if far is None:
        return None
    steps = (far * (1 + buffer if is_buy else 1 - buffer) / price_increment).to_integral_value(
        rounding=ROUND_CEILING if is_buy else ROUND_FLOOR
    )
    return max(steps, Decimal(1)) * price_increment


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


def venue_is_up(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    if situation.is_venue_up:
        return None
    return Denial(
        "venue_unavailable",
        f"The venue for {proposal.symbol} cannot be reached now. Try again shortly.",
    )


def session_is_open(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """Outside the regular session an order waits for the next one, unless it cannot wait.

    Limit orders for extended hours need no auction; others may be entered before it.
    """
    if situation.phase is Phase.REGULAR or proposal.type in STOPS or proposal.is_leg:
        return None
    if proposal.type is OrderType.LIMIT and proposal.time_in_force not in _AT_ONCE:
        return None
    if waits_for_auction(proposal, situation):
        return None
    return Denial(
        "session_closed",
        f"The market for {proposal.symbol} is closed now. A limit order can wait for the open.",
    )


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


def value_can_be_ordered(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    if proposal.notional is None or situation.is_fractionable:
        return None
    return Denial(
        "not_fractionable",
        f"{proposal.symbol} is traded in whole units: give a quantity instead of a value.",
    )


def price_fits(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    increment = situation.price_increment
    prices = [proposal.limit_price]
    if proposal.type is not OrderType.TRAILING_STOP:  # whose stop follows the market's prices
        prices.append(proposal.stop_price)
    for price in prices:
        if price is not None and price % increment:
            return Denial(
                "price_increment",
                f"Prices of {proposal.symbol} go in steps of {increment.normalize():f}: "
                f"{price.normalize():f} is between two of them.",
            )
    return None


def stop_is_ahead(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """A stop that the market has passed already would be a market order in disguise."""
    stop, is_buy = proposal.stop_price, proposal.side is Side.BUY
    far = far_price(proposal, situation)
    if stop is None or proposal.is_leg or proposal.type is OrderType.TRAILING_STOP:
        return None
    if far is None or (stop > far if is_buy else stop < far):
        return None
    return Denial(
        "stop_price_passed",
        f"The market has passed this stop already: a stop to {proposal.side.value} "
        f"{proposal.symbol} must lie {'above' if is_buy else 'below'} {far.normalize():f} now.",
    )


def quote_is_fresh(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    is_waiting = proposal.limit_price is not None and situation.phase is Phase.CLOSED
    if proposal.is_leg or is_waiting:
        return None  # its price is its own, and no market is there to compare it with
    if waits_for_auction(proposal, situation):
        return None  # without a latest trade it has no worst price, and is denied for that
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
    if proposal.side is Side.SELL or proposal.is_leg:
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
    if proposal.side is Side.SELL or proposal.is_leg:
        return None
    price = worst_price(proposal, situation, bounds)
    if price is None:
        return Denial("quote_missing", f"There is no price of {proposal.symbol} yet.")
    needed = proposal.notional or accounting.hold_of(
        asset=CASH, per_unit=price, quantity=proposal.quantity
    )
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
    if (
        proposal.side is Side.BUY
        or proposal.is_leg
        or proposal.quantity <= situation.position_available
    ):
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
    venue_is_up,
    session_is_open,
    value_can_be_ordered,
    quantity_fits,
    price_fits,
    quote_is_fresh,
    stop_is_ahead,
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


def order_is_no_repeat(proposal: Proposal, situation: Situation) -> Caution | None:
    if not situation.has_twin:
        return None
    return Caution(
        "possible_duplicate",
        f"The same order in {proposal.symbol} was placed moments ago. If this one was not meant, "
        "cancel it. Give each order a client_order_id: a repeat then does no harm.",
    )


def cautions(proposal: Proposal, situation: Situation) -> tuple[Caution, ...]:
    """Return what a person should know of an order that may go."""
    found = order_is_no_repeat(proposal, situation)
    return (found,) if found else ()
