"""Is it too large, or too far from the market? Pure."""

from __future__ import annotations

from decimal import Decimal

from risk.checks.facts import (
    ZERO,
    Bounds,
    Denial,
    Proposal,
    Situation,
    dear_price,
    opening_quantity,
    price_missing,
    reference_price,
    worst_price,
)
from venues.messages import Side


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
        return price_missing(proposal.symbol)
    value = price * proposal.quantity
    if value <= bounds.order_value_max:
        return None
    return Denial(
        "order_value_limit",
        f"This order is worth up to {value:,.2f} USD; one order may be worth at most "
        f"{bounds.order_value_max:,.2f}.",
    )


def volume_is_allowed(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    """An order must not be a large part of what is traded on an average day.

    Of an instrument without a past nobody knows that: its other limits hold.
    """
    if situation.average_volume is None or proposal.is_leg:
        return None
    most = situation.average_volume * bounds.order_volume_max
    if proposal.quantity <= most:
        return None
    return Denial(
        "order_volume_limit",
        f"{situation.average_volume:,.0f} {proposal.symbol} are traded on an average day; one "
        f"order may have at most {most:,.0f}. Order it in smaller parts.",
    )


def price_is_near(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    """A limit that gives far too much is a slip of the finger, and so is one out of all reach.

    One that asks for more than the market gives harms nobody, and may wait for its day with a
    caution (`far_from_market`): only where not even a misplaced decimal point explains it, it is
    denied.

    A stop-limit order is measured from its stop. Without any price there is nothing to measure
    from: while the market is open `quote_is_fresh` has denied that. A leg is for the market that
    its entry will have found: that of now, or what the entry waits for.
    """
    limit, references = proposal.limit_price, _references(proposal, situation)
    if limit is None or not references:
        return None
    # What the order gives away at its limit, as a part of the price; below zero, what it asks.
    is_buy = proposal.side is Side.BUY
    reference = max(references) if is_buy else min(references)
    given = (limit - reference) / reference if is_buy else (reference - limit) / reference
    if given > bounds.price_collar:
        return Denial(
            "price_collar",
            f"The limit of {limit.normalize():f} is {given:.0%} {'above' if is_buy else 'below'} "
            f"the market; {bounds.price_collar:.0%} is the most. Check the price.",
        )
    reference = min(references) if is_buy else max(references)
    lower, higher = (limit, reference) if is_buy else (reference, limit)
    if (higher - lower) / higher <= bounds.price_distance_max:
        return None
    return Denial(
        "price_too_far",
        f"The market is at {reference:,.2f}: a limit of {limit.normalize():f} is out of reach. "
        "Check the price.",
    )


def _references(proposal: Proposal, situation: Situation) -> list[Decimal]:
    """Return the prices that the order may find; of two the one counts that allows it more."""
    if proposal.stop_price:
        return [proposal.stop_price]
    found = (reference_price(situation), proposal.entry_price)
    return [price for price in found if price is not None]


def position_is_allowed(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    """What the account could own or owe once all its open orders are executed, either way."""
    if proposal.is_leg:
        return None
    price = dear_price(proposal, situation, bounds)
    if price is None:
        return price_missing(proposal.symbol)
    quantity = _position_after(proposal, situation)
    words = "hold" if proposal.side is Side.BUY else "be short of"
    if quantity > bounds.position_quantity_max:
        return Denial(
            "position_quantity_limit",
            f"With this order you could {words} {quantity.normalize():f} {proposal.symbol}; the "
            f"limit is {bounds.position_quantity_max.normalize():f}.",
        )
    if quantity * price > bounds.position_value_max:
        return Denial(
            "position_limit",
            f"With this order you could {words} {quantity * price:,.2f} USD of "
            f"{proposal.symbol}; the limit is {bounds.position_value_max:,.2f}.",
        )
    return None


def _position_after(proposal: Proposal, situation: Situation) -> Decimal:
    """Return how much the account could have in the order's direction; zero when none."""
    if proposal.side is Side.BUY:
        after = situation.position + situation.open_buy_quantity + proposal.quantity
    else:
        after = situation.open_sell_quantity + proposal.quantity - situation.position
    return max(after, ZERO)


def exposure_is_allowed(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    """What all positions and open buys are worth together is limited; what reduces them is not."""
    added = opening_quantity(proposal, situation)
    if proposal.is_leg or not added:
        return None
    price = dear_price(proposal, situation, bounds)
    if price is None:
        return price_missing(proposal.symbol)
    after = situation.exposure + added * price
    if after <= bounds.gross_exposure_max:
        return None
    return Denial(
        "gross_exposure_limit",
        f"With this order all your positions could be worth {after:,.2f} USD; the limit is "
        f"{bounds.gross_exposure_max:,.2f}.",
    )


def firm_can_carry(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    """All customers' open buys together stay within what the firm answers for."""
    if proposal.side is Side.SELL or proposal.is_leg:
        return None
    price = worst_price(proposal, situation, bounds)
    if price is None:
        return price_missing(proposal.symbol)
    age = situation.firm_age
    if situation.firm_open_buys is None or age is None or age > bounds.firm_age_max:
        return Denial(
            "firm_exposure_stale",
            "What the firm has at stake is not known at this moment. Try again shortly.",
        )
    if situation.firm_open_buys + price * proposal.quantity <= bounds.firm_open_buys_max:
        return None
    return Denial(
        "firm_buying_power",
        "We cannot take more orders to buy at this moment. Try again later, or a smaller one.",
    )
