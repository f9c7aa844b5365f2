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

SENTENCES: Final = {
    "possible_duplicate": "The same order came moments before, and neither with a "
    "client_order_id of yours. Make sure that you want both.",
    "large_against_volume": "The order is a large part of what is traded on an average day: it "
    "may move the price.",
    "wide_spread": "Buyers and sellers are far apart: at the market the price may be poor.",
    "unusual_volatility": "The price moves far more than usual today.",
    "far_from_market": "The limit is far from the market: it may never be met.",
}
"""What each code says to a person; the codes are part of the API."""

Warner = Callable[[Proposal, Situation], str | None]


def order_is_no_repeat(_p: Proposal, situation: Situation) -> str | None:
    return "possible_duplicate" if situation.has_twin else None


def order_is_small(proposal: Proposal, situation: Situation) -> str | None:
    average = situation.average_volume
    is_large = average is not None and proposal.quantity > average * LARGE_PART
    return "large_against_volume" if is_large else None


def spread_is_narrow(_p: Proposal, situation: Situation) -> str | None:
    bid, ask = situation.bid, situation.ask
    if bid is None or ask is None or (ask - bid) * 2 <= (ask + bid) * WIDE_SPREAD:
        return None
    return "wide_spread"


def day_is_usual(_p: Proposal, situation: Situation) -> str | None:
    high, low, usual = situation.day_high, situation.day_low, situation.average_range
    if high is None or low is None or not usual or high - low <= low * usual * UNUSUAL_RANGE:
        return None
    return "unusual_volatility"


def limit_is_near(proposal: Proposal, situation: Situation) -> str | None:
    limit, reference = proposal.limit_price, reference_price(situation)
    if limit is None or reference is None:
        return None
    lower, higher = (limit, reference) if proposal.side is Side.BUY else (reference, limit)
    return "far_from_market" if higher - lower > higher * FAR_FROM_MARKET else None


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
    codes = (warn(proposal, situation) for warn in CAUTIONS)
    return tuple(Caution(code, SENTENCES[code]) for code in codes if code is not None)
