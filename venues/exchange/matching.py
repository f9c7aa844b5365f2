"""One order meets the book: what it executes, and what becomes of the rest. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from venues.exchange.book import Order, OrderBook
from venues.exchange.clerk import Clerk
from venues.exchange.commands import Reason
from venues.exchange.listing import Listing, MemberOrder
from venues.exchange.state import State, ticket_of
from venues.messages import ReportKind, SelfTradePrevention, TimeInForce

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class Matcher:
    """Carry members' orders into the books."""

    def __init__(self, state: State, clerk: Clerk) -> None:
        self._state = state
        self._clerk = clerk

    def enter(self, order: Order) -> None:
        """Execute a member's order as far as may be, and let the rest rest, wait or be cancelled.

        The order has been accepted; it lies nowhere yet and is not counted among the open ones.
        """
        ticket = ticket_of(order)
        listing = self._state.listings[ticket.symbol]
        order.price, order.leaves = ticket.price, ticket.leaves
        if not (listing.is_matching and ticket.may_match(listing.phase)):
            self._let_rest(order, listing, ticket)
            return
        order.price = listing.clip(order.sign, ticket.price)
        if ticket.time_in_force is TimeInForce.FOK and not _is_obtainable(order, ticket, listing):
            remainder: Reason | None = Reason.NOT_FILLED_IN_FULL
        else:
            remainder = self._take(order, listing, ticket)
            if not ticket.leaves:
                return
        if remainder is None and ticket.is_market:
            is_clipped = order.price != ticket.price
            remainder = Reason.OUTSIDE_BANDS if is_clipped else Reason.PROTECTION_REACHED
        elif remainder is None and ticket.time_in_force in _AT_ONCE:
            remainder = Reason.NOTHING_LEFT_AT_PRICE
        if remainder is None:
            self._let_rest(order, listing, ticket)
        else:
            self._clerk.report(ticket, ReportKind.CANCELLED, reason=remainder)

    def _let_rest(self, order: Order, listing: Listing, ticket: MemberOrder) -> None:
        if ticket.lots_at(order.price):
            listing.rest(order)
            self._state.remember(order, ticket)
        else:
            self._clerk.report(ticket, ReportKind.CANCELLED, reason=Reason.CASH_REACHED)

    def _take(self, order: Order, listing: Listing, ticket: MemberOrder) -> Reason | None:
        """Execute what can be; return why the rest must not go on, or None."""
        if ticket.cash is None and not listing.would_meet_itself(order, ticket):
            self._clerk.fills(order, listing, listing.book.take(order))
            return None
        # Each step executes one resting order or takes an own one away, so the steps are bounded.
        while order.leaves:
            resting = listing.book.front(order.sign, order.price)
            if resting is None:
                return None
            if ticket.is_of_same_party(resting.owner):
                if not self._may_go_on(resting, ticket):
                    return Reason.SELF_TRADE
                continue
            lots = min(resting.leaves, ticket.lots_at(resting.price))
            if not lots:
                return Reason.CASH_REACHED
            order.leaves = lots
            self._clerk.fills(order, listing, listing.book.take(order))
            order.leaves = ticket.leaves
        return None

    def _may_go_on(self, resting: Order, ticket: MemberOrder) -> bool:
        """Prevent a trade of a party with itself; return whether the newer order goes on."""
        prevention = ticket.self_trade_prevention
        if prevention is not SelfTradePrevention.CANCEL_NEWEST:
            self._clerk.end(resting, ReportKind.CANCELLED, Reason.SELF_TRADE)
        return prevention is SelfTradePrevention.CANCEL_OLDEST


def _is_obtainable(order: Order, ticket: MemberOrder, listing: Listing) -> bool:
    """Tell whether the order would be executed in full at once, or for all of its cash.

    What belongs to its own party counts for nothing, and where that would cancel the order,
    neither does what lies behind.
    """
    book = listing.book
    if ticket.cash is None and not listing.would_meet_itself(order, ticket):
        return book.available(order.sign, order.price, ticket.leaves) == ticket.leaves
    wanted, cash = ticket.leaves, ticket.cash
    for price, lots, is_last in _offered(order, ticket, book):
        taken = min(lots, wanted)
        if cash is not None:
            if cash // price < taken:
                return True
            cash -= taken * price
        wanted -= taken
        if not wanted or is_last:
            break
    return not wanted


def _offered(order: Order, ticket: MemberOrder, book: OrderBook) -> Iterator[tuple[int, int, bool]]:
    """Yield (price, lots of others, whether the order ends there) of each level it may meet."""
    ends = ticket.self_trade_prevention is not SelfTradePrevention.CANCEL_OLDEST
    for price, level in groupby(book.facing(order.sign, order.price), key=lambda each: each.price):
        queue = list(level)
        own = [place for place, each in enumerate(queue) if ticket.is_of_same_party(each.owner)]
        if not own or not ends:
            others = (each for each in queue if not ticket.is_of_same_party(each.owner))
            yield price, sum(map(book.leaves_of, others)), False
            continue
        # A slice that comes forward lines up behind the own order, if that one is shown.
        ahead, is_shown = queue[: own[0]], not book.is_hidden(queue[own[0]])
        lots = sum(each.leaves if is_shown else book.leaves_of(each) for each in ahead)
        yield price, lots, True
