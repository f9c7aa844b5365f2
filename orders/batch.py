"""The working set of one transaction: what was read, and what will be written.

Nothing is read per ticket or report, and nothing is written before `write`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from accounts import activity
from accounts.chain import Event as ActivityEvent
from accounts.locks import LockedAccount
from foundation import bulk, trips
from foundation.trips import Answer
from marketdata import calendars
from marketdata.calendars import Phase
from marketdata.models import Instrument, Quote
from orders import events, history
from orders.day_trading import Record
from orders.history import Cause, Step
from orders.models import Order, Trade, Watch
from portfolio.books import Books
from portfolio.fees import schedule
from portfolio.fees.rules import FeeTerms
from risk import services as risk
from risk.checks import Bounds, Moment
from risk.controls.switches import Engaged, Engagements
from risk.limits.book import AppliedLimits, LimitBook
from risk.margin.book import Sheet
from risk.margin.requirements import Standing
from risk.services import Decided
from venues import links, outbox, routing

CHANGING: Final = (
    "status",
    "quantity",
    "filled_quantity",
    "filled_value",
    "venue",
    "venue_order_id",
    "protection_price",
    "high_water_mark",
    "is_watched",
    "is_waiting",
    "replaced_by",
    "replaced_total",
    "venue_code",
    "status_reason",
    "updated_at",
    "submitted_at",
    "triggered_at",
    "filled_at",
    "cancelled_at",
    "expired_at",
    "rejected_at",
    "replaced_at",
)
"""What may change of an order; all else of it stays as it was placed."""


@dataclass(frozen=True, slots=True)
class Market:
    """Where an instrument is traded now, and what may trade; nothing when there is no route.

    The `phase` is None when the instrument's calendar is unknown.
    """

    venue: str
    is_venue_up: bool
    phase: Phase | None


class AlreadyPlaced(RuntimeError):
    """The order was said to be as it will be written, and is to be changed all the same."""


@dataclass(slots=True)
class Batch:
    """Locked accounts, their orders concerned, and everything that deciding on them needs.

    By so many milliseconds our clock is off (`clock_offset`), None when nobody has measured it.
    Of new orders, those `placed` are done with; others may take further steps in the batch.

    `marks` are those of the orders whose price is watched. Of margin accounts, `sheets` are how
    they stood when their tickets were read; where only reports are applied there are none.
    """

    now: datetime
    accounts: Mapping[UUID, LockedAccount]
    orders: dict[UUID, Order]
    instruments: Mapping[UUID, Instrument]
    quotes: Mapping[UUID, Quote]
    limits: LimitBook
    switches: Engagements
    books: Books
    marks: Mapping[UUID, Decimal | None] = field(default_factory=dict)
    new: dict[UUID, Order] = field(default_factory=dict)
    placed: dict[UUID, tuple[Order, Cause]] = field(default_factory=dict)
    changed: dict[UUID, Order] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    decisions: list[Decided] = field(default_factory=list)
    messages: list[outbox.Message] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    activities: list[tuple[LockedAccount, ActivityEvent]] = field(default_factory=list)
    watched: dict[UUID, Watch] = field(default_factory=dict)
    unwatched: set[UUID] = field(default_factory=set)
    markets: dict[str, Market] = field(default_factory=dict)
    sheets: Mapping[UUID, Sheet] = field(default_factory=dict)
    standings: dict[UUID, Standing] = field(default_factory=dict)
    day_trades: dict[UUID, Record] = field(default_factory=dict)
    fees: dict[tuple[str, str], FeeTerms] = field(default_factory=dict)
    clock_offset: float | None = None
    day: date = field(init=False)

    def __post_init__(self) -> None:
        self.day = calendars.date_of(self.now)

    def market_of(self, order: Order) -> Market:
        return self.market_in(order.instrument)

    def market_in(self, instrument: Instrument) -> Market:
        """Return where it would be traded: the same for a whole batch, looked up once."""
        market = self.markets.get(instrument.symbol)
        if market is None:
            market = self.markets[instrument.symbol] = _market_of(instrument, self.now)
        return market

    def fees_of_buy(self, account: LockedAccount, instrument: Instrument) -> FeeTerms:
        """Return what a purchase will be charged: one look at the schedule for all alike."""
        key = account.tier, instrument.asset_class
        found = self.fees.get(key)
        if found is None:
            found = self.fees[key] = schedule.terms_of_buy(account, instrument, self.now)
        return found

    def limits_of(self, order: Order) -> AppliedLimits | None:
        """Return the limits that hold for the order, None when one is missing."""
        tier = self.accounts[order.account_id].tier
        return self.limits.of(order.account_id, tier, order.instrument_id)

    def bounds_of(self, order: Order) -> Bounds | None:
        found = self.limits_of(order)
        return found.bounds if found else None

    def stopping(self, order: Order) -> Engaged | None:
        """Return the switch that keeps the order from going, if one does.

        One that was thrown for an order also stops what is to take its place.
        """
        if not self.switches:
            return None
        return self.switches.stopping(
            order=(order.pk, order.replaces),
            account_id=order.account_id,
            instrument_id=order.instrument_id,
            venue=self.market_of(order).venue,
        )

    def is_closing_only(self, order: Order) -> bool:
        """Tell whether a switch lets positions of the order's scope only be reduced."""
        return bool(self.switches) and self.switches.is_closing_only(
            order=(order.pk, order.replaces),
            account_id=order.account_id,
            instrument_id=order.instrument_id,
            venue=self.market_of(order).venue,
        )

    def moment_of(self, order: Order) -> Moment:
        """Return what decides whether the order may go now, whoever asks: see `risk.checks`."""
        market, instrument = self.market_of(order), order.instrument
        stopping = self.stopping(order)
        return Moment(
            account_status=self.accounts[order.account_id].status,
            is_tradable=instrument.tradable,
            is_halted=instrument.halted,
            is_venue_up=market.is_venue_up,
            phase=market.phase,
            is_closing_only=instrument.closing_only or self.is_closing_only(order),
            stopped=stopping.code if stopping else "",
            stopped_scope=stopping.scope.words if stopping else "",
            clock_offset=self.clock_offset,
        )

    def group_of(self, order: Order) -> list[Order]:
        """Return the orders of the order's group, itself included, the first one first."""
        members = [each for each in self.orders.values() if each.group == order.group]
        return sorted(members, key=lambda each: each.created_at)

    def place(
        self, order: Order, cause: Cause, kind: str, told: events.Told = events.PLAIN
    ) -> None:
        """Note a new order that takes its only step in this batch, and what that is.

        It has no group, and nobody can name it before it is answered: what is written of it in
        the end is what it is now.
        """
        self.placed[order.id] = self.new.pop(order.id), cause
        self._tell(order, cause, kind, told)

    def keep(self, order: Order, cause: Cause, kind: str, told: events.Told = events.PLAIN) -> None:
        """Note what has happened to the order: for its table, its history and its owner."""
        self.touch(order)
        is_first = order.id in self.new and order.id not in self.orders
        self.orders[order.id] = order
        self.steps.append(
            history.step(order, cause, kind=history.CREATED if is_first else history.CHANGED)
        )
        self._tell(order, cause, kind, told)

    def note(self, order: Order, cause: Cause) -> None:
        """Note a step for the order's history alone: its owner need not be told."""
        self.steps.append(history.step(order, cause))

    def _tell(self, order: Order, cause: Cause, kind: str, told: events.Told) -> None:
        """Note what the order's owner is told."""
        event = events.order_event(order, kind=kind, at=cause.at, actor=cause.actor, told=told)
        self.activities.append((self.accounts[order.account_id], event))

    def touch(self, order: Order) -> None:
        """Note that the order's row is to be written anew, if it is there already."""
        if order.id in self.placed:
            raise AlreadyPlaced(str(order.id))
        if order.id not in self.new:
            self.changed[order.id] = order

    def watch(self, order: Order, *, mark: Decimal | None) -> None:
        """Let the price of a held order be watched from now on."""
        order.is_watched = True
        self.touch(order)
        self.watched[order.pk] = bulk.new(
            Watch,
            order_id=order.pk,
            account_id=order.account_id,
            instrument_id=order.instrument_id,
            side=order.side,
            stop_price=order.stop_price,
            trail_amount=order.trail_amount,
            trail_percent=order.trail_percent,
            mark=mark,
            since=self.now,
        )

    def unwatch(self, order: Order) -> None:
        if order.is_watched and self.watched.pop(order.pk, None) is None:
            self.unwatched.add(order.pk)
        order.is_watched = False

    def write(self) -> None:
        history.begin(self.placed.values())
        bulk.insert(list(self.new.values()))
        bulk.update(list(self.changed.values()), fields=CHANGING)
        trips.set_out()
        bulk.insert(self.trades)
        history.write(self.steps)
        risk.keep(self.decisions)
        if self.unwatched:
            trips.send("DELETE FROM orders_watch WHERE order_id = ANY(%s)", [[*self.unwatched]])
        bulk.insert(list(self.watched.values()))
        self.books.close()
        activity.record(self.activities)
        outbox.enqueue(self.messages)


