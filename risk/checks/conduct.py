"""Is somebody or something to be stopped: switches, throttles, clocks, own trades. Pure."""

from __future__ import annotations

from typing import Final

from risk.checks.facts import Bounds, Denial, Moment, Proposal, Situation, far_price
from venues.messages import OrderType, Side

CLOCK_ALARM_MS: Final = 25.0
CLOCK_HALT_MS: Final = 50.0
"""FINRA rule 4590 wants business clocks within 50 ms of UTC."""


def nothing_is_stopped(_p: Proposal, moment: Moment, _b: object) -> Denial | None:
    if not moment.stopped:
        return None
    return Denial(
        moment.stopped,
        f"Trading is stopped for {moment.stopped_scope} until a person allows it again. "
        "Ask support why.",
    )


def clock_is_right(_p: Proposal, moment: Moment, _b: object) -> Denial | None:
    """A clock that is known to be wrong stamps wrong times; one that nobody measured is an alarm
    for operations, and no reason to stop."""
    if moment.clock_offset is None or abs(moment.clock_offset) <= CLOCK_HALT_MS:
        return None
    return Denial("clock_drift", "Our clock is not right, so nothing is traded. Try again shortly.")


def messages_are_few(_p: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    for count, most, span in (
        (situation.messages_in_second, bounds.messages_per_second_max, "second"),
        (situation.messages_in_minute, bounds.messages_per_minute_max, "minute"),
    ):
        if count > most:
            return Denial(
                "message_throttle",
                f"More than {most} orders and replacements came within one {span}. "
                f"Try again in the next {span}.",
            )
    return None


def open_orders_are_few(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    if proposal.is_leg or situation.open_orders < bounds.open_orders_max:
        return None
    return Denial(
        "open_orders_limit",
        f"You have {situation.open_orders} open orders and may have {bounds.open_orders_max}. "
        "Cancel some first.",
    )


def order_meets_no_own(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """No order may trade with one of the same account that rests: ownership would not change.

    At the market that is one at the touch; a stop rests with us and meets the market only later,
    where the venue sees to it.
    """
    is_buy = proposal.side is Side.BUY
    own = situation.own_ask if is_buy else situation.own_bid
    if own is None or proposal.is_leg or proposal.type not in (OrderType.MARKET, OrderType.LIMIT):
        return None
    price = proposal.limit_price
    if price is None:
        price = far_price(proposal, situation)
    if price is None or (price < own if is_buy else price > own):
        return None
    return Denial(
        "self_trade",
        f"This order could trade with your own one to {'sell' if is_buy else 'buy'} "
        f"{proposal.symbol} at {own.normalize():f}. Cancel that one first.",
    )


def executions_are_few(count: int, bounds: Bounds) -> bool:
    """Tell whether so many executions of an account in an instrument within a minute may be."""
    return count <= bounds.executions_per_minute_max
