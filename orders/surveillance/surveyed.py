"""What surveillance looks at: trades, orders, transfers and habits, a statement each. Reads only.

Every answer is bounded: by a window of time, by a number for each account, and in all.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from foundation import bulk
from marketdata import calendars
from marketdata.models import Instrument
from risk.surveillance.executed import Execution
from risk.surveillance.habits import Dealt, Earlier, Habit
from risk.surveillance.ignition import Push
from risk.surveillance.manipulation import Ending, Resting
from risk.surveillance.transfers import Moved, SamePayee

EXECUTIONS_MAX: Final = 5_000
RESTING_MAX: Final = 2_000
"""In a flood the latest are looked at."""
HABIT_ORDERS: Final = 200
HABIT_DAYS: Final = timedelta(days=30)
TRANSFERS_EACH: Final = 200
SAME_EACH: Final = 50
KNOWN_MAX: Final = 20_000


class Read(NamedTuple):
    """One activity of an account, and whose account it is."""

    owner: UUID
    account_id: UUID
    kind: str
    at: datetime
    actor: str
    payload: Any


def executions(owners: Collection[UUID], *, since: datetime) -> list[Execution]:
    """Return what was booked of these people's orders from `since` on, and not taken back."""
    rows = bulk.execute(_EXECUTIONS, [list(owners), since, EXECUTIONS_MAX])
    return [Execution(*row) for row in rows]


def executions_of(calendar: str, *, since: datetime, until: datetime) -> list[Execution]:
    """Return what was executed of the instruments of a calendar from `since` up to `until`."""
    rows = bulk.execute(_EXECUTIONS_OF, [calendar, since, until, since, EXECUTIONS_MAX])
    return [Execution(*row) for row in rows]


def executed_at(known: Iterable[Execution], filled: Iterable[Read]) -> list[datetime]:
    """Return when the venue executed what was read of."""
    ids = {UUID(each.payload["trade_id"]) for each in filled}
    return [each.at for each in known if each.trade_id in ids]


def dealt(filled: Iterable[Read]) -> list[Dealt]:
    """Return what was executed until now of the orders that were read of."""
    latest = {UUID(each.payload["order_id"]): each.at for each in filled}
    rows = bulk.execute(_DEALT, [list(latest)])
    return [
        Dealt(order_id, account_id, instrument_id, symbol, value, latest[order_id])
        for order_id, account_id, instrument_id, symbol, value in rows
    ]


def resting(owners: Collection[UUID], *, since: datetime) -> list[Resting]:
    """Return the limit orders that these people themselves have placed since then."""
    rows = bulk.execute(_RESTING, [list(owners), since, RESTING_MAX])
    return [Resting(*row) for row in rows]


def habits(account_ids: Collection[UUID], read: Sequence[Read]) -> dict[UUID, Habit]:
    """Return what these accounts do: their latest orders, with those that were just read of."""
    latest = max(each.at for each in read)
    most = max(Counter(each.account_id for each in read).values())
    orders: defaultdict[UUID, list[Earlier]] = defaultdict(list)
    for account_id, *terms in bulk.execute(
        _ORDERS, [list(account_ids), latest, HABIT_ORDERS + most]
    ):
        orders[account_id].append(Earlier(*terms))
    midnight = calendars.midnight(calendars.date_of(min(each.at for each in read)))
    turnovers = _turnovers.before(midnight, account_ids)
    return {key: Habit(orders=orders[key], turnovers=turnovers[key]) for key in account_ids}


