"""The exchange's clerk: numbers what happens, prints it, and tells members. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from venues.exchange.auction import Pair
from venues.exchange.book import Fill, Order
from venues.exchange.commands import BustedFill, Event, Execution, Reason, Report, Trade
from venues.exchange.listing import Listing, MemberOrder
from venues.exchange.state import State, ticket_of
from venues.messages import ExecutionReport, ReportKind, Side

_NOTHING: Final = Decimal(0)
_OPEN: Final = frozenset({ReportKind.ACCEPTED, ReportKind.FILL, ReportKind.REPLACED})


class Clerk:
    """Write down the events of one command after the other."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.at: datetime
        self.events: list[Event] = []
        self.has_traded = False

    def begin(self, at: datetime) -> list[Event]:
        """Begin to write the events of a command that is carried out at `at`."""
        self.at = at
        self.events = []
        self.has_traded = False
        return self.events

    def report(
        self,
        ticket: MemberOrder,
        kind: ReportKind,
        *,
        reason: str = "",
        reference: str = "",
        executed: int | None = None,
    ) -> None:
        """Tell a member of its order. `executed` are lots that stand in for the order's own."""
        listing = self.state.listings.get(ticket.symbol)
        lot = listing.terms.lot if listing else _NOTHING
        done = ticket.executed - ticket.busted if executed is None else executed
        sequence = self._next_sequence(ticket.member)
        report = ExecutionReport(
            sequence=sequence,
            execution_id=f"R{sequence}",
            kind=kind,
            client_order_id=ticket.client_order_id,
            venue_order_id=str(ticket.number) if ticket.number else "",
            at=self.at,
            quantity=None,
            price=None,
            cumulative_quantity=done * lot,
            leaves_quantity=ticket.leaves * lot if kind in _OPEN else _NOTHING,
            reason=reason,
            reference=reference,
        )
        self.events.append(Report(ticket.member, ticket.symbol, report))

    def end(self, order: Order, kind: ReportKind, reason: Reason) -> None:
        """Take a member's resting order out of its listing and say so."""
        self.state.listings[ticket_of(order).symbol].remove(order)
        self.drop(order, kind, reason)

    def drop(self, order: Order, kind: ReportKind, reason: Reason) -> None:
        """Say that a member's order has ended which lies nowhere any more."""
        ticket = ticket_of(order)
        self.state.forget(ticket)
        self.report(ticket, kind, reason=reason)

    def fills(self, order: Order, listing: Listing, fills: Sequence[Fill]) -> None:
        """Print what `order`, who came second, executed against resting ones."""
        if not fills:
            return
        aggressor = Side.BUY if order.sign > 0 else Side.SELL
        for resting, lots in fills:
            both = (order, resting)
            self._trade(listing, both, price=resting.price, lots=lots, aggressor=aggressor)
        # An iceberg may have been met more than once, slice by slice.
        for resting in dict.fromkeys(resting for resting, _ in fills if not resting.leaves):
            self._retire(resting, listing)

    def pair(self, pair: Pair, listing: Listing, *, price: int) -> None:
        """Print what two orders, neither of them resting now, execute in an auction."""
        both = (pair.buying, pair.selling)
        for order in both:
            order.leaves -= pair.lots
        self._trade(listing, both, price=price, lots=pair.lots, aggressor=None)
        for order in both:
            if isinstance(order.owner, MemberOrder):
                if not order.owner.leaves:
                    self.state.forget(order.owner)
            elif not order.leaves:
                self._retire(order, listing)

    def bust(self, side: BustedFill, *, symbol: str, quantity: Decimal, price: Decimal) -> None:
        """Tell a member that a fill of its was taken back."""
        listing = self.state.listings[symbol]
        order = self.state.open_orders.get((side.member, side.client_order_id))
        cumulative, leaves = side.cumulative_quantity - quantity, _NOTHING
        if order is not None:
            ticket, lot = ticket_of(order), listing.terms.lot
            ticket.busted += int(quantity / lot)
            cumulative, leaves = (ticket.executed - ticket.busted) * lot, ticket.leaves * lot
        report = ExecutionReport(
            sequence=self._next_sequence(side.member),
            execution_id=f"X{side.execution_id[1:]}",
            kind=ReportKind.BUSTED,
            client_order_id=side.client_order_id,
            venue_order_id=side.venue_order_id,
            at=self.at,
            quantity=quantity,
            price=price,
            cumulative_quantity=cumulative,
            leaves_quantity=leaves,
            reason=Reason.TRADE_BUSTED,
            reference=side.execution_id,
        )
        execution = self._execution(listing, side.side, quantity, price)
        self.events.append(Report(side.member, symbol, report, execution))

    def _trade(
        self,
        listing: Listing,
        both: tuple[Order, Order],
        *,
        price: int,
        lots: int,
        aggressor: Side | None,
    ) -> None:
        """Print a trade of two orders and report it to those of them that are members'."""
        state, terms = self.state, listing.terms
        state.trade_number += 1
        self.has_traded = True
        listing.last_price = price
        if listing.bands is not None:
            listing.bands.note(price, self.at)
        buying, selling = both if both[0].sign > 0 else (both[1], both[0])
        trade = Trade(
            number=state.trade_number,
            symbol=terms.symbol,
            at=self.at,
            price=price * terms.tick,
            quantity=lots * terms.lot,
            buyer=_name(buying),
            seller=_name(selling),
            aggressor=aggressor,
        )
        self.events.append(trade)
        for order in both:
            ticket = order.owner
            if isinstance(ticket, MemberOrder):
                ticket.executed += lots
                if ticket.cash is not None:
                    ticket.cash -= price * lots
                self._report_fill(ticket, trade, listing, order.sign)

    def _report_fill(self, ticket: MemberOrder, trade: Trade, listing: Listing, sign: int) -> None:
        lot = listing.terms.lot
        side = Side.BUY if sign > 0 else Side.SELL
        report = ExecutionReport(
            sequence=self._next_sequence(ticket.member),
            execution_id=f"T{trade.number}{'B' if sign > 0 else 'S'}",
            kind=ReportKind.FILL,
            client_order_id=ticket.client_order_id,
            venue_order_id=str(ticket.number),
            at=self.at,
            quantity=trade.quantity,
            price=trade.price,
            cumulative_quantity=(ticket.executed - ticket.busted) * lot,
            leaves_quantity=ticket.leaves * lot,
        )
        execution = self._execution(listing, side, trade.quantity, trade.price)
        self.events.append(Report(ticket.member, ticket.symbol, report, execution))

    def _execution(
        self, listing: Listing, side: Side, quantity: Decimal, price: Decimal
    ) -> Execution:
        self.state.execution_number += 1
        number, day = self.state.execution_number, self.state.trading_day(listing, self.at)
        return Execution(number, side, quantity, price, day)

    def _next_sequence(self, member: str) -> int:
        """Count the reports to a member, without a gap."""
        sequence = self.state.report_sequences.get(member, 0) + 1
        self.state.report_sequences[member] = sequence
        return sequence

    def _retire(self, order: Order, listing: Listing) -> None:
        """Drop what else names an order of which nothing lies in the book any more."""
        if not isinstance(order.owner, MemberOrder):
            del listing.quotes[str(order.owner)][order.sign * order.price]
        elif order.owner.leaves:
            self.drop(order, ReportKind.CANCELLED, Reason.CASH_REACHED)
        else:
            self.state.forget(order.owner)


def _name(order: Order) -> str:
    return order.owner.member if isinstance(order.owner, MemberOrder) else str(order.owner)
