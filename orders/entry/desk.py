"""What the intake knows while it carries out a batch of tickets: the batch and how it is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.utils import timezone

from accounts import locks
from accounts.locks import LockedAccount
from foundation import bulk, trips
from foundation.trips import Answer
from foundation.values import value
from marketdata.instruments import habits
from marketdata.instruments.habits import UNKNOWN, Habit
from marketdata.models import Instrument, Quote
from orders import batch as working
from orders import holding
from orders.batch import Batch, Market
from orders.entry import interest
from orders.entry.interest import OpenInterest, Paces
from orders.models import Order, Watch
from orders.tickets import OrderTicket, ReplaceTicket, ResumeTicket, Ticket, TriggerTicket
from portfolio import books
from risk import exposure
from risk.controls import switches
from risk.exposure import FirmState
from risk.limits import book as limit_book
from risk.margin import book as margin_book
from risk.margin.borrowing import Lent
from venues.messages import TimeInForce

TWIN_SECONDS: Final = 5
ZERO: Final = Decimal(0)


@value
class Listing:
    """An instrument as the orders of one batch meet it.

    `quote_age` is in seconds, None without a quote; one that arrived while the batch waited for
    its locks is of age zero.
    """

    instrument: Instrument
    quote: Quote | None
    quote_age: float | None
    market: Market
    habit: Habit


@dataclass(slots=True)
class Desk:
    """A batch, and what is asked of it by name.

    `interest` is in the accounts' open orders, `exposures` what all positions of each account are
    worth, `habits` what is usual of each instrument, by symbol; `recent` are the contents of the
    orders that each account has placed moments ago. `lent` is what can be borrowed of those
    instruments of which somebody has asked it. A desk that `only_looks` locks nothing.
    """

    batch: Batch
    by_symbol: dict[str, Instrument]
    by_client_id: dict[tuple[UUID, str], Order]
    interest: OpenInterest
    paces: Paces
    exposures: dict[UUID, Decimal]
    firm: FirmState
    habits: dict[str, Habit]
    recent: set[tuple[UUID, str]] = field(default_factory=set)
    expiries: dict[tuple[TimeInForce, str, bool], datetime | None] = field(default_factory=dict)
    lent: dict[UUID, Lent] = field(default_factory=dict)
    only_looks: bool = False
    listings: dict[str, Listing] = field(default_factory=dict)

    def order_of(self, account: LockedAccount, order_id: UUID) -> Order | None:
        """Return this order of the account, None when it has no such."""
        order = self.batch.orders.get(order_id)
        return order if order is not None and order.account_id == account.pk else None

    def listing(self, instrument: Instrument) -> Listing:
        """Return what all orders in the instrument meet: looked up once a batch."""
        found = self.listings.get(instrument.symbol)
        if found is None:
            found = self.listings[instrument.symbol] = self._listed(instrument)
        return found

    def _listed(self, instrument: Instrument) -> Listing:
        quote, now = self.batch.quotes.get(instrument.id), self.batch.now
        return Listing(
            instrument=instrument,
            quote=quote,
            quote_age=max((now - quote.received_at).total_seconds(), 0.0) if quote else None,
            market=self.batch.market_in(instrument),
            habit=self.habits.get(instrument.symbol, UNKNOWN),
        )


def open_desk(
    tickets: Sequence[Ticket], *, now: datetime | None = None, only_looks: bool = False
) -> Desk:
    """Lock the accounts concerned and read all that the tickets need.

    A desk that `only_looks` locks nobody, and its transaction can write nothing.

    Without `now` it is read behind the locks, so that the times of an account's orders rise in the
    order in which they become visible.

    What they need of orders that exist is read first, behind the locks; a batch of new orders
    alone needs no trip for that.
    """
    ask_accounts = locks.ask_unlocked if only_looks else locks.ask_all
    accounts = ask_accounts(ticket.account_id for ticket in tickets)
    named = [t for t in tickets if isinstance(t, OrderTicket | ReplaceTicket)]
    symbols = {t.symbol for t in tickets if isinstance(t, OrderTicket)}
    changing = {t.order_id for t in tickets if not isinstance(t, OrderTicket)}
    earlier = _ask_orders_named(named)
    trips.set_out()
    existing = working.ask_with_kin(changing).get() if changing else []
    watches = _ask_watches(existing)
    concerned = {order.instrument_id for order in existing}
    owners = {ticket.account_id for ticket in tickets}
    instruments = bulk.ask(
        Instrument, "symbol = ANY(%s) OR id = ANY(%s)", [list(symbols), list(concerned)]
    )
    quotes = bulk.ask(
        Quote,
        """instrument_id IN (SELECT id FROM marketdata_instrument
                              WHERE symbol = ANY(%s) OR id = ANY(%s))""",
        [list(symbols), list(concerned)],
    )
    asked_at = now or timezone.now()
    placing = {ticket.account_id for ticket in named}
    measured = placing | _releasing(tickets, existing)
    opened_orders = interest.ask_open(measured) if measured else Answer(OpenInterest)
    paces = interest.ask_paces(placing) if placing else Answer(Paces)
    exposures = exposure.ask_exposures(measured) if measured else Answer(dict)
    firm = exposure.ask_firm(asked_at)
    usual = habits.ask(symbols, now=asked_at)
    engaged = switches.ask_engaged()
    recent = _ask_recent(named, asked_at)
    limits = limit_book.ask(owners, symbols=symbols, instrument_ids=concerned, now=asked_at)
    opened = books.ask_books(
        account_ids=owners,
        symbols=symbols,
        instrument_ids=concerned,
        order_ids=[order.pk for order in existing],
    )
    by_id = {instrument.pk: instrument for instrument in instruments.get()}
    if measured and concerned:  # what is replaced or goes has its symbol only now
        usual = habits.ask({instrument.symbol for instrument in by_id.values()}, now=asked_at)
    found = earlier.get()
    now = now or timezone.now()
    known = [*found, *existing]
    working.with_instruments(known, _with_missing(by_id, known))
    lent_to = [account.pk for account in accounts.get().values() if account.margin]
    return Desk(
        batch=Batch(
            now=now,
            accounts=accounts.get(),
            orders={order.pk: order for order in existing},
            instruments=by_id,
            quotes={quote.instrument_id: quote for quote in quotes.get()},
            limits=limits.get(),
            switches=engaged.get(),
            books=opened.get(),
            marks=watches.get(),
            sheets=margin_book.ask_sheets(lent_to, now=now).get() if lent_to else {},
            clock_offset=firm.get().clock_offset,
        ),
        by_symbol={instrument.symbol: instrument for instrument in by_id.values()},
        by_client_id={(order.account_id, order.client_order_id): order for order in found},
        interest=opened_orders.get(),
        paces=paces.get(),
        exposures=exposures.get(),
        firm=firm.get(),
        habits=usual.get(),
        recent=recent.get(),
        only_looks=only_looks,
    )


def _releasing(tickets: Sequence[Ticket], existing: Iterable[Order]) -> set[UUID]:
    """Return the accounts of held orders that are to go, and are measured anew for that."""
    going = {t.order_id for t in tickets if isinstance(t, TriggerTicket | ResumeTicket)}
    return {
        order.account_id
        for order in existing
        if order.pk in going and not order.is_leg and holding.intent_of(order).opens
    }


def _ask_watches(orders: Sequence[Order]) -> Answer[dict[UUID, Decimal | None]]:
    """Ask for the marks of those of the orders whose price is watched."""
    if not orders:
        return Answer(dict)
    watches = bulk.ask(Watch, "order_id = ANY(%s)", [[order.pk for order in orders]])
    return Answer(lambda: {watch.order_id: watch.mark for watch in watches.get()})


def _with_missing(
    instruments: dict[UUID, Instrument], orders: Iterable[Order]
) -> dict[UUID, Instrument]:
    """Return the instruments with those that only a repeated ticket's earlier order names."""
    missing = {order.instrument_id for order in orders} - instruments.keys()
    if not missing:
        return instruments
    found = bulk.select(Instrument, "id = ANY(%s)", [list(missing)])
    return instruments | {instrument.pk: instrument for instrument in found}


