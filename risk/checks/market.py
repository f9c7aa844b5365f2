"""Can this be traded, now, on these terms? Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from marketdata.calendars import Phase
from marketdata.price_steps import PriceSteps
from risk.checks.facts import (
    Bounds,
    Denial,
    Moment,
    Proposal,
    Situation,
    far_price,
    opening_quantity,
    price_missing,
    waits_for_auction,
)
from venues.messages import STOPS, OrderType, Side, TimeInForce

VENUE_UNAVAILABLE: Final = "venue_unavailable"
SUSPENDED: Final = "suspended"
"""The state of an active account whose customer wants no new orders taken."""
PRICE_INCREMENT: Final = "price_increment"
_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def account_is_active(_p: Proposal, moment: Moment, _b: object) -> Denial | None:
    if moment.account_status == "active":
        return None
    if not moment.account_status:
        return Denial("account_unknown", "The state of this account is not known. Ask support.")
    if moment.account_status == "pending":
        return Denial(
            "account_pending",
            "This account is not open yet: answer what is missing at /account/opening.",
        )
    if moment.account_status == SUSPENDED:
        return Denial(
            "account_suspended",
            "You have suspended trading in this account: allow it again in its settings.",
        )
    return Denial(
        "account_restricted",
        f"This account is {moment.account_status} and takes no new orders. Ask support why.",
    )


def instrument_is_tradable(proposal: Proposal, moment: Moment, _b: object) -> Denial | None:
    if not moment.is_tradable:
        return Denial("not_tradable", f"{proposal.symbol} cannot be traded here.")
    if moment.is_halted:
        return Denial("halted", f"Trading in {proposal.symbol} is halted. Try again later.")
    return None


def position_may_be_opened(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """Where positions may only be reduced, no order may open or enlarge one."""
    if not situation.is_closing_only or proposal.is_leg:
        return None
    return only_closing(proposal) if opening_quantity(proposal, situation) else None


def only_closing(proposal: Proposal) -> Denial:
    return Denial(
        "closing_only",
        f"Positions in {proposal.symbol} may only be reduced now: order no more than you have.",
    )


def venue_is_up(proposal: Proposal, moment: Moment, _b: object) -> Denial | None:
    if moment.is_venue_up:
        return None
    return Denial(
        VENUE_UNAVAILABLE,
        f"The venue for {proposal.symbol} cannot be reached now. Try again shortly.",
    )


def session_is_open(proposal: Proposal, moment: Moment, _b: object) -> Denial | None:
    """Outside the regular session an order waits for the next one, unless it cannot wait.

    Limit orders for extended hours need no auction; others may be entered before it.
    """
    if moment.phase is None:
        return Denial(
            "calendar_missing", f"The market hours of {proposal.symbol} are not known. Ask support."
        )
    if moment.phase is Phase.REGULAR or proposal.type in STOPS or proposal.is_leg:
        return None
    if proposal.type is OrderType.LIMIT and proposal.time_in_force not in _AT_ONCE:
        return None
    if waits_for_auction(proposal, moment):
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
    steps = situation.price_steps
    prices = [proposal.limit_price]
    if proposal.type is not OrderType.TRAILING_STOP:  # whose stop follows the market's prices
        prices.append(proposal.stop_price)
    for price in prices:
        if price is not None and not steps.fits(price):
            return Denial(
                PRICE_INCREMENT,
                f"Prices of {proposal.symbol} go in steps of {_told(steps)}: "
                f"{price.normalize():f} is between two of them.",
            )
    return None


def _told(steps: PriceSteps[Decimal]) -> str:
    usual = f"{steps.usual.normalize():f}"
    if not steps.fine_below:
        return usual
    below = f"{steps.fine_below.normalize():f}"
    return f"{usual} from {below} on and of {steps.fine.normalize():f} below"


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
        return price_missing(proposal.symbol)
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
