"""What the ledger said of an account when a statement of it was made, read again at any time.

A transfer is in a statement by two times: when it happened (`at`, before the end of the period)
and when it was booked (its number, up to the one that was the last when the statement was made).
Numbers of one account are given under its lock: what is up to such a number is all there, and
never changes. Trades and entitlements are in by their transfers. Closings of lots have numbers of
their own, as a bust may put new ones in the place of old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, LiteralString, TypeVar
from uuid import UUID

from django.db import connection, transaction

from foundation.decimals import CASH
from marketdata import calendars
from portfolio.lots.records import is_long_term
from reconciliation.statements.confirmations import Execution
from reconciliation.statements.periods import DAY, Kind, Period
from reconciliation.statements.rules import Figures, Movement
from reconciliation.statements.tax import Income, Redeemed, Sale

AT_ONCE: Final = 2_000
ZERO: Final = Decimal(0)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of an account's ledger a statement is of.

    `before` and `through` are the last transfers that were booked when the statement before and
    this one were made; `closings` and `washes` are the same of closings and wash sales.
    """

    account_id: UUID
    period: Period
    before: int
    through: int
    closings: int = 0
    washes: int = 0

    @property
    def start(self) -> datetime:
        return calendars.midnight(self.period.first)

    @property
    def end(self) -> datetime:
        return calendars.midnight(self.period.last + DAY)

    @property
    def _named(self) -> dict[str, Any]:
        return {
            "account": self.account_id,
            "before": self.before,
            "start": self.start,
            "through": self.through,
            "end": self.end,
            "last": self.period.last,
            "closings": self.closings,
            "washes": self.washes,
        }


# Every transfer of the account up to the cut, with the sign that it has for the customer.
_BOOKED: Final[LiteralString] = """
WITH booked AS (
  SELECT t.id, t.at, t.kind, t.asset, t.amount, t.settles_on, t.reference, t.reason,
         t.reverses_id, t.debit_id AS house_id
    FROM portfolio_ledgeraccount own JOIN portfolio_transfer t ON t.credit_id = own.id
   WHERE own.owner_id = %(account)s AND own.kind = 'customer'
     AND t.id <= %(through)s AND t.at < %(end)s
   UNION ALL
  SELECT t.id, t.at, t.kind, t.asset, -t.amount, t.settles_on, t.reference, t.reason,
         t.reverses_id, t.credit_id
    FROM portfolio_ledgeraccount own JOIN portfolio_transfer t ON t.debit_id = own.id
   WHERE own.owner_id = %(account)s AND own.kind = 'customer'
     AND t.id <= %(through)s AND t.at < %(end)s
)"""
_OPENED: Final[LiteralString] = "(id <= %(before)s AND at < %(start)s)"
_TRADE: Final[LiteralString] = (
    "CASE WHEN reference ~ '^(trade|bust):[0-9a-f-]{36}$'"
    " THEN split_part(reference, ':', 2)::uuid END"
)

_FIGURES: Final[LiteralString] = f"""{_BOOKED}
SELECT asset, COALESCE(sum(amount) FILTER (WHERE {_OPENED}), 0), sum(amount)
  FROM booked GROUP BY asset ORDER BY asset"""  # noqa: S608 - constants
_UNSETTLED: Final[LiteralString] = f"""{_BOOKED}
SELECT settles_on, sum(amount) FROM booked
 WHERE asset = 'USD' AND settles_on > %(last)s
 GROUP BY settles_on HAVING sum(amount) <> 0 ORDER BY settles_on"""  # noqa: S608 - constants
_MOVEMENTS: Final[LiteralString] = f"""{_BOOKED}
SELECT b.at, b.kind, b.asset, b.amount, b.settles_on, b.reference, b.reason,
       CASE WHEN b.asset <> 'USD' THEN t.price END, b.at < %(start)s
  FROM (SELECT *, {_TRADE} AS trade_id FROM booked WHERE NOT {_OPENED}) b
  LEFT JOIN orders_trade t ON t.id = b.trade_id
 ORDER BY b.id"""  # noqa: S608 - constants
