"""One instrument on the exchange: its terms, its book, and whose orders lie there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from venues.exchange.book import Order, OrderBook
from venues.exchange.commands import Admit


@dataclass(slots=True)
class MemberOrder:
    """What the exchange knows of a member's order beyond its place in the book; in lots."""

    number: int
    member: str
    client_order_id: str
    symbol: str
    quantity: int
    executed: int
    is_day_order: bool


@dataclass(frozen=True, slots=True)
class Best:
    """The best bid and offer of a book; prices in ticks (None: nobody), sizes in lots."""

    bid: int | None
    bid_size: int
    ask: int | None
    ask_size: int


class Listing:
    """An instrument on this exchange: its terms, its book, and whose quotes lie where."""

    __slots__ = ("book", "is_halted", "quotes", "terms")

    def __init__(self, terms: Admit) -> None:
        self.terms = terms
        self.is_halted = False
        self.book = OrderBook()
        self.quotes: dict[str, dict[int, Order]] = {}

    def state(self) -> dict[str, Any]:
        """Return all of it in plain values; the orders in their priority."""
        terms = self.terms
        return {
            "terms": [str(terms.tick), str(terms.lot), str(terms.quantity_min), terms.calendar],
            "is_halted": self.is_halted,
            "orders": [
                [order.number, order.sign, order.price, order.leaves, _owner_state(order)]
                for side in (self.book.bids, self.book.asks)
                for order in side.orders()
            ],
        }

    @classmethod
    def restore(cls, symbol: str, state: dict[str, Any]) -> tuple[Listing, list[Order]]:
        """Return the listing whose `state()` this is, and those of its orders that are members'."""
        tick, lot, quantity_min, calendar = state["terms"]
        listing = cls(Admit(symbol, Decimal(tick), Decimal(lot), Decimal(quantity_min), calendar))
        listing.is_halted = state["is_halted"]
        of_members: list[Order] = []
        for number, sign, price, leaves, owner in state["orders"]:
            order = Order(number, sign, price, leaves, owner)
            if isinstance(owner, str):
                listing.quotes.setdefault(owner, {})[sign * price] = order
            else:
                member, client_order_id, *rest = owner
                order.owner = MemberOrder(number, member, client_order_id, symbol, *rest)
                of_members.append(order)
            listing.book.add(order)
        return listing, of_members


def withdraw(
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


def step_aside(book: OrderBook, held: dict[int, Order], signed: int) -> None:
    """Withdraw a participant's own quotes that a new one at `signed` would trade with."""
    for opposite in [each for each in held if (each > 0) != (signed > 0) and each >= -signed]:
        book.cancel(held.pop(opposite).number)


def _owner_state(order: Order) -> Any:
    owner = order.owner
    if isinstance(owner, MemberOrder):
        return [
            owner.member,
            owner.client_order_id,
            owner.quantity,
            owner.executed,
            owner.is_day_order,
        ]
    return owner
