"""Reading day trades: those that were made, and those that open orders could make.

Asked only where they matter: of small accounts that close what they opened today, and by the
monitor of accounts that have traded since it last looked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.conf import settings

from foundation import bulk
from marketdata import calendars
from risk.margin import book as margin_book
from risk.margin import calls, day_trades
from risk.margin.day_end import Fill
from risk.margin.day_trades import Day, Dealing
from risk.margin.trade_calls import TradeDay


@dataclass(frozen=True, slots=True)
class Record:
    """An account's last five business days: each instrument's days, and day trades under way.

    `closing` are the instruments that open orders are to close; day trades `since` count.
    """

    today: date
    days: dict[tuple[UUID, date], Day]
    closing: frozenset[UUID] = frozenset()
    since: datetime | None = None

    @property
    def count(self) -> int:
        return day_trades.count(self.days)

    def with_orders(self, instrument_id: UUID) -> int:
        """Return how many there are, with those that open orders in other instruments may make."""
        return self.count + sum(
            day.is_armed and bool(day.opened)
            for (other, at), day in self.days.items()
            if at == self.today and other in self.closing and other != instrument_id
        )

    def today_of(self, instrument_id: UUID) -> Day:
        return self.days.get((instrument_id, self.today), Day())


# A bust and what it takes back are no trades.
_TRADES: Final = """
    SELECT t.account_id, t.instrument_id, t.executed_at,
           CASE t.side WHEN 'buy' THEN t.quantity ELSE -t.quantity END
      FROM orders_trade t
      JOIN marketdata_instrument i ON i.id = t.instrument_id AND i.asset_class = 'us_equity'
      LEFT JOIN orders_trade bust ON bust.busts_id = t.id
     WHERE t.account_id = ANY(%s) AND t.booked_at >= %s AND t.busts_id IS NULL
       AND bust.id IS NULL
     ORDER BY t.executed_at, t.booked_at, t.id
"""
_POSITIONS: Final = """
    SELECT account_id, instrument_id, quantity FROM portfolio_position
     WHERE account_id = ANY(%s) AND quantity <> 0
"""
_CLOSING: Final = """
    SELECT DISTINCT account_id, instrument_id FROM orders_order
     WHERE account_id = ANY(%s) AND position_intent IN ('sell_to_close', 'buy_to_close')
       AND status IN ('pending', 'held', 'submitted', 'partially_filled', 'pending_cancel',
                      'pending_replace', 'unknown')
"""
UNJUDGED_DAYS: Final = 15
_UNJUDGED: Final = """
    SELECT DISTINCT t.account_id, (t.executed_at AT TIME ZONE 'America/New_York')::date AS day
      FROM orders_trade t
      JOIN accounts_account a ON a.id = t.account_id AND a.margin
      LEFT JOIN risk_marginstatus s ON s.account_id = t.account_id
     WHERE t.booked_at >= %s AND t.executed_at < %s
       AND (s.judged_day IS NULL
            OR s.judged_day < (t.executed_at AT TIME ZONE 'America/New_York')::date)
     ORDER BY day, t.account_id
"""
# A bust and what it takes back have changed nothing.
_FILLS: Final = """
    SELECT i.code, t.executed_at, CASE t.side WHEN 'buy' THEN t.quantity ELSE -t.quantity END,
           t.price
      FROM orders_trade t
      JOIN marketdata_instrument i ON i.id = t.instrument_id
      LEFT JOIN orders_trade bust ON bust.busts_id = t.id
     WHERE t.account_id = %s AND t.booked_at >= %s AND t.executed_at >= %s
       AND t.busts_id IS NULL AND bust.id IS NULL
     ORDER BY t.executed_at, t.booked_at, t.id
"""
_TRADED: Final = """
    SELECT DISTINCT t.account_id FROM orders_trade t JOIN accounts_account a ON a.id = t.account_id
     WHERE a.margin AND t.booked_at >= %s
"""


def records(account_ids: Iterable[UUID], *, now: datetime) -> dict[UUID, Record]:
    """Return the record of each of these accounts."""
    owners = list(account_ids)
    today = calendars.date_of(now)
    first = calls.last_sessions(settings.MARKET_HOURS, today, day_trades.DAYS)[0]
    dealings: dict[UUID, list[Dealing]] = {owner: [] for owner in owners}
    cleared = margin_book.cleared(owners)
    for owner, instrument, at, quantity in bulk.execute(
        _TRADES, [owners, calendars.midnight(first)]
    ):
        counts = owner not in cleared or cleared[owner] < at
        dealings[owner].append(Dealing(instrument, calendars.date_of(at), quantity, counts))
    held: dict[UUID, dict[UUID, Decimal]] = {owner: {} for owner in owners}
    for owner, instrument, quantity in bulk.execute(_POSITIONS, [owners]):
        held[owner][instrument] = quantity
    closing: dict[UUID, set[UUID]] = {owner: set() for owner in owners}
    for owner, instrument in bulk.execute(_CLOSING, [owners]):
        closing[owner].add(instrument)
    return {
        owner: Record(
            today=today,
            days=day_trades.days_of(dealings[owner], held[owner]),
            closing=frozenset(closing[owner]),
            since=cleared.get(owner),
        )
        for owner in owners
    }


def unjudged_days(today: date) -> list[tuple[UUID, date]]:
    """Return the margin accounts and the days of before `today` whose trades nobody has looked at
    yet (`risk.margin.trade_calls`), the oldest first."""
    end = calendars.midnight(today)
    rows = bulk.execute(_UNJUDGED, [end - timedelta(days=UNJUDGED_DAYS), end])
    return [(owner, day) for owner, day in rows]


def trade_day(account_id: UUID, day: date) -> TradeDay:
    """Return what the account has traded on the day and since."""
    rows = bulk.execute(_FILLS, [account_id, calendars.midnight(day), calendars.midnight(day)])
    fills: list[Fill] = []
    later: list[Fill] = []
    for code, at, quantity, price in rows:
        of = fills if calendars.date_of(at) == day else later
        of.append(Fill(code, quantity, price))
    return TradeDay(day, fills, later)


def traded_since(at: datetime) -> list[UUID]:
    """Return the margin accounts that have traded since `at`."""
    return [owner for [owner] in bulk.execute(_TRADED, [at])]
