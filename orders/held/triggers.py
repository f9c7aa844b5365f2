"""Watching prices for the orders that we hold: stops and trailing stops.

A part of the program, at work in one process at a time. It loads what is watched, follows its
changes, reads every new last price, and has the orders whose price was reached go through the
intake like any other request, so that whether one is still held is decided under its account's
lock: an order goes once, however often it is asked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import locks
from foundation import bulk, charge, wakeups
from foundation.wakeups import Channel
from marketdata import selectors as marketdata
from marketdata.models import Instrument, PricePath, Quote
from marketdata.ticks import Point
from orders.entry import intake
from orders.entry.asking import Asking, Enter
from orders.held import prices
from orders.held.watching import Moved, Watched, Watching
from orders.tickets import TriggerTicket
from venues.messages import Side

log = structlog.get_logger(__name__)

JOB: Final = "triggers"
POLL_SECONDS: Final = 0.25
ANSWER_SECONDS: Final = 0.02  # until answers are looked for, and the next are asked
STANDBY_SECONDS: Final = 1.0
LOOK_AGAIN_SECONDS: Final = 1.0
CLEAR_SECONDS: Final = 60.0
GONE_MAX: Final = 1_000
"""So many may have been cancelled unnoticed, or as many as are left, before they are looked for."""


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Watch until `stop`, while no other process does."""
    serve(stop, beat, enter=intake.enter)


def serve(stop: threading.Event, beat: Callable[[], None], *, enter: Enter[TriggerTicket]) -> None:
    """Watch until `stop`; what is to be triggered is handed to `enter`."""
    try:
        with wakeups.listener.event(Channel.QUOTES) as news:
            while not stop.is_set():
                if charge.take(JOB):
                    _watch(Lookout(enter), news, stop, beat)
                beat()
                stop.wait(STANDBY_SECONDS)
    finally:
        charge.give_up(JOB)


def _watch(
    lookout: Lookout, news: threading.Event, stop: threading.Event, beat: Callable[[], None]
) -> None:
    while not stop.is_set():
        news.clear()
        lookout.look(now=timezone.now())
        beat()
        news.wait(ANSWER_SECONDS if lookout.is_asking else POLL_SECONDS)