_EXECUTIONS: Final[LiteralString] = f"""{_BOOKED}
SELECT t.booked_at, t.executed_at, t.busts_id IS NOT NULL, t.side, b.asset, t.quantity, t.price,
       b.cash, b.commission, b.regulatory, b.settles_on, t.venue, t.execution_id,
       t.order_id::text, o.type
  FROM (SELECT min(b.id) AS id, {_TRADE} AS trade_id, max(b.settles_on) AS settles_on,
               max(b.asset) FILTER (WHERE b.asset <> 'USD') AS asset,
               COALESCE(sum(b.amount) FILTER (
                 WHERE b.asset = 'USD' AND b.kind <> 'fee'), 0) AS cash,
               COALESCE(sum(b.amount) FILTER (
                 WHERE b.kind = 'fee' AND h.kind <> 'regulatory'), 0) AS commission,
               COALESCE(sum(b.amount) FILTER (
                 WHERE b.kind = 'fee' AND h.kind = 'regulatory'), 0) AS regulatory
          FROM (SELECT * FROM booked
                 WHERE NOT {_OPENED} AND kind IN ('trade', 'bust', 'fee')) b
          JOIN portfolio_ledgeraccount h ON h.id = b.house_id
         GROUP BY b.reference) b
  JOIN orders_trade t ON t.id = b.trade_id
  JOIN orders_order o ON o.id = t.order_id
 ORDER BY b.id"""  # noqa: S608 - constants
_CODES: Final[LiteralString] = f"""{_BOOKED}
SELECT asset FROM booked GROUP BY asset
HAVING sum(amount) <> 0 OR NOT bool_and({_OPENED})"""  # noqa: S608 - constants


def figures(cut: Cut) -> Figures:
    """Return what there was before and after, of everything that ever was."""
    rows = _rows(_FIGURES, cut)
    return Figures(
        opening={asset: opening for asset, opening, _ in rows if opening},
        closing={asset: closing for asset, _, closing in rows if closing},
        unsettled=dict(_rows(_UNSETTLED, cut)),
    )


def movements(cut: Cut) -> Callable[[], Iterator[Movement]]:
    """Return what reads the transfers of the statement, in the order of their booking."""
    return lambda: _stream(_MOVEMENTS, cut, lambda row: Movement(*row))


def executions(cut: Cut) -> Callable[[], Iterator[Execution]]:
    """Return what reads the fills and busts of the statement, in the order of their booking."""
    return lambda: _stream(_EXECUTIONS, cut, lambda row: Execution(*row))


# --- Tax ---------------------------------------------------------------------------------------

# What is in up to the report counts, also of what came after the year: a bust of a sale.
_STANDS: Final[LiteralString] = """
{0}.booked <= %(closings)s AND {0}.undoes_id IS NULL AND NOT {0}.is_correction
AND NOT EXISTS (SELECT FROM portfolio_lotclosing u
                 WHERE u.undoes_id = {0}.id AND u.booked <= %(closings)s)"""
_WASHED: Final[LiteralString] = """
SELECT sum(w.disallowed) AS amount FROM portfolio_washsale w
 WHERE w.id <= %(washes)s AND w.reverses_id IS NULL
   AND NOT EXISTS (SELECT FROM portfolio_washsale r
                    WHERE r.reverses_id = w.id AND r.id <= %(washes)s)"""
_SALES: Final[LiteralString] = f"""
SELECT i.code, c.acquired_at, c.closed_at, c.quantity, c.cost, c.proceeds, c.is_long_term,
       COALESCE(washed.amount, 0), COALESCE(taken.amount, 0), l.opened_cost,
       COALESCE(earlier.cost, 0)
  FROM portfolio_lotclosing c
  JOIN portfolio_lot l ON l.id = c.lot_id
  JOIN marketdata_instrument i ON i.id = c.instrument_id
  LEFT JOIN LATERAL ({_WASHED} AND w.closing_id = c.id) washed ON true
  LEFT JOIN LATERAL ({_WASHED} AND w.replacement_id = c.lot_id) taken ON true
  LEFT JOIN LATERAL (
    SELECT sum(e.cost) AS cost FROM portfolio_lotclosing e
     WHERE taken.amount IS NOT NULL AND e.lot_id = c.lot_id
       AND (e.closed_at, e.id) < (c.closed_at, c.id)
       AND {_STANDS.replace("{0}", "e")}) earlier ON true
 WHERE c.account_id = %(account)s AND c.closed_at >= %(start)s AND c.closed_at < %(end)s
   AND {_STANDS.replace("{0}", "c")}
 ORDER BY c.closed_at, l.number, c.id"""  # noqa: S608 - constants
_REDEEMED: Final[LiteralString] = """
SELECT i.code, CASE WHEN e.in_lieu <> 0 THEN 'fraction' ELSE a.kind END, l.acquired_at, e.at,
       el.realised
  FROM portfolio_entitlement e
  JOIN portfolio_entitledlot el ON el.entitlement_id = e.id AND el.realised <> 0
  JOIN portfolio_corporateaction a ON a.id = e.action_id
  JOIN marketdata_instrument i ON i.id = a.instrument_id
  LEFT JOIN portfolio_lot l ON l.id = el.lot_id
 WHERE e.account_id = %(account)s AND e.at >= %(start)s AND e.at < %(end)s
   AND EXISTS (SELECT FROM portfolio_transfer t
                WHERE t.reference IN ('action:' || e.id, 'in_lieu:' || e.id)
                  AND t.id <= %(through)s)
 ORDER BY e.at, e.id, el.id"""
