"""What is lent: opening and closing, short sales, equity and day trades of margin accounts. Pure.

In a cash account an order says what it does as well, and the rest of this has nothing to say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from foundation import decimals
from marketdata.calendars import Phase
from risk.checks.facts import Bounds, Denial, Proposal, Situation, price_missing
from risk.margin import day_trades
from risk.margin.requirements import DAY_TRADER_EQUITY_MIN, EQUITY_MIN, Intent
from venues.messages import OrderType

ZERO: Final = Decimal(0)


def intent_matches(proposal: Proposal, _s: Situation, _b: Bounds) -> Denial | None:
    """Whoever says what the order is to do is told when it would do something else."""
    asked, intent = proposal.asked_intent, proposal.intent
    if asked is None or intent is None or asked is intent:
        return None
    return Denial(
        "position_intent_mismatch",
        f"You asked for {_words(asked)}, and with the position that you have this order would be "
        f"{_words(intent)}.",
    )


def nothing_is_in_the_way(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """While an overdue call is liquidated nobody else orders: it would wait for each of them."""
    margin = situation.margin
    if margin is None or not margin.is_being_liquidated or proposal.is_system:
        return None
    return Denial(
        "being_liquidated",
        "A margin call of this account is overdue, and positions are being closed to meet it. "
        "Orders go again once it is met: deposit what is missing, or wait.",
    )


def legs_close(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """In a margin account an entry opens and an OCO closes: legs then never flip a position."""
    if situation.margin is None or proposal.intent is None or proposal.is_leg:
        return None
    if proposal.is_entry and not proposal.intent.opens:
        return Denial("entry_closes", "An order with legs must open a position: this one closes.")
    if proposal.is_oco and proposal.intent.opens:
        return Denial("oco_opens", "An OCO closes a position, and this one would open one.")
    return None


def nothing_flips(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """A purchase that closes a short is for what is short and not being bought back already."""
    margin = situation.margin
    if margin is None or proposal.intent is not Intent.BUY_TO_CLOSE or proposal.is_leg:
        return None
    if proposal.quantity <= margin.coverable:
        return None
    short = -situation.position
    under_way = short - margin.coverable
    return Denial(
        "cover_too_large",
        f"This order buys back {_number(proposal.quantity)} {proposal.symbol}; you are short "
        f"{_number(short)}"
        + (f", of which {_number(under_way)} are being bought back already." if under_way else ".")
        + " Close the short first, then buy what you want to own.",
    )


def may_sell_short(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    margin = situation.margin
    if margin is None or proposal.intent is not Intent.SELL_TO_OPEN or proposal.is_leg:
        return None
    symbol = proposal.symbol
    if not margin.allows_shorting:
        return Denial("shorting_disabled", "Selling short is switched off for this account.")
    if not (margin.is_shortable and margin.is_marginable):
        return Denial("not_shortable", f"{symbol} cannot be sold short here.")
    if margin.standing.equity < EQUITY_MIN:
        return Denial(
            "margin_equity_minimum",
            f"Selling short takes at least {EQUITY_MIN:,.0f} USD of equity; you have "
            f"{margin.standing.equity:,.2f}.",
        )
    if proposal.notional is not None or proposal.quantity % 1:
        return Denial("short_fractional", "Only whole units can be sold short, by their number.")
    is_extended = situation.phase in (Phase.EARLY, Phase.LATE) or proposal.extended_hours
    if is_extended and proposal.type is not OrderType.LIMIT:
        return Denial("short_extended_hours", "Outside the session only a limit order sells short.")
    if margin.is_easy_to_borrow or margin.short_after <= margin.located:
        return None
    return Denial(
        "no_locate",
        f"{symbol} is hard to borrow, and nobody lends "
        f"{_number(margin.short_after)} of it to you today. Ask support for a locate.",
    )


def positions_are_priced(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """What an account may bear is known while all that it holds has a price that counts."""
    margin = situation.margin
    if margin is None or not _takes_margin(proposal) or not margin.standing.unpriced:
        return None
    return Denial(
        "position_price_stale",
        f"There is no live price of what you hold ({', '.join(margin.standing.unpriced)}), so "
        "that nobody can say what your account may bear. Orders that close go on.",
    )


def margin_covers(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """The equity must bear what an order that opens requires; what closes is always borne."""
    margin = situation.margin
    if margin is None or not _takes_margin(proposal):
        return None
    if margin.required is None:
        return price_missing(proposal.symbol)
    if margin.required <= margin.available:
        return None
    return Denial(
        "insufficient_buying_power",
        f"Not enough buying power: this order requires {margin.required:,.2f} USD of your equity, "
        f"{max(margin.available, ZERO):,.2f} is free. Lower the quantity, "
        "close something or deposit.",
    )


def day_trades_are_few(proposal: Proposal, situation: Situation, _b: Bounds) -> Denial | None:
    """FINRA 4210(f)(8)(B): below 25,000 USD of equity, three in five business days and no more."""
    margin = situation.margin
    if margin is None or margin.day_trades is None or proposal.is_system:
        return None
    if margin.standing.equity >= DAY_TRADER_EQUITY_MIN:
        return None
    if margin.day_trades < day_trades.ALLOWED:
        return None
    return Denial(
        "day_trade_limit",
        f"This would close what you opened today, and you have made {margin.day_trades} day "
        f"trades in five business days. With less than {DAY_TRADER_EQUITY_MIN:,.0f} USD of equity "
        f"{day_trades.ALLOWED} are allowed: wait until tomorrow, or deposit.",
    )


def _takes_margin(proposal: Proposal) -> bool:
    return not proposal.is_leg and proposal.intent is not None and proposal.intent.opens


def _number(quantity: Decimal) -> str:
    return decimals.text(quantity)


def _words(intent: Intent) -> str:
    return intent.value.replace("_", " ")