class Lookout:
    """What is watched, in memory, and how far changes and prices have been read."""

    def __init__(self, enter: Enter[TriggerTicket]) -> None:
        self._asking: Asking[TriggerTicket] = Asking(enter)
        self._reached: dict[UUID, tuple[UUID, Watched]] = {}  # by order: instrument and terms
        self._watching: dict[UUID, Watching] = {}  # by instrument
        self._instruments: dict[UUID, UUID] = {}  # by order
        self._transaction = 0  # all before this one are known
        self._sequence = -1  # of the last quote that was read
        self._paths: dict[UUID, int] = {}  # by instrument, the number of the last that was seen
        self._late: dict[UUID, set[UUID]] = {}  # by instrument, orders that have yet to catch up
        self._unusable: set[UUID] = set()  # instruments whose last price may yet become usable
        self._looked_again_at = self._cleared_at = time.monotonic()

    def __len__(self) -> int:
        """Return how many orders are watched."""
        return len(self._instruments)

    @property
    def is_asking(self) -> bool:
        """Tell whether the intake has yet to answer about an order that was reached."""
        return bool(self._asking)

    def look(self, *, now: datetime) -> None:
        """Take in what has changed and act on it: one round."""
        quotes = self._quotes_and_news(self._follow())
        paths = self._paths_to(quotes)
        moved = [m for q in quotes for m in self._see(q, paths.get(q.instrument_id, []), now)]
        # A trigger takes its mark along, so it need not wait until marks are written down.
        self._carry_on()
        self._write_down(moved)
        self._forget_gone()

    # --- What is watched -----------------------------------------------------------------------

    def _follow(self) -> set[UUID]:
        """Take in new and changed rows; return the instruments of new ones."""
        is_start = not self._transaction
        rows = bulk.execute(_CHANGED, [self._transaction])
        self._transaction = rows[0][0]
        new = set()
        for _, order_id, instrument_id, *terms in rows:
            if order_id is None or order_id in self._reached:
                continue
            order = _watched(order_id, *terms)
            if order_id not in self._instruments:
                new.add(instrument_id)
                if not self._watching.get(instrument_id):  # nobody has looked there for a while
                    self._watching.pop(instrument_id, None)
                    self._paths.pop(instrument_id, None)
                # At the start nobody knows what a mark has seen: it goes on from the last price.
                if order.mark is None or not is_start:
                    self._late.setdefault(instrument_id, set()).add(order_id)
            self._watch(instrument_id, order)
        return new

    def _watch(self, instrument_id: UUID, order: Watched) -> None:
        if instrument_id not in self._watching:
            self._watching[instrument_id] = Watching()
        self._watching[instrument_id].watch(order)
        self._instruments[order.order_id] = instrument_id

    def _forget(self, order_ids: Iterable[UUID]) -> None:
        for order_id in order_ids:
            self._watching[self._instruments.pop(order_id)].forget(order_id)

    def _forget_gone(self) -> None:
        """Let go of cancelled orders when there may be many: their rows are gone without a word."""
        if time.monotonic() - self._cleared_at < CLEAR_SECONDS:
            return
        self._cleared_at = time.monotonic()
        [[count]] = bulk.execute("SELECT count(*) FROM orders_watch")
        if len(self) > count + max(GONE_MAX, count):
            there = {order_id for [order_id] in bulk.execute("SELECT order_id FROM orders_watch")}
            self._forget(self._instruments.keys() - there)

    # --- Prices --------------------------------------------------------------------------------

    def _quotes_and_news(self, new: set[UUID]) -> list[Quote]:
        """Return the quotes that changed, and those to be looked at again, oldest change first.

        A price that came before we had read of an order counts for it if it was made after its
        watch began, so the quotes of `new` orders' instruments are among them.
        """
        if not self._instruments:
            return []
        again = set(new)
        if time.monotonic() - self._looked_again_at > LOOK_AGAIN_SECONDS:
            self._looked_again_at = time.monotonic()
            again |= self._unusable
        watched = [key for key, orders in self._watching.items() if orders]
        quotes = bulk.select(Quote, _NEWS, [self._sequence, watched, list(again)])
        if quotes:
            self._sequence = max(self._sequence, quotes[-1].sequence)
            ids = [quote.instrument_id for quote in quotes]
            instruments = {i.pk: i for i in bulk.select(Instrument, "id = ANY(%s)", [ids])}
            for quote in quotes:
                quote.instrument = instruments[quote.instrument_id]
        return quotes

    def _paths_to(self, quotes: Sequence[Quote]) -> dict[UUID, list[PricePath]]:
        """Return the ways to the last prices: the unseen ones, all that are kept for who is late.

        A trade that is followed by another one before we look is in no quote, and counts.
        """
        return marketdata.price_paths(
            [
                (key, -1 if key in self._late else self._seen_paths(quote), quote.paths)
                for quote in quotes
                if (key := quote.instrument_id) in self._late
                or self._seen_paths(quote) < quote.paths
            ]
        )

    def _seen_paths(self, quote: Quote) -> int:
        return self._paths.get(quote.instrument_id, quote.paths)

    def _see(self, quote: Quote, paths: Sequence[PricePath], now: datetime) -> list[Moved]:
        """Hold the watched orders against prices that can be used; return the marks they moved."""
        orders = self._watching.get(quote.instrument_id)
        if orders is None or quote.last is None or quote.last_at is None:
            return []
        self._unusable.discard(quote.instrument_id)
        if not prices.is_believable(quote, now=now):
            self._unusable.add(quote.instrument_id)
            return []
        late_ids = self._late.pop(quote.instrument_id, set())
        is_first = quote.instrument_id not in self._paths
        seen, self._paths[quote.instrument_id] = self._seen_paths(quote), quote.paths
        _tell_of_missed(quote, paths, seen)
        if is_first and orders.order_ids <= late_ids:
            seen, late_ids = -1, set()  # as at a start: none has seen anything, so they go as one
        late = orders.take_young(late_ids)
        moved = self._hold(late, quote, _points(quote, paths, until=seen), now)
        orders.take_back(late, {each.order.order_id: each.mark for each in moved})
        last = Point(quote.last, quote.last_at)
        return moved + self._hold(orders, quote, [*_points(quote, paths, after=seen), last], now)

    def _hold(
        self, orders: Watching, quote: Quote, points: Iterable[Point], now: datetime
    ) -> list[Moved]:
        """Hold `orders` against each price of this session; return the marks they moved."""
        moved: list[Moved] = []
        if not orders:
            return moved
        calendar = quote.instrument.calendar
        for price, at in prices.of_this_session(points, calendar=calendar, now=now):
            seen = orders.see(price, at)
            moved += seen.moved
            for order, mark in ((each.order, each.mark) for each in seen.reached):
                del self._instruments[order.order_id]
                self._reached[order.order_id] = quote.instrument_id, order
                self._asking.put(
                    TriggerTicket(
                        account_id=order.account_id,
                        order_id=order.order_id,
                        price=price,
                        price_at=at,
                        received_at=now,
                        mark=mark,
                    )
                )
        return moved

    # --- What follows --------------------------------------------------------------------------

    def _carry_on(self) -> None:
        """Ask the intake to let go whoever was reached, and take its answers."""
        for ticket, answer in self._asking.carry_on():
            instrument_id, order = self._reached.pop(ticket.order_id)
            if answer.refusal is not None and answer.refusal.code == "not_trading":
                # It was halted in that very moment: the order stands and waits for another price.
                self._watch(instrument_id, replace(order, mark=ticket.mark))

    def _write_down(self, moved: Iterable[Moved]) -> None:
        """Keep the marks over a restart, under the locks of their accounts."""
        marks = {each.order.order_id: each for each in moved}
        if not marks:
            return
        orders = [each.order for each in marks.values()]
        with transaction.atomic():
            locks.lock_all({order.account_id for order in orders})
            written = bulk.execute(
                _WRITE_MARKS,
                [
                    [order.order_id for order in orders],
                    [order.since for order in orders],
                    [each.mark for each in marks.values()],
                ],
            )
        there = {order_id for [order_id] in written}
        self._forget(key for key in marks if key not in there and key in self._instruments)


