"""Can the account pay for it, and has it what it sells? Pure."""

from __future__ import annotations

from foundation.decimals import CASH
from portfolio.accounting import HoldTerms
from portfolio.fees.rules import fee_of
from risk.checks.facts import (
    ZERO,
    Bounds,
    Denial,
    Proposal,
    Situation,
    price_missing,
    worst_price,
)
from risk.margin.requirements import Intent
from venues.messages import Side


def account_can_pay(proposal: Proposal, situation: Situation, bounds: Bounds) -> Denial | None:
    if proposal.side is Side.SELL or proposal.is_leg or situation.margin is not None:
        return None
    price = worst_price(proposal, situation, bounds)
    if price is None:
        return price_missing(proposal.symbol)
    fees = situation.fees
    if proposal.notional is not None:
        fee = fee_of(fees, quantity=proposal.quantity, value=proposal.notional)
        needed = proposal.notional + fee
    else:
        needed = HoldTerms(CASH, price, fees=fees).of(proposal.quantity)
    if needed <= situation.cash_available:
        return None
    unit = price + fees.per_unit + fees.rate * price
    left = max(situation.cash_available - fees.per_order, ZERO)
    affordable = left / unit // situation.quantity_increment
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
        or proposal.intent is Intent.SELL_TO_OPEN
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