def _market_of(instrument: Instrument, now: datetime) -> Market:
    try:
        venue = routing.routes().venue_for(instrument.pk, instrument.asset_class)
    except routing.NoRoute:
        venue = ""
    try:
        phase = calendars.phase(instrument.calendar, now)
    except calendars.UnknownCalendar:
        phase = None
    return Market(venue=venue, is_venue_up=bool(venue) and links.is_up(venue, now), phase=phase)


def ask_with_kin(order_ids: Iterable[UUID]) -> Answer[list[Order]]:
    """Ask for these orders, for those of their groups, and for what replaces or is replaced."""
    ids = list(order_ids)
    return bulk.ask(
        Order,
        """id IN (
            SELECT unnest(%s::uuid[])
            UNION SELECT kin.id FROM orders_order o JOIN orders_order kin ON kin."group" = o."group"
                   WHERE o.id = ANY(%s)
            UNION SELECT o.replaces FROM orders_order o WHERE o.id = ANY(%s)
            UNION SELECT o.replaced_by FROM orders_order o WHERE o.id = ANY(%s))""",
        [ids, ids, ids, ids],
    )


def with_instruments(orders: Iterable[Order], instruments: Mapping[UUID, Instrument]) -> None:
    """Give the orders their instruments, which were read on their own."""
    for order in orders:
        bulk.relate(order, "instrument", instruments[order.instrument_id])