# What is written by a transaction that was at work during the last read is read again: repeats
# do no harm, and nothing is missed, whatever the order of commits. Times come as microseconds:
# parsing them as text would take half of the time that loading does.
_CHANGED: Final = """
    SELECT until.transaction, w.order_id, w.instrument_id, w.account_id, w.side,
           (extract(epoch FROM w.since) * 1000000)::bigint,
           w.stop_price, w.trail_amount, w.trail_percent, w.mark
      FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS transaction) AS until
      LEFT JOIN orders_watch w ON w.changed_in >= %s
     ORDER BY w.since
"""
_NEWS: Final = """(sequence > %s AND instrument_id = ANY(%s)) OR instrument_id = ANY(%s)
    ORDER BY sequence"""
_WRITE_MARKS: Final = """
    UPDATE orders_watch AS w
       SET mark = CASE w.side WHEN 'sell' THEN greatest(w.mark, moved.mark)
                              ELSE least(w.mark, moved.mark) END
      FROM unnest(%s::uuid[], %s::timestamptz[], %s::numeric[]) AS moved(order_id, since, mark)
     WHERE w.order_id = moved.order_id AND w.since = moved.since
    RETURNING w.order_id
"""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _watched(
    order_id: UUID,
    account_id: UUID,
    side: str,
    microseconds: int,
    stop_price: Decimal | None,
    trail_amount: Decimal | None,
    trail_percent: Decimal | None,
    mark: Decimal | None,
) -> Watched:
    since = _EPOCH + timedelta(microseconds=microseconds)
    return Watched(
        order_id, account_id, Side(side), since, stop_price, trail_amount, trail_percent, mark
    )


def _points(
    quote: Quote, paths: Iterable[PricePath], *, after: int = -1, until: int | None = None
) -> list[Point]:
    """Return the prices of these paths, told by the quote's source, between two numbers."""
    return [
        point
        for path in paths
        if path.source == quote.source
        and path.number > after
        and (until is None or path.number <= until)
        for point in path.points
    ]


def _tell_of_missed(quote: Quote, paths: Iterable[PricePath], seen: int) -> None:
    """Say so when prices have come that were kept no longer when we looked."""
    oldest = min((path.number for path in paths if path.number > seen), default=seen + 1)
    if oldest > seen + 1:
        log.warning("prices_missed", symbol=quote.instrument.symbol, batches=oldest - seen - 1)
