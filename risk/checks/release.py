"""May an order go that we have held: a stop whose price was reached, a leg whose turn came? Pure.

It was judged when it was placed, and the moment is another now. What passes by itself it waits
for: a halt, a switch, a clock that is off, a venue out of reach; what opens a position, also for
prices. What it has outgrown ends it: the limits and the equity of today, for what opens a position.
What closes one was asked for to protect it, and goes whatever limits were tightened meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from risk.checks.conduct import clock_is_right, nothing_is_stopped
from risk.checks.facts import (
    LIMITS_MISSING,
    Bounds,
    Check,
    CheckOfMoment,
    Denial,
    Moment,
    Proposal,
    Situation,
)
from risk.checks.lending import (
    margin_covers,
    may_sell_short,
    nothing_is_in_the_way,
    positions_are_priced,
)
from risk.checks.market import (
    account_is_active,
    instrument_is_tradable,
    only_closing,
    quote_is_fresh,
    session_is_open,
    venue_is_up,
)
from risk.checks.size import (
    exposure_is_allowed,
    position_is_allowed,
    price_is_near,
    quantity_is_allowed,
    value_is_allowed,
    volume_is_allowed,
)

OF_THE_MOMENT: Final[tuple[CheckOfMoment, ...]] = (
    nothing_is_stopped,
    clock_is_right,
    instrument_is_tradable,
    session_is_open,
)
"""What every order that goes must pass, when it is placed and whenever it goes; and last of all its
venue must be there, so that whoever waits for that alone is told so."""
PRICED: Final[tuple[Check, ...]] = (quote_is_fresh, positions_are_priced)
"""What an order that opens a position waits for besides."""
MEASURED_ANEW: Final[tuple[Check, ...]] = (
    quantity_is_allowed,
    value_is_allowed,
    volume_is_allowed,
    price_is_near,
    position_is_allowed,
    exposure_is_allowed,
    nothing_is_in_the_way,
    may_sell_short,
    margin_covers,
)
"""What an order that opens a position must pass again. Of what counts open orders it was one; what
a cash account pays is set aside already."""


def obstacle(proposal: Proposal, moment: Moment) -> Denial | None:
    """Return what a held order has to wait for, None when it may go."""
    for check in OF_THE_MOMENT:
        denial = check(proposal, moment, None)
        if denial is not None:
            return denial
    return _opening(proposal, moment) or venue_is_up(proposal, moment, None)


def _opening(proposal: Proposal, moment: Moment) -> Denial | None:
    """Nothing opens a position where they may only be reduced, or for a restricted account."""
    if not _opens(proposal):
        return None
    if moment.is_closing_only:
        return only_closing(proposal)
    return account_is_active(proposal, moment, None)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a held order meets today: what it `waits_for`, or which limit it has `outgrown`."""

    waits_for: Denial | None = None
    outgrown: Denial | None = None


MAY_GO: Final = Measured()


def measure(proposal: Proposal, situation: Situation, bounds: Bounds | None) -> Measured:
    """Hold an order that is to go against the prices and limits of today."""
    if not _opens(proposal):
        return MAY_GO
    if bounds is None:
        return Measured(outgrown=LIMITS_MISSING)
    waits_for = _first(PRICED, proposal, situation, bounds)
    if waits_for is not None:
        return Measured(waits_for=waits_for)
    return Measured(outgrown=_first(MEASURED_ANEW, proposal, situation, bounds))


def _first(
    checks: Iterable[Check], proposal: Proposal, situation: Situation, bounds: Bounds
) -> Denial | None:
    return next((d for check in checks if (d := check(proposal, situation, bounds))), None)


def _opens(proposal: Proposal) -> bool:
    return proposal.intent is not None and proposal.intent.opens
