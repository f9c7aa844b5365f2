"""How margin accounts stand: their money, positions and prices, read with three statements.

The order path reads the accounts of a batch, under their locks; the monitor those that something
has touched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from foundation import trips
from foundation.trips import Answer
from marketdata import calendars, pricing
from marketdata.calendars import Phase
from risk.margin import rates as margin_rates
from risk.margin import requirements as margin
from risk.margin.requirements import Close, Holding, Rates, Standing

ZERO: Final = Decimal(0)
MULTIPLIER_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Market:
    """An instrument as positions in it are valued, and what it requires.

    `price` is that of `marketdata.pricing`; None when there is none. It is
    `live` when the feed stands by it, it is undoubted and its market is on; it `counts` for
    orders also while that market is closed, when nobody can know a newer one.
    """

    code: str
    symbol: str
    calendar: str
    quantity_increment: Decimal
    price: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    rates: Rates
    live: bool
    counts: bool


@dataclass(slots=True)
class Held:
    """A position of a margin account; its `holding` is None while it has no price."""

    market: Market
    quantity: Decimal

    @property
    def code(self) -> str:
        return self.market.code

    @property
    def symbol(self) -> str:
        return self.market.symbol

    @property
    def holding(self) -> Holding | None:
        market = self.market
        return None if market.price is None else Holding(self.quantity, market.price, market.rates)


@dataclass(slots=True)
class Sheet:
    """All of a margin account that its standing follows from.

    `day_trades` are those of the last five business days, as the monitor counted them. The account
    `is_being_liquidated` while a call of it is overdue.
    """

    account_id: UUID
    multiplier_max: int
    cash: Decimal
    held: Decimal
    day_trader_since: date | None
    close: Close | None
    day_trades: int = 0
    is_being_liquidated: bool = False
    positions: list[Held] = field(default_factory=list)

    def standing(self, *, held: Decimal | None = None) -> Standing:
        """Return how the account stands; with `held`, as if that were set aside."""
        return margin.standing(
            [found for each in self.positions if (found := each.holding) is not None],
            cash=self.cash,
            held=self.held if held is None else held,
            multiplier_max=self.multiplier_max,
            is_day_trader=self.day_trader_since is not None,
            close=self.close,
            unpriced=[each.symbol for each in self.positions if not each.market.counts],
        )

    def after(
        self, code: str, *, quantity: Decimal, cash: Decimal, price: Decimal, rates: Rates
    ) -> Standing:
        """Return how the account would stand with `quantity` and `cash` more, either may be
        negative, the whole position in the instrument then being valued at `price`."""
        had = sum((each.quantity for each in self.positions if each.code == code), ZERO)
        others = [each.holding for each in self.positions if each.code != code]
        holdings = [each for each in others if each is not None]
        if had + quantity:
            holdings.append(Holding(had + quantity, price, rates))
        return margin.standing(
            holdings,
            cash=self.cash + cash,
            held=self.held,
            multiplier_max=self.multiplier_max,
            is_day_trader=self.day_trader_since is not None,
            close=self.close,
            unpriced=[e.symbol for e in self.positions if not e.market.counts and e.code != code],
        )

    @property
    def is_live(self) -> bool:
        return all(each.market.live for each in self.positions)

    @property
    def calendar(self) -> str:
        """Return whose days count for the account: those of an exchange, if it has any of it."""
        names = sorted(each.market.calendar for each in self.positions)
        return next((name for name in names if name != calendars.ALWAYS), calendars.ALWAYS)


# The close is that of the last day before this one, which the monitor keeps.
_ACCOUNTS: Final = """
    SELECT a.id, a.multiplier_max, coalesce(b.amount, 0), coalesce(b.held, 0),
           coalesce(s.day_trades, 0), c.due_at, c.day_trade_due_at, s.day_trader_since, s.day,
           s.close_equity, s.close_maintenance, s.equity, s.maintenance
      FROM accounts_account a
      LEFT JOIN portfolio_balance b ON b.account_id = a.id AND b.asset = 'USD'
      LEFT JOIN risk_marginstatus s ON s.account_id = a.id
      LEFT JOIN LATERAL (
           SELECT min(due_at) FILTER (WHERE kind <> 'day_trade') AS due_at,
                  min(due_at) FILTER (WHERE kind = 'day_trade') AS day_trade_due_at
             FROM risk_margincall WHERE account_id = a.id AND status <> 'met') c ON true
     WHERE a.margin AND a.id = ANY(%s) AND a.status <> 'closed'
"""
_POSITIONS: Final = """
    SELECT p.account_id, p.instrument_id, p.quantity
      FROM portfolio_position p
      JOIN accounts_account a ON a.id = p.account_id AND a.margin
     WHERE p.quantity <> 0 AND p.account_id = ANY(%s)
"""
_CLEARED: Final = """
    SELECT account_id, cleared_at FROM risk_marginstatus
     WHERE account_id = ANY(%s) AND cleared_at IS NOT NULL
"""
_ALL: Final = "SELECT id FROM accounts_account WHERE margin AND status <> 'closed'"
_AMONG: Final = "SELECT id FROM accounts_account WHERE margin AND id = ANY(%s)"
_MARKET: Final = """
    SELECT i.id, i.code, i.symbol, i.asset_class, i.marginable, i.calendar,
           i.tradable AND NOT i.halted, i.quantity_increment,
           q.last, q.bid, q.ask, q.received_at, q.doubts
      FROM marketdata_instrument i LEFT JOIN marketdata_quote q ON q.instrument_id = i.id
