"""Everything that the exchange knows at one moment, and how it is written down. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marketdata.calendars import Phase, date_of
from venues.exchange import older
from venues.exchange.book import Order
from venues.exchange.listing import Listing, MemberOrder
from venues.exchange.recent import RecentIds


@dataclass(frozen=True, slots=True)
class Session:
    """Where the trading day of a calendar stands."""

    date: date
    phase: Phase


class State:
    """The books, who has what in them, and how far every number has been counted."""

    def __init__(self) -> None:
        self.listings: dict[str, Listing] = {}
        self.sessions: dict[str, Session] = {}
        self.open_orders: dict[tuple[str, str], Order] = {}
        self.seen = RecentIds()
        self.order_number = 0
        self.trade_number = 0
        self.execution_number = 0
        self.report_sequences: dict[str, int] = {}

    def next_order_number(self) -> int:
        self.order_number += 1
        return self.order_number

    def remember(self, order: Order, ticket: MemberOrder) -> None:
        """Count a member's order among the open ones."""
        self.open_orders[ticket.member, ticket.client_order_id] = order
        self.listings[ticket.symbol].remember(order, ticket)

    def forget(self, ticket: MemberOrder) -> None:
        """Count a member's order among the open ones no more."""
        del self.open_orders[ticket.member, ticket.client_order_id]
        self.listings[ticket.symbol].forget(ticket)

    def listings_of(self, calendar: str) -> list[Listing]:
        """Return what trades on the calendar, in an order that outlives a restart."""
        return [
            listing
            for _, listing in sorted(self.listings.items())
            if listing.terms.calendar == calendar
        ]

    def trading_day(self, listing: Listing, at: datetime) -> date:
        """Return the day to which an execution at `at` belongs."""
        session = self.sessions.get(listing.terms.calendar)
        return session.date if session else date_of(at)

    def snapshot(self) -> bytes:
        """Return the whole state; equal states give equal bytes."""
        state = {
            "order_number": self.order_number,
            "trade_number": self.trade_number,
            "execution_number": self.execution_number,
            "report_sequences": self.report_sequences,
            "sessions": {
                calendar: [session.date.isoformat(), session.phase]
                for calendar, session in self.sessions.items()
            },
            "seen": self.seen.state(),
            "listings": {symbol: each.state() for symbol, each in self.listings.items()},
        }
        return json.dumps(state, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def restore(cls, snapshot: bytes) -> State:
        """Return the state whose `snapshot()` this is."""
        plain: dict[str, Any] = json.loads(snapshot)
        if older.is_of_first_version(plain):
            plain = older.upgraded(plain)
        state = cls()
        state.order_number = plain["order_number"]
        state.trade_number = plain["trade_number"]
        state.execution_number = plain["execution_number"]
        state.report_sequences = plain["report_sequences"]
        state.sessions = {
            calendar: Session(date.fromisoformat(day), Phase(phase))
            for calendar, (day, phase) in plain["sessions"].items()
        }
        state.seen = RecentIds.restore(plain["seen"])
        for symbol, each in plain["listings"].items():
            listing, of_members = Listing.restore(symbol, each)
            state.listings[symbol] = listing
            for order in of_members:
                ticket = ticket_of(order)
                state.open_orders[ticket.member, ticket.client_order_id] = order
        return state


def ticket_of(order: Order) -> MemberOrder:
    """Return what is known of a member's order. Raises TypeError for a participant's."""
    if not isinstance(order.owner, MemberOrder):
        raise TypeError(f"{order} belongs to no member")
    return order.owner
