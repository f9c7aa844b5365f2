"""What the exchange itself orders: listings, halts, phases of the day, auctions, bands. Pure.

Whenever an instrument begins to match, all that may then be executed goes through an auction
first: at the open and the close, after a halt and after a pause. So no book is ever crossed while
it is matched, and nobody gains by having been the first to wake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from marketdata.calendars import Phase
from venues.exchange import auction
from venues.exchange.auction import Interest
from venues.exchange.bands import Bands
from venues.exchange.book import Order, OrderBook
from venues.exchange.clerk import Clerk
from venues.exchange.commands import (
    Admit,
    Bust,
    CloseSession,
    Halt,
    OpenSession,
    Reason,
    Wake,
)
from venues.exchange.listing import Listing, MemberOrder
from venues.exchange.matching import Matcher
from venues.exchange.state import Session, State, ticket_of
from venues.messages import ReportKind, TimeInForce

TakesPart = Callable[[MemberOrder], bool]


class House:
    """Carry out the exchange's own commands."""

    def __init__(self, state: State, clerk: Clerk, matcher: Matcher) -> None:
        self._state = state
        self._clerk = clerk
        self._matcher = matcher

    # --- Terms and halts -------------------------------------------------------------------

    def admit(self, terms: Admit) -> None:
        listing = self._state.listings.get(terms.symbol)
        if listing is None:
            listing = self._state.listings[terms.symbol] = Listing(terms)
            listing.phase = self._phase_of(terms.calendar)
            listing.has_opened = listing.phase in (Phase.REGULAR, Phase.LATE)
            return
        before = listing.terms
        is_counted_anew = (before.tick, before.lot) != (terms.tick, terms.lot)
        if is_counted_anew or before.coarse != terms.coarse:
            self._count_anew(listing, terms)
        listing.terms = terms
        if is_counted_anew or (before.bands, before.coarse) != (terms.bands, terms.coarse):
            listing.bands = Bands(terms.bands, listing.steps) if terms.bands else None
        if before.calendar != terms.calendar:
            self._turn(listing, self._phase_of(terms.calendar), has_auction=False)

    def _count_anew(self, listing: Listing, terms: Admit) -> None:
        """Bring what rests here onto the prices and the quantities that there are by `terms`.

        Exactly, or not at all: what cannot be so ends under the terms in which it is counted.
        """
        finer, rest = divmod(listing.terms.tick, terms.tick)
        if rest or listing.terms.lot != terms.lot:
            self._clear(listing)
            listing.restate(terms)
            return
        steps = terms.steps
        for order in _of_members(listing):
            if not steps.fits(ticket_of(order).price * int(finer)):
                self._clerk.end(order, ReportKind.CANCELLED, Reason.INSTRUMENT_CHANGED)
        for held in listing.quotes.values():
            for signed, order in list(held.items()):
                if not steps.fits(order.price * int(finer)):
                    listing.book.cancel(order.number)
                    del held[signed]
        listing.restate(terms)

    def _clear(self, listing: Listing) -> None:
        """Cancel the orders here, under the terms in whose ticks and lots they are counted."""
        for order in _of_members(listing):
            self._clerk.end(order, ReportKind.CANCELLED, Reason.INSTRUMENT_CHANGED)
        listing.book = OrderBook()
        listing.quotes = {}
        listing.last_price = None

    def halt(self, command: Halt) -> None:
        listing = self._state.listings[command.symbol]
        was_halted, listing.is_halted = listing.is_halted, command.is_halted
        if listing.bands is not None:
            listing.bands.limit_since = None
        if command.is_halted:
            listing.auction_at = None
        elif was_halted and command.auction_seconds:
            listing.auction_at = self._clerk.at + timedelta(seconds=command.auction_seconds)
        elif was_halted:
            self._reopen(listing)

    def bust(self, command: Bust) -> None:
        for side in command.sides:
            self._clerk.bust(
                side, symbol=command.symbol, quantity=command.quantity, price=command.price
            )

    # --- The phases of the day -------------------------------------------------------------

    def open_session(self, command: OpenSession) -> None:
        before = self._state.sessions.get(command.calendar)
        self._state.sessions[command.calendar] = Session(command.date, command.phase)
        for listing in self._state.listings_of(command.calendar):
            if before is None or before.date != command.date:
                listing.has_opened = False
                for order in _of_members(listing):
                    ticket_of(order).is_for_next_session = False
            self._turn(listing, command.phase, has_auction=command.has_auction)

    def close_session(self, command: CloseSession) -> None:
        for listing in self._state.listings_of(command.calendar):
            self._turn(listing, Phase.CLOSED, has_auction=command.has_auction)
        self._state.sessions.pop(command.calendar, None)

    def _phase_of(self, calendar: str) -> Phase:
        session = self._state.sessions.get(calendar)
        return session.phase if session else Phase.CLOSED

    def _turn(self, listing: Listing, phase: Phase, *, has_auction: bool) -> None:
        """Let a listing go from one phase to the next."""
        if listing.phase is phase:
            return
        is_closing = listing.phase is Phase.REGULAR and has_auction and not listing.is_halted
        if is_closing:
            listing.auction_at = None
            self._uncross(listing, lambda ticket: ticket.time_in_force is not TimeInForce.OPG)
        listing.phase = phase
        if phase in (Phase.LATE, Phase.CLOSED):
            listing.auction_at = None
            self._end_day(listing)
        if listing.is_matching:
            self._reopen(listing)
        else:
            self._settle(listing)

    def _end_day(self, listing: Listing) -> None:
        """End what was good for the day, or for an auction that is over."""
        is_late = listing.phase is Phase.LATE
        for order in _of_members(listing):
            ticket = ticket_of(order)
            if ticket.is_for_next_session:
                continue
            if ticket.waits_for_auction:
                self._clerk.end(order, ReportKind.CANCELLED, Reason.AUCTION_ENDED)
            elif ticket.is_day_order and not (is_late and ticket.extended_hours):
                self._clerk.end(order, ReportKind.EXPIRED, Reason.SESSION_ENDED)

    # --- What happens by itself ------------------------------------------------------------

    def wake(self, _command: Wake) -> None:
        for _, listing in sorted(self._state.listings.items()):
            due_at = listing.due_at()
            if due_at is None or due_at > self._clerk.at:
                continue
            if listing.auction_at is not None:
                listing.auction_at = None
                self._reopen(listing)
            elif listing.bands is not None:
                pause = timedelta(seconds=listing.bands.terms.pause_seconds)
                listing.auction_at = self._clerk.at + pause
                listing.bands.limit_since = None
                self._settle(listing)

    def keep_bands(self, listing: Listing) -> None:
        """After something happened: let the bands follow, and see whether anybody stands there."""
        bands = listing.bands
        if bands is None or not (listing.is_matching and listing.has_bands):
            return
        if self._clerk.has_traded and bands.follow(self._clerk.at):
            self._carry_along(listing, bands)
        best = listing.best()
        bands.watch(best.bid, best.ask, self._clerk.at)

    def _carry_along(self, listing: Listing, bands: Bands) -> None:
        """Move what stands beyond the bands to them, and what they held back towards its price."""
        for held in listing.quotes.values():
            for signed, order in list(held.items()):
                if bands.clip(order.sign, order.price) != order.price:
                    listing.book.cancel(order.number)
                    del held[signed]
        for order in _of_members(listing):
            ticket = ticket_of(order)
            is_here = order.number in listing.book.orders
            if is_here and bands.clip(order.sign, ticket.price) != order.price:
                listing.remove(order)
                self._state.forget(ticket)
                self._matcher.enter(order)

    # --- Auctions --------------------------------------------------------------------------

    def _reopen(self, listing: Listing) -> None:
        """Begin to match, through an auction of all that may be executed in this phase."""
        if not listing.is_matching:
            return
        is_opening = listing.phase is Phase.REGULAR and not listing.has_opened
        listing.has_opened = listing.has_opened or is_opening

        def takes_part(ticket: MemberOrder) -> bool:
            is_for_opening = is_opening and ticket.time_in_force is TimeInForce.OPG
            return is_for_opening or ticket.may_match(listing.phase)

        self._uncross(listing, takes_part)

    def _settle(self, listing: Listing) -> None:
        """Put every order where it belongs in this phase, executing nothing."""
        for order in _taken_out(listing):
            self._put(order, listing)

    def _put(self, order: Order, listing: Listing) -> None:
        """Let an order rest or wait, unless its cash does not reach for a lot at its price."""
        if _is_quote(order) or ticket_of(order).lots_at(order.price):
            listing.rest(order)
        else:
            self._clerk.drop(order, ReportKind.CANCELLED, Reason.CASH_REACHED)

    def _uncross(self, listing: Listing, takes_part: TakesPart) -> None:
        """Hold an auction; what is left of those that took part goes on, or ends with it."""
        orders = _taken_out(listing)
        part = [each for each in orders if _is_quote(each) or takes_part(ticket_of(each))]
        buying, selling = _interest(part, 1), _interest(part, -1)
        price = auction.clearing_price(
            buying, selling, reference=listing.last_price, steps=listing.steps
        )
        if price is not None:
            for pair in auction.pairs(buying, selling, price=price):
                self._clerk.pair(pair, listing, price=price)
        if listing.bands is not None:
            listing.bands.start_from(price)
        took_part = {each.number for each in part}
        for order in orders:
            if _is_quote(order):
                if order.leaves:
                    listing.rest(order)
            elif ticket_of(order).leaves:
                self._go_on(order, listing, took_part=order.number in took_part)

    def _go_on(self, order: Order, listing: Listing, *, took_part: bool) -> None:
        """Decide what becomes of an order after an auction."""
        ticket = ticket_of(order)
        if not took_part:
            self._put(order, listing)
        elif ticket.waits_for_auction:
            self._clerk.drop(order, ReportKind.CANCELLED, Reason.AUCTION_ENDED)
        else:
            # It may still meet somebody where cash bounds kept a better price from being found.
            self._state.forget(ticket)
            self._matcher.enter(order)


def _of_members(listing: Listing) -> list[Order]:
    return [order for order in listing.orders() if not _is_quote(order)]


def _is_quote(order: Order) -> bool:
    return not isinstance(order.owner, MemberOrder)


def _taken_out(listing: Listing) -> list[Order]:
    """Empty the book and return all orders by the time of their entry, whole and at their price."""
    orders = list(listing.orders())
    listing.book = OrderBook()
    listing.waiting = {}
    for order in orders:
        if isinstance(order.owner, MemberOrder):
            order.price, order.leaves = order.owner.price, order.owner.leaves
    return orders


def _interest(orders: Sequence[Order], sign: int) -> list[Interest]:
    """Return one side in priority: price, then shown before hidden, then the time of entry."""

    def priority(order: Order) -> tuple[int, bool, int]:
        ticket = order.owner
        is_hidden = isinstance(ticket, MemberOrder) and ticket.display == 0
        return -sign * order.price, is_hidden, order.number

    side = sorted((each for each in orders if each.sign == sign), key=priority)
    return [
        Interest(
            order, order.leaves, order.owner.cash if isinstance(order.owner, MemberOrder) else None
        )
        for order in side
    ]
