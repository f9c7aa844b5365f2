"""May this order go? One function a check, each a denial or None. Pure.

A check that lacks what it needs denies: no price, no calendar, no state is never a yes. The
codes are part of the API: they do not change their meaning, and docs/api.md lists them.
"""

from __future__ import annotations

from typing import Final

from risk.checks.cautioning import cautions
from risk.checks.conduct import (
    clock_is_right,
    messages_are_few,
    nothing_is_stopped,
    open_orders_are_few,
    order_meets_no_own,
)
from risk.checks.facts import (
    LIMITS_MISSING,
    Bounds,
    Caution,
    Check,
    Denial,
    Moment,
    Proposal,
    Situation,
    far_price,
    waits_for_auction,
    worst_price,
    worst_price_of,
)
from risk.checks.lending import (
    day_trades_are_few,
    intent_matches,
    legs_close,
    margin_covers,
    may_sell_short,
    nothing_flips,
    nothing_is_in_the_way,
    positions_are_priced,
)
from risk.checks.market import (
    PRICE_INCREMENT,
    SUSPENDED,
    VENUE_UNAVAILABLE,
    account_is_active,
    instrument_is_tradable,
    position_may_be_opened,
    price_fits,
    quantity_fits,
    quote_is_fresh,
    session_is_open,
    stop_is_ahead,
    value_can_be_ordered,
    venue_is_up,
)
from risk.checks.money import account_can_pay, account_has_what_it_sells
from risk.checks.release import Measured, measure, obstacle
from risk.checks.size import (
    exposure_is_allowed,
    firm_can_carry,
    position_is_allowed,
    price_is_near,
    quantity_is_allowed,
    value_is_allowed,
    volume_is_allowed,
)

__all__ = [
    "CHECKS",
    "LIMITS_MISSING",
    "PRICE_INCREMENT",
    "SUSPENDED",
    "VENUE_UNAVAILABLE",
    "Bounds",
    "Caution",
    "Check",
    "Denial",
    "Measured",
    "Moment",
    "Proposal",
    "Situation",
    "cautions",
    "checks_of",
    "far_price",
    "first_denial",
    "measure",
    "obstacle",
    "waits_for_auction",
    "worst_price",
    "worst_price_of",
]

CHECKS: Final[tuple[Check, ...]] = (
    account_is_active,
    nothing_is_stopped,
    clock_is_right,
    messages_are_few,
    instrument_is_tradable,
    position_may_be_opened,
    venue_is_up,
    session_is_open,
    value_can_be_ordered,
    quantity_fits,
    price_fits,
    quote_is_fresh,
    stop_is_ahead,
    open_orders_are_few,
    quantity_is_allowed,
    value_is_allowed,
    volume_is_allowed,
    price_is_near,
    order_meets_no_own,
    position_is_allowed,
    exposure_is_allowed,
    firm_can_carry,
    nothing_is_in_the_way,
    intent_matches,
    legs_close,
    account_can_pay,
    account_has_what_it_sells,
    nothing_flips,
    may_sell_short,
    positions_are_priced,
    margin_covers,
    day_trades_are_few,
)

SYSTEM_EXEMPT: Final = frozenset(
    {
        account_is_active,  # a restricted account must be able to lose what it cannot keep
        messages_are_few,
        open_orders_are_few,
        quantity_is_allowed,
        value_is_allowed,
        volume_is_allowed,
        day_trades_are_few,
    }
)
"""What does not hold up a liquidation, which only ever reduces what is at risk. All else does: it
is stopped by switches, halts and missing prices, as every order is."""

RESTATED_EXEMPT: Final = SYSTEM_EXEMPT | {
    clock_is_right,
    position_may_be_opened,
    venue_is_up,
    quote_is_fresh,
    stop_is_ahead,
    price_is_near,
    order_meets_no_own,
    position_is_allowed,
    exposure_is_allowed,
    firm_can_carry,
    intent_matches,
    may_sell_short,
    positions_are_priced,
}
"""What does not keep a resting order from going on under the terms that a corporate action gives
it. Like a liquidation it asks for nothing new; and it is carried over at night, when prices are old
and links may be down: denied, it would end, and with it the stop that its owner relies on. What it
needs must be there, and what is stopped or halted stays so."""

_OF_SYSTEM: Final = tuple(check for check in CHECKS if check not in SYSTEM_EXEMPT)
_OF_RESTATED: Final = tuple(check for check in CHECKS if check not in RESTATED_EXEMPT)


def checks_of(proposal: Proposal) -> tuple[Check, ...]:
    """Return the checks that the order has to pass, in their order."""
    if proposal.is_system:
        return _OF_SYSTEM
    return _OF_RESTATED if proposal.is_restated else CHECKS


def first_denial(proposal: Proposal, situation: Situation, bounds: Bounds | None) -> Denial | None:
    """Return the first denial in the order of the checks, or None: the order may go."""
    if bounds is None:
        return LIMITS_MISSING
    for check in checks_of(proposal):
        denial = check(proposal, situation, bounds)
        if denial is not None:
            return denial
    return None
