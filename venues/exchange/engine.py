"""The exchange itself: many books, their members and participants, one deterministic machine.

Pure: commands and times come in, events come out. The same commands in the same order give the
same events and the same `snapshot()`, to the byte; recovery is nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from venues.exchange.book import Order
from venues.exchange.clerk import Clerk
from venues.exchange.commands import (
    Admit,
    Bust,
    CloseSession,
    Command,
    Enter,
    Event,
    Halt,
    MassQuote,
    OpenSession,
    Take,
    Wake,
)
from venues.exchange.house import House
from venues.exchange.listing import NOBODY, Best, Listing
from venues.exchange.matching import Matcher
from venues.exchange.members import Members
from venues.exchange.quoting import Quoting
from venues.exchange.recent import RecentIds
from venues.exchange.state import Session, State


class Engine:
    """Apply commands one after the other. One thread owns it."""

    def __init__(self, state: State | None = None) -> None:
        self._state = state or State()
        self._clerk = Clerk(self._state)
        matcher = Matcher(self._state, self._clerk)
        self._house = house = House(self._state, self._clerk, matcher)
        members = Members(self._state, self._clerk, matcher)
        quoting = Quoting(self._state, self._clerk)
        # Each returns the listing whose bands may have been reached, if there is one.
        self._handlers: Mapping[type, Callable[[Any], Listing | None]] = {
            MassQuote: quoting.mass_quote,
            Take: quoting.take,
            Enter: members.enter,
            Admit: house.admit,
            Halt: house.halt,
            OpenSession: house.open_session,
            CloseSession: house.close_session,
            Wake: house.wake,
            Bust: house.bust,
        }

    def apply(self, command: Command, at: datetime) -> list[Event]:
        """Carry out `command` at the time `at`; return what happened, in order."""
        events = self._clerk.begin(at)
        touched = self._handlers[type(command)](command)
        if touched is not None and touched.bands is not None:
            self._house.keep_bands(touched)
        return events

    # --- What can be seen ------------------------------------------------------------------

    @property
    def listings(self) -> Mapping[str, Listing]:
        return self._state.listings

    @property
    def sessions(self) -> Mapping[str, Session]:
        return self._state.sessions

    @property
    def open_orders(self) -> Mapping[tuple[str, str], Order]:
        """The open orders of members, by member and client order id."""
        return self._state.open_orders

    @property
    def seen(self) -> RecentIds:
        return self._state.seen

    @property
    def trade_number(self) -> int:
        """How many trades there were."""
        return self._state.trade_number

    def best(self, symbol: str) -> Best:
        """Return the best bid and offer that are shown; nobody's while nothing is matched."""
        listing = self.listings[symbol]
        return listing.best() if listing.is_matching else NOBODY

    def is_trading(self, symbol: str) -> bool:
        """Tell whether orders in `symbol` are matched as they come."""
        return self.listings[symbol].is_matching

    def is_due(self, now: datetime) -> bool:
        """Tell whether something is to happen by itself: the engine wants a `Wake`."""
        dues = (listing.due_at() for listing in self.listings.values())
        return any(due is not None and due <= now for due in dues)

    # --- State -----------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Return the whole state; equal states give equal bytes."""
        return self._state.snapshot()

    @classmethod
    def restore(cls, snapshot: bytes) -> Engine:
        """Return the engine whose `snapshot()` this is."""
        return cls(State.restore(snapshot))
