"""What the exchange takes: why a member's order or replacement cannot be entered. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from marketdata.calendars import ALWAYS, Phase
from venues.exchange.commands import Admit, Reason
from venues.exchange.listing import Listing, MemberOrder
from venues.messages import NewOrder, OrderType, ReplaceOrder, TimeInForce

_TAKEN: Final = frozenset({OrderType.MARKET, OrderType.LIMIT})
_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def flaw(new: NewOrder, listing: Listing | None) -> Reason | None:
    """Return why `new` cannot be taken, or None."""
    if listing is None:
        return Reason.UNKNOWN_SYMBOL
    if new.type not in _TAKEN:
        return Reason.TYPE_NOT_TAKEN
    return (
        _session_flaw(listing)
        or _quantity_flaw(new.quantity, listing.terms)
        or _price_flaw(new, listing)
        or _wish_flaw(new, listing.terms)
        or _moment_flaw(new, listing)
    )


def ticket(new: NewOrder, listing: Listing, *, member: str, number: int) -> MemberOrder:
    """Return what the exchange keeps of a sound order."""
    terms, shown, cash = listing.terms, new.display_quantity, new.cash_max
    is_late = listing.phase is Phase.CLOSED or (
        listing.phase is Phase.LATE and not new.extended_hours
    )
    has_missed_opening = listing.has_opened and new.time_in_force is TimeInForce.OPG
    return MemberOrder(
        number=number,
        member=member,
        client_order_id=new.client_order_id,
        symbol=new.symbol,
        quantity=int(new.quantity / terms.lot),
        price=int((new.limit_price or 0) / terms.tick),
        is_market=new.type is OrderType.MARKET,
        time_in_force=new.time_in_force,
        is_post_only=new.is_post_only,
        display=None if shown is None else int(shown / terms.lot),
        cash=None if cash is None else int(cash / (terms.tick * terms.lot)),
        extended_hours=new.extended_hours,
        party=new.party,
        self_trade_prevention=new.self_trade_prevention,
        is_for_next_session=is_late or has_missed_opening,
    )


def replacement_flaw(wanted: ReplaceOrder, old: MemberOrder, listing: Listing) -> Reason | None:
    """Return why `old` cannot be replaced so, or None."""
    terms = listing.terms
    flaw = _session_flaw(listing) or _quantity_flaw(wanted.quantity, terms)
    if flaw is not None:
        return flaw
    if wanted.limit_price is not None:
        if wanted.limit_price <= 0:
            return Reason.PRICE_NOT_POSITIVE
        if not _is_on_tick(wanted.limit_price, listing):
            return Reason.PRICE_OFF_TICK
    is_done = int(wanted.quantity / terms.lot) <= old.executed - old.busted
    return Reason.ALREADY_EXECUTED if is_done else None


def replacement(
    wanted: ReplaceOrder, old: MemberOrder, listing: Listing, *, number: int
) -> MemberOrder:
    """Return what takes the place of `old`: its rest, which counts its executions from zero."""
    terms, limit = listing.terms, wanted.limit_price
    return replace(
        old,
        number=number,
        client_order_id=wanted.new_client_order_id,
        quantity=int(wanted.quantity / terms.lot) - (old.executed - old.busted),
        price=old.price if limit is None else int(limit / terms.tick),
        executed=0,
        busted=0,
    )


def _session_flaw(listing: Listing) -> Reason | None:
    if listing.is_halted:
        return Reason.HALTED
    # A market that never closes is shut only where its exchange is, and nothing waits there.
    is_shut = listing.phase is Phase.CLOSED and listing.terms.calendar == ALWAYS
    return Reason.SESSION_CLOSED if is_shut else None


def _quantity_flaw(quantity: Decimal, terms: Admit) -> Reason | None:
    if quantity <= 0:
        return Reason.QUANTITY_NOT_POSITIVE
    if quantity % terms.lot:
        return Reason.QUANTITY_OFF_LOT
    return Reason.QUANTITY_BELOW_MINIMUM if quantity < terms.quantity_min else None


def _price_flaw(new: NewOrder, listing: Listing) -> Reason | None:
    if new.limit_price is None:
        is_market = new.type is OrderType.MARKET
        return Reason.PROTECTION_MISSING if is_market else Reason.PRICE_MISSING
    if new.limit_price <= 0:
        return Reason.PRICE_NOT_POSITIVE
    return None if _is_on_tick(new.limit_price, listing) else Reason.PRICE_OFF_TICK


def _is_on_tick(price: Decimal, listing: Listing) -> bool:
    """Tell whether there is such a price: from some price on not every tick is one."""
    tick = listing.terms.tick
    return not price % tick and listing.steps.fits(int(price / tick))


def _wish_flaw(new: NewOrder, terms: Admit) -> Reason | None:
    """Look at what few orders ask for."""
    shown, is_market = new.display_quantity, new.type is OrderType.MARKET
    if shown is not None and (shown < 0 or shown % terms.lot):
        return Reason.DISPLAY_OFF_LOT
    if new.cash_max is not None and new.cash_max <= 0:
        return Reason.CASH_NOT_POSITIVE
    if new.is_post_only and (is_market or new.time_in_force in _AT_ONCE):
        return Reason.POST_ONLY_MUST_REST
    return Reason.EXTENDED_HOURS_LIMIT_ONLY if new.extended_hours and is_market else None


def _moment_flaw(new: NewOrder, listing: Listing) -> Reason | None:
    """Return why an order that cannot wait is not taken now."""
    if new.time_in_force not in _AT_ONCE:
        return None
    is_regular = listing.phase is Phase.REGULAR
    if not is_regular and (listing.phase is Phase.CLOSED or not new.extended_hours):
        return Reason.SESSION_CLOSED
    return None if listing.is_matching else Reason.AUCTION_COLLECTING
