"""What members ask for: new orders, cancels, replacements. Pure."""

from __future__ import annotations

from venues.exchange import entry
from venues.exchange.book import Order
from venues.exchange.clerk import Clerk
from venues.exchange.commands import Enter, Reason, request_id
from venues.exchange.listing import Listing, MemberOrder
from venues.exchange.matching import Matcher
from venues.exchange.state import State, ticket_of
from venues.messages import CancelOrder, NewOrder, ReplaceOrder, ReportKind


class Members:
    """Carry out members' requests, each once."""

    def __init__(self, state: State, clerk: Clerk, matcher: Matcher) -> None:
        self._state = state
        self._clerk = clerk
        self._matcher = matcher

    def enter(self, command: Enter) -> Listing | None:
        """Carry out a request; return the listing that it concerns, if there is one."""
        if not self._state.seen.add(command.member, request_id(command.request)):
            return None
        match command.request:
            case CancelOrder() as cancel:
                return self._cancel(command.member, cancel)
            case ReplaceOrder() as wanted:
                return self._replace(command.member, wanted)
            case NewOrder() as new:
                return self._new_order(command.member, new)

    def _new_order(self, member: str, new: NewOrder) -> Listing | None:
        number = self._state.next_order_number()
        listing = self._state.listings.get(new.symbol)
        reason = entry.flaw(new, listing)
        if listing is None or reason is not None:
            ticket = MemberOrder(number, member, new.client_order_id, new.symbol)
            self._clerk.report(ticket, ReportKind.REJECTED, reason=reason or "")
            return listing
        ticket = entry.ticket(new, listing, member=member, number=number)
        order = Order(number, new.side.sign, ticket.price, ticket.quantity, ticket)
        if _would_take(order, ticket, listing):
            reason = Reason.POST_ONLY_WOULD_EXECUTE
            self._clerk.report(ticket, ReportKind.REJECTED, reason=reason)
            return listing
        self._clerk.report(ticket, ReportKind.ACCEPTED)
        self._matcher.enter(order)
        return listing

    def _cancel(self, member: str, cancel: CancelOrder) -> Listing | None:
        order = self._state.open_orders.get((member, cancel.client_order_id))
        if order is None:
            unknown = MemberOrder(0, member, cancel.client_order_id, "")
            kind, reason = ReportKind.CANCEL_REJECTED, Reason.ORDER_NOT_OPEN
            self._clerk.report(unknown, kind, reason=reason)
            return None
        self._clerk.end(order, ReportKind.CANCELLED, Reason.REQUESTED)
        return self._state.listings[ticket_of(order).symbol]

    def _replace(self, member: str, wanted: ReplaceOrder) -> Listing | None:
        number = self._state.next_order_number()
        order = self._state.open_orders.get((member, wanted.client_order_id))
        if order is None:
            unknown = MemberOrder(number, member, wanted.new_client_order_id, "")
            self._refuse(unknown, wanted, Reason.ORDER_NOT_OPEN, executed=0)
            return None
        old = ticket_of(order)
        listing = self._state.listings[old.symbol]
        executed = old.executed - old.busted
        reason = entry.replacement_flaw(wanted, old, listing)
        if reason is None:
            new = entry.replacement(wanted, old, listing, number=number)
            # A price that stays cannot meet anybody whom it has not met before.
            if new.price != old.price and _would_take(order, new, listing):
                reason = Reason.POST_ONLY_WOULD_EXECUTE
        if reason is not None:
            refused = MemberOrder(number, member, wanted.new_client_order_id, old.symbol)
            self._refuse(refused, wanted, reason, executed=executed)
            return listing
        self._state.forget(old)
        reference, kind = wanted.client_order_id, ReportKind.REPLACED
        self._clerk.report(new, kind, reference=reference, executed=executed)
        if new.price == old.price and new.leaves <= old.leaves:
            _reduce(order, new, listing)
            self._state.remember(order, new)
        else:
            listing.remove(order)
            self._matcher.enter(Order(number, order.sign, new.price, new.leaves, new))
        return listing

    def _refuse(
        self, ticket: MemberOrder, wanted: ReplaceOrder, reason: Reason, *, executed: int
    ) -> None:
        self._clerk.report(
            ticket,
            ReportKind.REPLACE_REJECTED,
            reason=reason,
            reference=wanted.client_order_id,
            executed=executed,
        )


def _would_take(order: Order, ticket: MemberOrder, listing: Listing) -> bool:
    """Tell whether an order that must not execute on its way in would."""
    if not (ticket.is_post_only and listing.is_matching and ticket.may_match(listing.phase)):
        return False
    price = listing.clip(order.sign, ticket.price)
    return listing.book.front(order.sign, price) is not None


def _reduce(order: Order, ticket: MemberOrder, listing: Listing) -> None:
    """Let `ticket` take the place of the order in its queue, with no more than that had."""
    order.owner = ticket
    lots = ticket.lots_at(order.price)
    if order.number in listing.waiting:
        order.leaves = lots
    elif lots < listing.book.leaves_of(order):
        listing.book.reduce(order.number, lots)