_INCOME: Final[LiteralString] = f"""{_BOOKED}
SELECT COALESCE(r.kind, b.kind),
       b.reference LIKE 'late:%%' OR (b.amount > 0) <> (r.id IS NOT NULL), sum(b.amount)
  FROM booked b LEFT JOIN portfolio_transfer r ON r.id = b.reverses_id
 WHERE b.asset = 'USD' AND b.at >= %(start)s
 GROUP BY 1, 2"""  # noqa: S608 - constants


def sales(cut: Cut) -> Callable[[], Iterator[Sale]]:
    """Return what reads the closings of lots that stand, the oldest first."""
    return lambda: _stream(_SALES, cut, lambda row: Sale(*row))


def redeemed(cut: Cut) -> tuple[Redeemed, ...]:
    """Return what issuers paid for shares and fractions, with the profit of each lot."""
    return tuple(
        Redeemed(
            asset=code,
            what=what.replace("_", " "),
            acquired_at=acquired_at,
            at=at,
            realised=realised,
            is_long_term=acquired_at is not None and is_long_term(acquired_at, at),
        )
        for code, what, acquired_at, at, realised in _rows(_REDEEMED, cut)
    )


def income(cut: Cut) -> Income:
    """Return the sums of the year, of what had been booked by the report."""
    sums: dict[tuple[str, bool], Decimal] = {
        (kind, is_credit): amount for kind, is_credit, amount in _rows(_INCOME, cut)
    }

    def both(kind: str) -> Decimal:
        return sums.get((kind, True), ZERO) + sums.get((kind, False), ZERO)

    return Income(
        dividends=sums.get(("dividend", True), ZERO),
        dividends_charged=-sums.get(("dividend", False), ZERO),
        cash_in_lieu=both("cash_in_lieu"),
        interest_charged=-both("interest"),
        fees=-both("fee"),
    )


def codes(cut: Cut) -> tuple[set[str], set[str]]:
    """Return the instruments that a statement names, and those that there were before it."""
    before = {code for code, opening, *_ in _rows(_FIGURES, cut) if opening}
    named = {code for (code,) in _rows(_CODES, cut)}
    return named - {CASH}, before - {CASH}


def codes_sold(cut: Cut) -> set[str]:
    """Return the instruments that a tax report names."""
    return {sale.asset for sale in sales(cut)()} | {each.asset for each in redeemed(cut)}


# --- Reading -----------------------------------------------------------------------------------


def _rows(statement: LiteralString, cut: Cut) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, cut._named)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _stream(
    statement: LiteralString, cut: Cut, read: Callable[[tuple[Any, ...]], T]
) -> Iterator[T]:
    """Read rows with a cursor of the server, some at a time: there may be any number."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, cut._named)
        while rows := cursor.fetchmany(AT_ONCE):
            yield from map(read, rows)


# --- Whether there is anything to say ------------------------------------------------------------

_ANY: Final[Mapping[Kind, LiteralString]] = {
    Kind.CONFIRMATION: f"""{_BOOKED}
SELECT EXISTS (SELECT FROM booked WHERE NOT {_OPENED} AND kind IN ('trade', 'bust'))""",  # noqa: S608
    Kind.DAILY: f"{_BOOKED} SELECT EXISTS (SELECT FROM booked WHERE NOT {_OPENED})",  # noqa: S608
    Kind.MONTHLY: f"""{_BOOKED}
SELECT EXISTS (SELECT FROM booked WHERE NOT {_OPENED})
    OR EXISTS (SELECT FROM booked GROUP BY asset HAVING sum(amount) <> 0)""",  # noqa: S608
    Kind.TAX: f"""{_BOOKED}
SELECT EXISTS (SELECT FROM booked
                WHERE at >= %(start)s AND asset = 'USD' AND kind NOT IN ('deposit', 'withdrawal'))
    OR EXISTS (SELECT FROM portfolio_lotclosing c
                WHERE c.account_id = %(account)s
                  AND c.closed_at >= %(start)s AND c.closed_at < %(end)s
                  AND NOT EXISTS (SELECT FROM portfolio_funding f WHERE f.id = c.closed_by))""",  # noqa: S608
}


def has_anything(cut: Cut) -> bool:
    """Tell whether there is something to say.

    To a month belongs what is there, to a year what is taxed, to a day what has moved.
    """
    return bool(_rows(_ANY[cut.period.kind], cut)[0][0])
