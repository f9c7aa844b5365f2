"""The exchange itself: many books, their members and participants, one deterministic machine.

Pure: commands and times come in, events come out. The same commands in the same order give the
same events and the same `snapshot()`, to the byte; recovery is nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from venues.exchange.book import BUY, SELL, Fill, Order, OrderBook
from venues.exchange.commands import (
    Admit,
    CloseSession,
    Command,
    Enter,
    Event,
    Halt,
    MassQuote,
    OpenSession,
    Reason,
    Report,
    Take,
    Trade,
)
from venues.exchange.listing import Best, Listing, MemberOrder, step_aside, withdraw
from venues.exchange.recent import RecentIds
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    OrderType,
    ReportKind,
    Side,
    TimeInForce,
)

_NOTHING: Final = Decimal(0)


class Engine:
    """Apply commands one after the other. One thread owns it."""

    def __init__(self) -> None:
        self.listings: dict[str, Listing] = {}
        self.sessions: dict[str, date] = {}
        self.open_orders: dict[tuple[str, str], Order] = {}
        self.seen = RecentIds()
        self.order_number = 0
        self.trade_number = 0
        self.report_sequences: dict[str, int] = {}
        self._handlers: dict[type, Callable[[Any, datetime, list[Event]], None]] = {
            MassQuote: self._mass_quote,
            Take: self._take,
            Enter: self._enter,
            Admit: self._admit,
            Halt: self._halt,
            OpenSession: self._open_session,
            CloseSession: self._close_session,
        }

    def apply(self, command: Command, at: datetime) -> list[Event]:
        """Carry out `command` at the time `at`; return what happened, in order."""
        events: list[Event] = []
        self._handlers[type(command)](command, at, events)
        return events

    def best(self, symbol: str) -> Best:
        """Return the best bid and offer of `symbol`."""
        book = self.listings[symbol].book
        bid, bid_size = book.bids.best() or (None, 0)
        ask, ask_size = book.asks.best() or (None, 0)
        return Best(bid, bid_size, ask, ask_size)

    def is_trading(self, symbol: str) -> bool:
        """Tell whether orders in `symbol` are taken now."""
        listing = self.listings[symbol]
        return listing.terms.calendar in self.sessions and not listing.is_halted

    # --- Terms and sessions ----------------------------------------------------------------

    def _admit(self, terms: Admit, at: datetime, events: list[Event]) -> None:
        listing = self.listings.get(terms.symbol)
        if listing is None:
            self.listings[terms.symbol] = Listing(terms)
            return
        if (listing.terms.tick, listing.terms.lot) != (terms.tick, terms.lot):
            # The orders in the book are counted in ticks and lots that are no longer.
            for order in self._member_orders(lambda each: each.symbol == terms.symbol):
                self._end(order, ReportKind.CANCELLED, Reason.INSTRUMENT_CHANGED, at, events)
            listing.book = OrderBook()
            listing.quotes = {}
        listing.terms = terms

    def _halt(self, command: Halt, _at: datetime, _events: list[Event]) -> None:
        self.listings[command.symbol].is_halted = command.is_halted

    def _open_session(self, command: OpenSession, _at: datetime, _events: list[Event]) -> None:
        self.sessions[command.calendar] = command.date

    def _close_session(self, command: CloseSession, at: datetime, events: list[Event]) -> None:
        self.sessions.pop(command.calendar, None)
        ending = {s for s, each in self.listings.items() if each.terms.calendar == command.calendar}
        for order in self._member_orders(lambda each: each.is_day_order and each.symbol in ending):
            self._end(order, ReportKind.EXPIRED, Reason.SESSION_ENDED, at, events)

    def _member_orders(self, wanted: Callable[[MemberOrder], bool]) -> list[Order]:
        """Return the open orders of members that are `wanted`, the oldest first."""
        found = [order for order in self.open_orders.values() if wanted(_ticket(order))]
        return sorted(found, key=lambda order: order.number)

    # --- Members ---------------------------------------------------------------------------

    def _enter(self, command: Enter, at: datetime, events: list[Event]) -> None:
        if not self.seen.add(command.member, request_id(command.request)):
            return
        if isinstance(command.request, CancelOrder):
            self._cancel(command.member, command.request, at, events)
        else:
            self._new_order(command.member, command.request, at, events)

    def _new_order(self, member: str, new: NewOrder, at: datetime, events: list[Event]) -> None:
        self.order_number += 1
        listing = self.listings.get(new.symbol)
        reason = self._flaw(new, listing)
        if reason or listing is None:
            ticket = MemberOrder(
                self.order_number, member, new.client_order_id, new.symbol, 0, 0, False
            )
            self._report(ticket, ReportKind.REJECTED, at, events, lot=_NOTHING, reason=reason or "")
            return
        terms = listing.terms
        quantity = int(new.quantity / terms.lot)
        ticket = MemberOrder(
            number=self.order_number,
            member=member,
            client_order_id=new.client_order_id,
            symbol=new.symbol,
            quantity=quantity,
            executed=0,
            is_day_order=new.time_in_force is TimeInForce.DAY,
        )
        price = int((new.limit_price or _NOTHING) / terms.tick)
        order = Order(self.order_number, new.side.sign, price, quantity, ticket)
        self._report(ticket, ReportKind.ACCEPTED, at, events, lot=terms.lot)
        self._execute(order, listing, new, at, events)

    def _execute(
        self, order: Order, listing: Listing, new: NewOrder, at: datetime, events: list[Event]
    ) -> None:
        """Match a member's order and decide what becomes of the rest."""
        book = listing.book
        wanted = order.leaves
        match new.type, new.time_in_force:
            case _, TimeInForce.FOK if book.available(order.sign, order.price, wanted) < wanted:
                remainder = Reason.NOT_FILLED_IN_FULL
            case OrderType.MARKET, _:
                self._print(order, listing, book.take(order), at, events)
                remainder = Reason.PROTECTION_REACHED
            case _, TimeInForce.IOC | TimeInForce.FOK:
                self._print(order, listing, book.take(order), at, events)
                remainder = Reason.NOTHING_LEFT_AT_PRICE
            case _:
                self._print(order, listing, book.add(order), at, events)
                if order.leaves:
                    self.open_orders[_ticket(order).member, new.client_order_id] = order
                return
        if order.leaves:
            ticket = _ticket(order)
            lot = listing.terms.lot
            self._report(ticket, ReportKind.CANCELLED, at, events, lot=lot, reason=remainder)

    def _flaw(self, new: NewOrder, listing: Listing | None) -> Reason | None:
        """Return why `new` cannot be taken, or None."""
        if listing is None:
            return Reason.UNKNOWN_SYMBOL
        if listing.is_halted:
            return Reason.HALTED
        if listing.terms.calendar not in self.sessions:
            return Reason.SESSION_CLOSED
        return _quantity_flaw(new, listing.terms) or _price_flaw(new, listing.terms)

    def _cancel(self, member: str, cancel: CancelOrder, at: datetime, events: list[Event]) -> None:
        order = self.open_orders.get((member, cancel.client_order_id))
        if order is not None:
            self._end(order, ReportKind.CANCELLED, Reason.REQUESTED, at, events)
            return
        unknown = MemberOrder(0, member, cancel.client_order_id, "", 0, 0, False)
        reason = Reason.ORDER_NOT_OPEN
        self._report(unknown, ReportKind.CANCEL_REJECTED, at, events, lot=_NOTHING, reason=reason)

    def _end(
        self, order: Order, kind: ReportKind, reason: Reason, at: datetime, events: list[Event]
    ) -> None:
        """Take a member's resting order out of its book and say so."""
        ticket = _ticket(order)
        listing = self.listings[ticket.symbol]
        listing.book.cancel(order.number)
        del self.open_orders[ticket.member, ticket.client_order_id]
        self._report(ticket, kind, at, events, lot=listing.terms.lot, reason=reason)

    # --- Participants ----------------------------------------------------------------------

    def _take(self, command: Take, at: datetime, events: list[Event]) -> None:
        if not self.is_trading(command.symbol) or command.price <= 0 or command.quantity <= 0:
            return
        listing = self.listings[command.symbol]
        self.order_number += 1
        order = Order(
            self.order_number, command.sign, command.price, command.quantity, command.participant
        )
        self._print(order, listing, listing.book.take(order), at, events)

    def _mass_quote(self, command: MassQuote, at: datetime, events: list[Event]) -> None:
        listing = self.listings[command.symbol]
        is_trading = self.is_trading(command.symbol)
        held = listing.quotes.setdefault(command.participant, {})
        missing: list[tuple[int, int]] = []
        for sign, rungs in ((BUY, command.bids), (SELL, command.asks)):
            if rungs is not None:
                # Outside trading hours quotes can only be withdrawn.
                shown = rungs if is_trading else ()
                wanted = {sign * price: size for price, size in shown if price > 0 and size > 0}
                missing += withdraw(listing.book, held, sign, wanted)
        for signed, size in missing:
            step_aside(listing.book, held, signed)
            self.order_number += 1
            sign = BUY if signed > 0 else SELL
            order = Order(self.order_number, sign, abs(signed), size, command.participant)
            self._print(order, listing, listing.book.add(order), at, events)
            if order.leaves:
                held[signed] = order

    # --- What happened ---------------------------------------------------------------------

    def _print(
        self,
        order: Order,
        listing: Listing,
        fills: Sequence[Fill],
        at: datetime,
        events: list[Event],
    ) -> None:
        """Number the trades of `order`, print them, and report them to members on either side."""
        terms = listing.terms
        aggressor = Side.BUY if order.sign > 0 else Side.SELL
        for resting, lots in fills:
            self.trade_number += 1
            buying, selling = (order, resting) if order.sign > 0 else (resting, order)
            trade = Trade(
                number=self.trade_number,
                symbol=terms.symbol,
                at=at,
                price=resting.price * terms.tick,
                quantity=lots * terms.lot,
                buyer=_name(buying),
                seller=_name(selling),
                aggressor=aggressor,
            )
            events.append(trade)
            for side in (order, resting):
                if isinstance(side.owner, MemberOrder):
                    side.owner.executed += lots
                    self._report(
                        side.owner,
                        ReportKind.FILL,
                        at,
                        events,
                        lot=terms.lot,
                        trade=trade,
                        sign=side.sign,
                    )
            if not resting.leaves:
                self._forget(resting, listing)

    def _forget(self, order: Order, listing: Listing) -> None:
        """Drop what else names a resting order that was filled."""
        if isinstance(order.owner, MemberOrder):
            del self.open_orders[order.owner.member, order.owner.client_order_id]
        else:
            del listing.quotes[str(order.owner)][order.sign * order.price]

    def _report(
        self,
        ticket: MemberOrder,
        kind: ReportKind,
        at: datetime,
        events: list[Event],
        *,
        lot: Decimal,
        trade: Trade | None = None,
        sign: int = 0,
        reason: str = "",
    ) -> None:
        """Add a report on a member's order: the next of that member's, without a gap."""
        sequence = self.report_sequences.get(ticket.member, 0) + 1
        self.report_sequences[ticket.member] = sequence
        if trade is None:
            execution_id = f"R{sequence}"
        else:
            execution_id = f"T{trade.number}{'B' if sign > 0 else 'S'}"
        is_open = kind in (ReportKind.ACCEPTED, ReportKind.FILL)
        report = ExecutionReport(
            sequence=sequence,
            execution_id=execution_id,
            kind=kind,
            client_order_id=ticket.client_order_id,
            venue_order_id=str(ticket.number) if ticket.number else "",
            at=at,
            quantity=trade.quantity if trade else None,
            price=trade.price if trade else None,
            cumulative_quantity=ticket.executed * lot,
            leaves_quantity=(ticket.quantity - ticket.executed) * lot if is_open else _NOTHING,
            reason=reason,
        )
        events.append(Report(ticket.member, ticket.symbol, report))

    # --- State -----------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Return the whole state; equal states give equal bytes."""
        state = {
            "order_number": self.order_number,
            "trade_number": self.trade_number,
            "report_sequences": self.report_sequences,
            "sessions": {calendar: day.isoformat() for calendar, day in self.sessions.items()},
            "seen": self.seen.state(),
            "listings": {symbol: each.state() for symbol, each in self.listings.items()},
        }
        return json.dumps(state, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def restore(cls, snapshot: bytes) -> Engine:
        """Return the engine whose `snapshot()` this is."""
        state = json.loads(snapshot)
        engine = cls()
        engine.order_number = state["order_number"]
        engine.trade_number = state["trade_number"]
        engine.report_sequences = state["report_sequences"]
        engine.sessions = {name: date.fromisoformat(day) for name, day in state["sessions"].items()}
        engine.seen = RecentIds.restore(state["seen"])
        for symbol, plain in state["listings"].items():
            listing, of_members = Listing.restore(symbol, plain)
            engine.listings[symbol] = listing
            for order in of_members:
                ticket = _ticket(order)
                engine.open_orders[ticket.member, ticket.client_order_id] = order
        return engine


def request_id(request: NewOrder | CancelOrder) -> str:
    """Return what names a member's request for ever; an order and a cancel never share it."""
    if isinstance(request, CancelOrder):
        return f"cancel:{request.request_id}"
    return f"order:{request.client_order_id}"


def _quantity_flaw(new: NewOrder, terms: Admit) -> Reason | None:
    if new.quantity <= 0:
        return Reason.QUANTITY_NOT_POSITIVE
    if new.quantity % terms.lot:
        return Reason.QUANTITY_OFF_LOT
    return Reason.QUANTITY_BELOW_MINIMUM if new.quantity < terms.quantity_min else None


def _price_flaw(new: NewOrder, terms: Admit) -> Reason | None:
    if new.limit_price is None:
        is_market = new.type is OrderType.MARKET
        return Reason.PROTECTION_MISSING if is_market else Reason.PRICE_MISSING
    if new.limit_price <= 0:
        return Reason.PRICE_NOT_POSITIVE
    return Reason.PRICE_OFF_TICK if new.limit_price % terms.tick else None


def _ticket(order: Order) -> MemberOrder:
    if not isinstance(order.owner, MemberOrder):
        raise TypeError(f"{order} belongs to no member")
    return order.owner


def _name(order: Order) -> str:
    return order.owner.member if isinstance(order.owner, MemberOrder) else str(order.owner)