class _Turnovers:
    """What each account traded on each day before a day: it stays the same, so it is kept."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[UUID, datetime], Sequence[Decimal]] = OrderedDict()

    def before(
        self, midnight: datetime, account_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[Decimal]]:
        unknown = [key for key in account_ids if (key, midnight) not in self._known]
        if unknown:
            found: defaultdict[UUID, list[Decimal]] = defaultdict(list)
            start = midnight - HABIT_DAYS
            for account_id, value in bulk.execute(_TURNOVERS, [unknown, start, midnight]):
                found[account_id].append(value)
            for key in unknown:
                self._known[key, midnight] = found[key]
        answer = {key: self._known[key, midnight] for key in account_ids}
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return answer


_turnovers = _Turnovers()


def transfers(account_ids: Collection[UUID]) -> dict[UUID, list[Moved]]:
    """Return the latest deposits and withdrawals of these accounts that were not taken back."""
    found: defaultdict[UUID, list[Moved]] = defaultdict(list)
    for transfer_id, account_id, *moved in bulk.execute(
        _TRANSFERS,
        [TRANSFERS_EACH, TRANSFERS_EACH, list(account_ids), list(account_ids), TRANSFERS_EACH],
    ):
        found[account_id].append(Moved(str(transfer_id), account_id, *moved))
    return dict(found)


def same_payees(named: Iterable[Read]) -> list[SamePayee]:
    """Return the payees of other customers with the bank accounts of those that were named, also
    such as were removed since: at most `SAME_EACH` of each, the latest."""
    payees = [UUID(each.payload["payee"]) for each in named]
    return [SamePayee(*row) for row in bulk.execute(_SAME_PAYEES, [SAME_EACH, payees])]


def traded(account_ids: Collection[UUID], *, since: datetime) -> dict[UUID, Decimal]:
    """Return the value that each of these accounts has traded since then."""
    rows = bulk.execute(_TRADED, [list(account_ids), since])
    return dict(rows)


def closed_since(since: datetime, *, now: datetime) -> list[tuple[str, datetime]]:
    """Return the calendars whose session closed after `since`, and when; never "always"."""
    names = Instrument.objects.exclude(calendar=calendars.ALWAYS).order_by("calendar")
    closes = [
        (name, calendars.next_close(name, since))
        for name in names.values_list("calendar", flat=True).distinct()
    ]
    return [(name, close) for name, close in closes if close <= now]


def endings(instrument_ids: Collection[UUID], *, since: datetime, close: datetime) -> list[Ending]:
    """Return the last minutes of these instruments' session."""
    rows = bulk.execute(_ENDINGS, [list(instrument_ids), since, close])
    return [
        Ending(instrument_id, since, close, volume, before, last)
        for instrument_id, volume, before, last in rows
    ]


def volumes(pushes: Sequence[Push]) -> dict[int, Decimal]:
    """Return what the market traded in the minutes of each of these, by its place."""
    if not pushes:
        return {}
    places = [list(range(len(pushes))), [each.instrument_id for each in pushes]]
    times = [[each.since for each in pushes], [each.until for each in pushes]]
    return dict(bulk.execute(_VOLUMES, [*places, *times]))


