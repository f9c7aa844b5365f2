"""What a person should know of an order that may go. Pure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from risk.checks.facts import Caution, Proposal, Situation, reference_price
from venues.messages import Side

LARGE_PART: Final = Decimal("0.05")
"""Of an average day's volume: an order of that size moves the price that it gets."""
WIDE_SPREAD: Final = Decimal("0.01")
"""Of the price between bid and ask: ten times what the large stocks have."""
UNUSUAL_RANGE: Final = Decimal(3)
"""Times the average day's range: the days after earnings look like that."""
FAR_FROM_MARKET: Final = Decimal("0.20")

Warner = Callable[[Proposal, Situation], Caution | None]


def order_is_no_repeat(proposal: Proposal, situation: Situation) -> Caution | None:
    if not situation.has_twin:
        return None
    return Caution(
        "possible_duplicate",
        f"The same order in {proposal.symbol} was placed moments ago. If this one was not meant, "
        "cancel it. Give each order a client_order_id: a repeat then does no harm.",
    )


def order_is_small(proposal: Proposal, situation: Situation) -> Caution | None:
    average = situation.average_volume
    if average is None or proposal.quantity <= average * LARGE_PART:
        return None
    return Caution(
        "large_against_volume",
        f"This order is a large part of what is traded in {proposal.symbol} on an average day: it "
        "may move the price.",
    )


def spread_is_narrow(_p: Proposal, situation: Situation) -> Caution | None:
    bid, ask = situation.bid, situation.ask
    if bid is None or ask is None or (ask - bid) * 2 <= (ask + bid) * WIDE_SPREAD:
        return None
    return Caution(
        "wide_spread",
        "Buyers and sellers are far apart now: an order at the market may get a poor price.",
    )


def day_is_usual(proposal: Proposal, situation: Situation) -> Caution | None:
    high, low, usual = situation.day_high, situation.day_low, situation.average_range
    if high is None or low is None or not usual or (high - low) <= low * usual * UNUSUAL_RANGE:
        return None
    return Caution(
        "unusual_volatility",
        f"The price of {proposal.symbol} moves far more than usual today.",
    )


def limit_is_near(proposal: Proposal, situation: Situation) -> Caution | None:
    limit, reference = proposal.limit_price, reference_price(situation)
    if limit is None or reference is None or proposal.is_leg:
        return None
    is_buy = proposal.side is Side.BUY
    lower, higher = (limit, reference) if is_buy else (reference, limit)
    if higher - lower <= higher * FAR_FROM_MARKET:
        return None
    return Caution("far_from_market", "The limit is far from the market: it may never be met.")


CAUTIONS: Final[tuple[Warner, ...]] = (
    order_is_no_repeat,
    order_is_small,
    spread_is_narrow,
    day_is_usual,
    limit_is_near,
)


def cautions(proposal: Proposal, situation: Situation) -> tuple[Caution, ...]:
    """Return what a person should know of an order that may go."""
    if proposal.is_leg:
        return ()
    found = (warn(proposal, situation) for warn in CAUTIONS)
    return tuple(caution for caution in found if caution is not None)