def _ask_orders_named(named: Sequence[OrderTicket | ReplaceTicket]) -> Answer[list[Order]]:
    """Ask for the orders that have the tickets' client_order_ids already.

    Each is looked up by itself, which the limit makes sure of: it takes nothing away. Given all of
    them at once, the planner reads every order there is for as long as it knows of some hundreds.
    """
    return bulk.ask(
        Order,
        """id = ANY(ARRAY(
               SELECT found.id FROM unnest(%s::uuid[], %s::text[]) AS named(account, name),
                      LATERAL (SELECT id FROM orders_order earlier
                                WHERE earlier.account_id = named.account
                                  AND earlier.client_order_id = named.name
                                LIMIT 1) found))""",
        [[t.account_id for t in named], [t.client_order_id for t in named]],
    )


def _ask_recent(
    named: Sequence[OrderTicket | ReplaceTicket], now: datetime
) -> Answer[set[tuple[UUID, str]]]:
    """Ask what those accounts have placed moments ago whose clients do not name their orders."""
    owners = {t.account_id for t in named if t.is_id_ours and isinstance(t, OrderTicket)}
    if not owners:
        return Answer(set)
    rows = trips.send(
        """SELECT account_id, content_digest FROM orders_order
            WHERE account_id = ANY(%s) AND created_at > %s""",
        [list(owners), now - timedelta(seconds=TWIN_SECONDS)],
    )
    return Answer(lambda: {(owner, digest) for owner, digest in rows.get()})