"""
_MARKETS: Final = f"""{_MARKET}
     WHERE i.id IN (SELECT p.instrument_id FROM portfolio_position p
                      JOIN accounts_account a ON a.id = p.account_id AND a.margin
                     WHERE p.quantity <> 0 AND p.account_id = ANY(%s))
     ORDER BY i.symbol
"""  # noqa: S608 - put together from constants
_MARKETS_OF: Final = f"{_MARKET} WHERE i.code = ANY(%s)"


def ask_sheets(account_ids: Iterable[UUID], *, now: datetime) -> Answer[dict[UUID, Sheet]]:
    """Ask for those of these accounts that are margin accounts."""
    wanted = [list(account_ids)]
    accounts = trips.send(_ACCOUNTS, wanted)
    positions = trips.send(_POSITIONS, wanted)
    markets = trips.send(_MARKETS, wanted)
    return Answer(lambda: _sheets(accounts.get(), positions.get(), markets.get(), now))


def sheets(account_ids: Iterable[UUID], *, now: datetime) -> dict[UUID, Sheet]:
    """Return those of these accounts that are margin accounts, all as they stood at one moment.

    Nothing is locked: what a fill changes together must not be seen in parts.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return ask_sheets(account_ids, now=now).get()


def cleared(account_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """Return since when day trades count, of those accounts where two people have said so."""
    return dict(trips.send(_CLEARED, [list(account_ids)]).get())


def all_accounts() -> list[UUID]:
    """Return every margin account that is not closed."""
    return [account_id for [account_id] in trips.send(_ALL).get()]


def margin_accounts(among: Collection[UUID]) -> list[UUID]:
    """Return those of these accounts that are margin accounts."""
    if not among:
        return []
    return [account_id for [account_id] in trips.send(_AMONG, [list(among)]).get()]


def markets(codes: Iterable[str], *, now: datetime) -> dict[str, Market]:
    """Return these instruments as positions in them are valued now, by their codes."""
    reader = _Reader(now)
    rows = trips.send(_MARKETS_OF, [list(codes)]).get()
    return {market.code: market for market in (reader.market(*row) for row in rows)}


def sheet(account_id: UUID, *, now: datetime) -> Sheet | None:
    """Return the account's sheet, None for a cash account."""
    return ask_sheets([account_id], now=now).get().get(account_id)


Row = tuple[Any, ...]


def _sheets(
    accounts: list[Row], positions: list[Row], markets: list[Row], now: datetime
) -> dict[UUID, Sheet]:
    found = {row[0]: _sheet(row, now) for row in accounts}
    if not positions:
        return found
    reader = _Reader(now)
    known = {id_: reader.market(id_, *row) for id_, *row in markets}
    for account_id, instrument_id, quantity in positions:
        if account_id in found:
            found[account_id].positions.append(Held(known[instrument_id], quantity))
    for sheet in found.values():
        sheet.positions.sort(key=_by_symbol)
    return found


def _by_symbol(held: Held) -> str:
    return held.market.symbol


def _sheet(row: tuple[Any, ...], now: datetime) -> Sheet:
    account_id, multiplier, cash, held, day_trades, due_at, day_trade_due_at, *figures = row
    since, day, *figures = figures
    equity, maintenance = figures[:2] if day == calendars.date_of(now) else figures[2:]
    has_close = day is not None and equity is not None
    return Sheet(
        account_id=account_id,
        multiplier_max=min(multiplier, _multiplier_left(day_trade_due_at, now)),
        cash=cash,
        held=held,
        day_trader_since=since,
        day_trades=day_trades,
        is_being_liquidated=due_at is not None and due_at <= now,
        close=Close(equity, maintenance) if has_close else None,
    )


def _multiplier_left(due_at: datetime | None, now: datetime) -> int:
    """Return what a day-trading call leaves until it is met: twice, once overdue cash alone.

    FINRA 4210(f)(8)(B).
    """
    if due_at is None:
        return MULTIPLIER_MAX
    return 2 if now < due_at else 1


class _Reader:
    """Makes markets of rows, at one moment and by one schedule."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._schedule = margin_rates.schedule()
        self._oldest = now - timedelta(seconds=settings.QUOTE_AGE_SECONDS_MAX)
        self._phases: dict[str, Phase] = {}

    def market(
        self,
        instrument_id: UUID,
        code: str,
        symbol: str,
        asset_class: str,
        marginable: bool,
        calendar: str,
        trades: bool,
        increment: Decimal,
        last: Decimal | None,
        bid: Decimal | None,
        ask: Decimal | None,
        received_at: datetime | None,
        doubts: int | None,
    ) -> Market:
        price = pricing.market_price(last=last, bid=bid, ask=ask)
        is_crossed = bid is not None and ask is not None and bid > ask
        is_sound = price is not None and price > 0 and not doubts and not is_crossed
        is_fresh = received_at is not None and received_at >= self._oldest
        is_closed = self._phase(calendar) is Phase.CLOSED
        return Market(
            code=code,
            symbol=symbol,
            calendar=calendar,
            quantity_increment=increment,
            price=price,
            bid=bid,
            ask=ask,
            rates=self._schedule.rates(instrument_id, asset_class, is_marginable=marginable),
            live=is_sound and is_fresh and trades and not is_closed,
            counts=is_sound and (is_fresh or is_closed),
        )

    def _phase(self, calendar: str) -> Phase:
        phase = self._phases.get(calendar)
        if phase is None:
            phase = self._phases[calendar] = calendars.phase(calendar, self._now)
        return phase