_FILL: Final = """
    SELECT t.id, t.order_id, t.account_id, a.user_id, t.instrument_id, i.symbol,
           CASE t.side WHEN 'buy' THEN 1 ELSE -1 END, t.quantity, t.price, t.executed_at
      FROM orders_trade t
      JOIN accounts_account a ON a.id = t.account_id
      JOIN marketdata_instrument i ON i.id = t.instrument_id
     WHERE t.busts_id IS NULL
       AND NOT EXISTS (SELECT 1 FROM orders_trade b WHERE b.busts_id = t.id)
"""
_EXECUTIONS: Final = f"""{_FILL}
       AND a.user_id = ANY(%s) AND t.booked_at >= %s
     ORDER BY t.booked_at DESC LIMIT %s
"""
_EXECUTIONS_OF: Final = f"""{_FILL}
       AND i.calendar = %s AND t.executed_at >= %s AND t.executed_at < %s AND t.booked_at >= %s
     ORDER BY t.booked_at DESC LIMIT %s
"""
_DEALT: Final = """
    SELECT o.id, o.account_id, o.instrument_id, i.symbol, o.filled_value
      FROM orders_order o JOIN marketdata_instrument i ON i.id = o.instrument_id
     WHERE o.id = ANY(%s)
"""
# What a rule of ours or a group brings along is nobody's show.
_RESTING: Final = """
    SELECT o.id, o.account_id, a.user_id, o.instrument_id, i.symbol,
           CASE o.side WHEN 'buy' THEN 1 ELSE -1 END, o.quantity, o.limit_price,
           o.filled_quantity, o.created_at, CASE WHEN o.status = 'cancelled' THEN o.cancelled_at END
      FROM accounts_account a
      JOIN orders_order o ON o.account_id = a.id
      JOIN marketdata_instrument i ON i.id = o.instrument_id
     WHERE a.user_id = ANY(%s) AND o.created_at >= %s AND o.type = 'limit' AND o.role = ''
     ORDER BY o.created_at DESC LIMIT %s
"""
_ORDERS: Final = """
    SELECT a.id, o.id, o.created_at, o.filled_value
      FROM unnest(%s::uuid[]) AS a(id)
     CROSS JOIN LATERAL (
        SELECT id, created_at, filled_value FROM orders_order
         WHERE account_id = a.id AND created_at <= %s AND role NOT IN ('take_profit', 'stop_loss')
         ORDER BY created_at DESC LIMIT %s) AS o
"""
_TURNOVERS: Final = """
    SELECT account_id, sum(quantity * price)
      FROM orders_trade
     WHERE account_id = ANY(%s) AND booked_at >= %s AND booked_at < %s AND busts_id IS NULL
     GROUP BY account_id, (booked_at AT TIME ZONE 'America/New_York')::date
"""
_TRANSFERS: Final = """
    SELECT t.id, l.owner_id, t.sign, t.amount, t.at, false
      FROM portfolio_ledgeraccount l
     CROSS JOIN LATERAL (
        (SELECT id, amount, at, 1 AS sign FROM portfolio_transfer
          WHERE credit_id = l.id AND kind = 'deposit' ORDER BY at DESC LIMIT %s)
        UNION ALL
        (SELECT id, amount, at, -1 AS sign FROM portfolio_transfer
          WHERE debit_id = l.id AND kind = 'withdrawal' ORDER BY at DESC LIMIT %s)) AS t
     WHERE l.owner_id = ANY(%s) AND l.asset = 'USD'
       AND NOT EXISTS (SELECT 1 FROM portfolio_transfer r WHERE r.reverses_id = t.id)
     UNION ALL
    -- Coins, with what they were worth.
    SELECT (SELECT min(id) FROM portfolio_transfer
             WHERE reference = format('withdrawal:%%s:%%s', f.account_id, f.reference)),
           f.account_id, -1, f.value, f.asked_at, true
      FROM unnest(%s::uuid[]) AS a(id)
     CROSS JOIN LATERAL (
        SELECT account_id, reference, value, asked_at FROM portfolio_funding
         WHERE account_id = a.id AND asset <> 'USD' AND state NOT IN ('cancelled', 'returned')
         ORDER BY asked_at DESC LIMIT %s) AS f
     ORDER BY at
"""
_SAME_PAYEES: Final = """
    SELECT p.id, p.account_id, p.added_at, o.id, o.account_id, o.user_id,
           coalesce((SELECT sum(f.value) FROM portfolio_funding f
                      WHERE f.payee_id = o.id AND f.state IN ('sent', 'settled')), 0)
      FROM portfolio_payee p
      JOIN accounts_account a ON a.id = p.account_id
     CROSS JOIN LATERAL (
        SELECT q.id, q.account_id, b.user_id
          FROM portfolio_payee q JOIN accounts_account b ON b.id = q.account_id
         WHERE q.fingerprint = p.fingerprint AND b.user_id <> a.user_id AND q.added_at <= p.added_at
         ORDER BY q.added_at DESC, q.id LIMIT %s) AS o
     WHERE p.id = ANY(%s)
     ORDER BY p.added_at, p.id, o.id
"""
_TRADED: Final = """
    SELECT account_id, sum(quantity * price) FROM orders_trade
     WHERE account_id = ANY(%s) AND booked_at >= %s AND busts_id IS NULL GROUP BY account_id
"""
_ENDINGS: Final = """
    SELECT instrument_id, sum(volume), (array_agg(open ORDER BY start))[1],
           (array_agg(close ORDER BY start DESC))[1]
      FROM marketdata_bar
     WHERE instrument_id = ANY(%s) AND timeframe = '1Min' AND start >= %s AND start < %s
       AND open IS NOT NULL
     GROUP BY instrument_id
"""
_VOLUMES: Final = """
    SELECT p.place, sum(b.volume)
      FROM unnest(%s::int[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])
           AS p(place, instrument_id, since, until)
      JOIN marketdata_bar b ON b.instrument_id = p.instrument_id AND b.timeframe = '1Min'
       AND b.start >= date_trunc('minute', p.since) AND b.start <= p.until
     GROUP BY p.place
"""
