"""What simulated participants ask for: to trade at once, and to quote. Pure."""

from __future__ import annotations

from venues.exchange.book import BUY, SELL, Order, OrderBook
from venues.exchange.clerk import Clerk
from venues.exchange.commands import MassQuote, Take
from venues.exchange.listing import Listing
from venues.exchange.state import State


class Quoting:
    """Carry out what participants want; nothing of it is reported."""

    def __init__(self, state: State, clerk: Clerk) -> None:
        self._state = state
        self._clerk = clerk

    def take(self, command: Take) -> Listing | None:
        listing = self._state.listings[command.symbol]
        if not listing.is_matching or command.price <= 0 or command.quantity <= 0:
            return None
        number, sign = self._state.next_order_number(), command.sign
        price = listing.clip(sign, command.price)
        order = Order(number, sign, price, command.quantity, command.participant)
        self._clerk.fills(order, listing, listing.book.take(order))
        return listing

    def mass_quote(self, command: MassQuote) -> Listing | None:
        """Let a participant's quotes be those that it says.

        Beyond a band, and between two prices that there are, it cannot quote.
        """
        listing = self._state.listings[command.symbol]
        held = listing.quotes.setdefault(command.participant, {})
        missing: list[tuple[int, int]] = []
        for sign, rungs in ((BUY, command.bids), (SELL, command.asks)):
            if rungs is not None:
                # While nothing is matched quotes can only be withdrawn.
                shown = rungs if listing.is_matching else ()
                wanted = {
                    sign * price: size
                    for price, size in shown
                    if price > 0 and size > 0 and _may_be_quoted(listing, sign, price)
                }
                missing += _withdraw(listing.book, held, sign, wanted)
        for signed, size in missing:
            _step_aside(listing.book, held, signed)
            number, sign = self._state.next_order_number(), BUY if signed > 0 else SELL
            order = Order(number, sign, abs(signed), size, command.participant)
            self._clerk.fills(order, listing, listing.book.add(order))
            if order.leaves:
                held[signed] = order
        return listing


def _may_be_quoted(listing: Listing, sign: int, price: int) -> bool:
    return listing.steps.fits(price) and listing.clip(sign, price) == price


def _withdraw(
    book: OrderBook, held: dict[int, Order], sign: int, wanted: dict[int, int]
) -> list[tuple[int, int]]:
    """Withdraw the quotes of one side that are not `wanted`; return what is wanted and not there.

    A quote that is to be smaller is reduced where it stands; one that is to grow loses its place.
    """
    for signed, order in list(held.items()):
        if order.sign != sign:
            continue
        size = wanted.get(signed, 0)
        if 0 < size <= order.leaves:
            if size < order.leaves:
                book.reduce(order.number, size)
            del wanted[signed]
        else:
            book.cancel(order.number)
            del held[signed]
    return list(wanted.items())


def _step_aside(book: OrderBook, held: dict[int, Order], signed: int) -> None:
    """Withdraw a participant's own quotes that a new one at `signed` would trade with."""
    for opposite in [each for each in held if (each > 0) != (signed > 0) and each >= -signed]:
        book.cancel(held.pop(opposite).number)
