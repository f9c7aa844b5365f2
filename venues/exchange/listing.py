"""One instrument on the exchange: its terms, its book, and whose orders lie there. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from marketdata.calendars import Phase
from venues.exchange.bands import Bands
from venues.exchange.book import Order, OrderBook, Reserve
from venues.exchange.commands import Admit, BandTerms, CoarseSteps
from venues.messages import SelfTradePrevention, TimeInForce


@dataclass(slots=True)
class MemberOrder:
    """What the exchange knows of a member's order beyond its place in the book.

    Quantities are in lots and the price in ticks. `cash` is what its executions may still be
    worth, in ticks times lots. `busted` is what of `executed` was taken back; it is not executed
    again. `is_for_next_session` says that a day order was entered after the day.
    """

    number: int
    member: str
    client_order_id: str
    symbol: str
    quantity: int = 0
    price: int = 0
    is_market: bool = False
    time_in_force: TimeInForce = TimeInForce.DAY
    executed: int = 0
    busted: int = 0
    is_post_only: bool = False
    display: int | None = None
    cash: int | None = None
    extended_hours: bool = False
    party: str = ""
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_NEWEST
    is_for_next_session: bool = False

    @property
    def leaves(self) -> int:
        return self.quantity - self.executed

    @property
    def is_day_order(self) -> bool:
        return self.time_in_force is TimeInForce.DAY

    @property
    def waits_for_auction(self) -> bool:
        return self.time_in_force in (TimeInForce.OPG, TimeInForce.CLS)

    def lots_at(self, price: int) -> int:
        """Return how much of it may be executed at `price` before its cash is used up."""
        return self.leaves if self.cash is None else min(self.leaves, self.cash // price)

    def may_match(self, phase: Phase) -> bool:
        """Tell whether it may be executed continuously in `phase`."""
        if self.waits_for_auction:
            return False
        return phase is Phase.REGULAR or (phase is not Phase.CLOSED and self.extended_hours)

    def is_of_same_party(self, other: object) -> bool:
        return (
            isinstance(other, MemberOrder)
            and bool(self.party)
            and (self.member, self.party) == (other.member, other.party)
        )


@dataclass(frozen=True, slots=True)
class Best:
    """The best bid and offer of a book; prices in ticks (None: nobody), sizes in lots."""

    bid: int | None
    bid_size: int
    ask: int | None
    ask_size: int


NOBODY = Best(None, 0, None, 0)


class Listing:
    """An instrument on this exchange: its terms, its book, and whose quotes lie where.

    `waiting` holds the orders that take no part in the trading of this phase: those for an
    auction, and those for another session. While `auction_at` is set, orders are collected for
    an auction; they rest in the book and may cross.
    """

    __slots__ = (
        *("auction_at", "bands", "book", "has_opened", "is_halted", "last_price", "parties"),
        *("phase", "quotes", "steps", "terms", "waiting"),
    )

    def __init__(self, terms: Admit) -> None:
        self.terms = terms
        self.steps = terms.steps
        self.phase = Phase.CLOSED
        self.is_halted = False
        self.has_opened = False
        self.auction_at: datetime | None = None
        self.book = OrderBook()
        self.waiting: dict[int, Order] = {}
        self.quotes: dict[str, dict[int, Order]] = {}
        # Which open orders each party of a member has here.
        self.parties: dict[tuple[str, str], dict[int, Order]] = {}
        self.last_price: int | None = None
        self.bands = Bands(terms.bands, self.steps) if terms.bands else None

    def restate(self, terms: Admit) -> None:
        """Trade on other terms from now on; what rests here is counted in ticks of these.

        Their tick must go into the one before, and each price here must be one of theirs.
        """
        finer = int(self.terms.tick / terms.tick)
        before, self.book = self.book, OrderBook()
        self.terms, self.steps = terms, terms.steps
        self.last_price = None if self.last_price is None else self.last_price * finer
        for side in (before.bids, before.asks, before.hidden_bids, before.hidden_asks):
            for order in list(side.orders()):
                if order.number in before.reserves:
                    self.book.reserves[order.number] = before.reserves[order.number]
                self._count_in(finer, order)
                self.book.rest(order)
        for order in self.waiting.values():
            self._count_in(finer, order)
        self.quotes = {
            participant: {signed * finer: order for signed, order in held.items()}
            for participant, held in self.quotes.items()
        }

    @property
    def is_matching(self) -> bool:
        """Tell whether orders are executed as they come."""
        return self.phase is not Phase.CLOSED and not self.is_halted and self.auction_at is None

    @property
    def has_bands(self) -> bool:
        return self.bands is not None and self.phase is Phase.REGULAR

    def best(self) -> Best:
        """Return the best that is shown, also where nothing trades."""
        bid, bid_size = self.book.bids.best() or (None, 0)
        ask, ask_size = self.book.asks.best() or (None, 0)
        return Best(bid, bid_size, ask, ask_size)

    def clip(self, sign: int, price: int) -> int:
        """Return the price, or the band beyond which it may not execute."""
        return self.bands.clip(sign, price) if self.bands and self.has_bands else price

    def due_at(self) -> datetime | None:
        """Return when something happens here without anybody's command."""
        if self.auction_at is not None:
            return None if self.is_halted else self.auction_at
        if self.bands is None or not (self.is_matching and self.has_bands):
            return None
        return self.bands.pauses_at

    def _count_in(self, finer: int, order: Order) -> None:
        """Count an order in ticks of which `finer` make up one of before."""
        # One that a band of before has held back may stand where there is no price any more.
        price = order.price * finer
        order.price = self.steps.down(price) if order.sign > 0 else self.steps.up(price)
        if isinstance(order.owner, MemberOrder):
            order.owner.price *= finer
            if order.owner.cash is not None:
                order.owner.cash *= finer

    def rest(self, order: Order) -> None:
        """Let a member's order or a quote rest where it belongs now, unmatched.

        An order with a bound on its cash rests with what that allows at its price.
        """
        ticket = order.owner
        if not isinstance(ticket, MemberOrder):
            self.book.rest(order)
            return
        order.leaves = ticket.lots_at(order.price)
        if ticket.may_match(self.phase):
            self.book.rest(order, ticket.display)
        else:
            self.waiting[order.number] = order

    def remove(self, order: Order) -> None:
        """Take an order out of the book, or from among the waiting."""
        if self.waiting.pop(order.number, None) is None:
            self.book.cancel(order.number)

    def remember(self, order: Order, ticket: MemberOrder) -> None:
        """Remember an open order by its party."""
        if ticket.party:
            self.parties.setdefault((ticket.member, ticket.party), {})[ticket.number] = order

    def forget(self, ticket: MemberOrder) -> None:
        """Forget an order that has ended."""
        if ticket.party:
            key = ticket.member, ticket.party
            del self.parties[key][ticket.number]
            if not self.parties[key]:
                del self.parties[key]

    def would_meet_itself(self, order: Order, ticket: MemberOrder) -> bool:
        """Tell whether the order may meet another one of its party."""
        limit = -order.sign * order.price
        own = self.parties.get((ticket.member, ticket.party)) if ticket.party else None
        return own is not None and any(
            each.sign != order.sign and each.sign * each.price >= limit for each in own.values()
        )

    def orders(self) -> Iterator[Order]:
        """Yield all orders here by the time of their entry."""
        everybody = {**self.book.orders, **self.waiting}
        return (everybody[number] for number in sorted(everybody))

    # --- State -----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return all of it in plain values; the orders in their priority."""
        terms, book = self.terms, self.book
        sides = (book.bids, book.asks, book.hidden_bids, book.hidden_asks)
        return {
            "terms": [str(terms.tick), str(terms.lot), str(terms.quantity_min), terms.calendar],
            "coarse": [str(each) for each in astuple(terms.coarse)] if terms.coarse else None,
            "band_terms": _band_terms_state(terms.bands),
            "bands": self.bands.state() if self.bands else None,
            "phase": self.phase,
            "is_halted": self.is_halted,
            "has_opened": self.has_opened,
            "auction_at": self.auction_at.isoformat() if self.auction_at else None,
            "last_price": self.last_price,
            "orders": [self._order_state(order) for side in sides for order in side.orders()],
            "waiting": [self._order_state(self.waiting[each]) for each in sorted(self.waiting)],
        }

    def _order_state(self, order: Order) -> list[Any]:
        reserve = self.book.reserves.get(order.number)
        unseen = None if reserve is None else [reserve.display, reserve.hidden]
        owner = order.owner
        if isinstance(owner, MemberOrder):
            owner = {
                name: getattr(owner, name) for name in MemberOrder.__slots__ if name != "symbol"
            }
        return [order.number, order.sign, order.price, order.leaves, unseen, owner]

    @classmethod
    def restore(cls, symbol: str, state: dict[str, Any]) -> tuple[Listing, list[Order]]:
        """Return the listing whose `state()` this is, and those of its orders that are members'."""
        tick, lot, quantity_min, calendar = state["terms"]
        numbers = Decimal(tick), Decimal(lot), Decimal(quantity_min)
        bands = _restored_band_terms(state["band_terms"])
        # Snapshots of before there were such steps do not speak of them.
        told = state.get("coarse")
        coarse = CoarseSteps(*map(Decimal, told)) if told else None
        listing = cls(Admit(symbol, *numbers, calendar, bands, coarse))
        listing.phase = Phase(state["phase"])
        listing.is_halted = state["is_halted"]
        listing.has_opened = state["has_opened"]
        listing.last_price = state["last_price"]
        if state["auction_at"]:
            listing.auction_at = datetime.fromisoformat(state["auction_at"])
        if bands:
            listing.bands = Bands.restore(bands, listing.steps, state["bands"])
        in_book = [listing._restored(plain) for plain in state["orders"]]
        waiting = [_order(symbol, plain) for plain in state["waiting"]]
        listing.waiting = {order.number: order for order in waiting}
        of_members = []
        for order in (*in_book, *waiting):
            if isinstance(order.owner, MemberOrder):
                listing.remember(order, order.owner)
                of_members.append(order)
            else:
                quotes = listing.quotes.setdefault(str(order.owner), {})
                quotes[order.sign * order.price] = order
        return listing, of_members

    def _restored(self, plain: list[Any]) -> Order:
        order = _order(self.terms.symbol, plain)
        if plain[4] is not None:
            # Its slice may have been executed in part, so that it is not cut anew.
            self.book.reserves[order.number] = Reserve(*plain[4])
        self.book.rest(order)
        return order


def _order(symbol: str, plain: list[Any]) -> Order:
    number, sign, price, leaves, _, owner = plain
    if isinstance(owner, dict):
        ticket = MemberOrder(**{**owner, "symbol": symbol})
        ticket.time_in_force = TimeInForce(ticket.time_in_force)
        ticket.self_trade_prevention = SelfTradePrevention(ticket.self_trade_prevention)
        owner = ticket
    return Order(number, sign, price, leaves, owner)


def _band_terms_state(terms: BandTerms | None) -> list[Any] | None:
    if terms is None:
        return None
    return [str(terms.percent), terms.limit_seconds, terms.pause_seconds]


def _restored_band_terms(state: list[Any] | None) -> BandTerms | None:
    return BandTerms(Decimal(state[0]), *state[1:]) if state else None
