"""An account's history of any period as CSV: orders, executions, the ledger, positions at its end.

Read with a cursor of the server, some rows at a time: the file may have any size. Whoever stops
reading is cut off after a minute, so that no transaction stays open for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, LiteralString
from uuid import UUID

from django.db import connection, transaction

from marketdata import calendars
from reconciliation.statements import sheets
from reconciliation.statements.documents import Column, Form
from reconciliation.statements.periods import DAY

AT_ONCE: Final = 2_000
PATIENCE: Final = "60s"
DAYS_MAX: Final = 3_660


class What(StrEnum):
    """What is asked for."""

    ORDERS = "orders"
    EXECUTIONS = "executions"
    LEDGER = "ledger"
    POSITIONS = "positions"


class NotAPeriod(ValueError):
    """The first day is after the last, or that is too many days; the message says which."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The days from `first` to `last`, both included, New York's."""

    account_id: UUID
    what: What
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise NotAPeriod("The first day is after the last.")
        if (self.last - self.first).days >= DAYS_MAX:
            raise NotAPeriod(f"At most {DAYS_MAX} days are handed out at once.")

    @property
    def name(self) -> str:
        """Return a name for the file."""
        return f"{self.what}-{self.first}-{self.last}.csv"

    @property
    def _named(self) -> dict[str, UUID | datetime]:
        return {
            "account": self.account_id,
            "start": calendars.midnight(self.first),
            "end": calendars.midnight(self.last + DAY),
        }


_N, _T, _D = Form.NUMBER, Form.TIME, Form.DAY
COLUMNS: Final = {
    What.ORDERS: (
        Column("order_id", ""), Column("client_order_id", ""), Column("created_at", "", _T),
        Column("symbol", ""), Column("side", ""), Column("type", ""), Column("time_in_force", ""),
        Column("quantity", "", _N), Column("notional", "", _N), Column("limit_price", "", _N),
        Column("stop_price", "", _N), Column("status", ""), Column("filled_quantity", "", _N),
        Column("filled_value", "", _N), Column("venue", ""), Column("reason", ""),
        Column("updated_at", "", _T),
    ),
    What.EXECUTIONS: (
        Column("trade_id", ""), Column("booked_at", "", _T), Column("executed_at", "", _T),
        Column("symbol", ""), Column("side", ""), Column("quantity", "", _N),
        Column("price", "", _N), Column("busts", ""), Column("venue", ""),
        Column("execution_id", ""), Column("order_id", ""),
    ),
    What.LEDGER: (
        Column("number", ""), Column("at", "", _T), Column("kind", ""), Column("asset", ""),
        Column("amount", "", _N), Column("settles_on", "", _D), Column("reference", ""),
        Column("reason", ""),
    ),
    What.POSITIONS: (
        Column("asset", ""), Column("symbol", ""), Column("quantity", "", _N),
    ),
}  # fmt: skip
"""The columns of each file. New ones come behind these; none goes."""

_MINE: Final[LiteralString] = """
  SELECT {0} FROM portfolio_ledgeraccount own JOIN portfolio_transfer t ON t.credit_id = own.id
   WHERE own.owner_id = %(account)s AND own.kind = 'customer'
   UNION ALL
  SELECT {1} FROM portfolio_ledgeraccount own JOIN portfolio_transfer t ON t.debit_id = own.id
   WHERE own.owner_id = %(account)s AND own.kind = 'customer'"""
_IN: Final[LiteralString] = (
    "t.id, t.at, t.kind, t.asset, t.amount, t.settles_on, t.reference, t.reason"
)
_OUT: Final[LiteralString] = _IN.replace("t.amount", "-t.amount")
_READ: Final[dict[What, LiteralString]] = {
    What.ORDERS: """
SELECT o.id::text, o.client_order_id, o.created_at, i.symbol, o.side, o.type, o.time_in_force,
       o.quantity, o.notional, o.limit_price, o.stop_price, o.status, o.filled_quantity,
       o.filled_value, o.venue, o.status_reason, o.updated_at
  FROM orders_order o JOIN marketdata_instrument i ON i.id = o.instrument_id
 WHERE o.account_id = %(account)s AND o.created_at >= %(start)s AND o.created_at < %(end)s
 ORDER BY o.created_at, o.id""",
    What.EXECUTIONS: """
SELECT t.id::text, t.booked_at, t.executed_at, i.symbol, t.side, t.quantity, t.price,
       COALESCE(t.busts_id::text, ''), t.venue, t.execution_id, t.order_id::text
  FROM orders_trade t JOIN marketdata_instrument i ON i.id = t.instrument_id
 WHERE t.account_id = %(account)s AND t.booked_at >= %(start)s AND t.booked_at < %(end)s
 ORDER BY t.booked_at, t.id""",
    What.LEDGER: f"""
SELECT * FROM ({_MINE.replace("{0}", _IN).replace("{1}", _OUT)}) line
 WHERE at >= %(start)s AND at < %(end)s ORDER BY id""",  # noqa: S608 - constants
    What.POSITIONS: """
SELECT line.asset, COALESCE(i.symbol, line.asset), sum(line.amount) FROM ("""
    + _MINE.replace("{0}", "t.asset, t.at, t.amount").replace("{1}", "t.asset, t.at, -t.amount")
    + """) line LEFT JOIN marketdata_instrument i ON i.code = line.asset
 WHERE line.at < %(end)s
 GROUP BY 1, 2 HAVING sum(line.amount) <> 0 ORDER BY 1""",
}


def csv(wanted: Wanted) -> Iterator[bytes]:
    """Return the file, part by part."""
    return sheets.table(COLUMNS[wanted.what], _rows(wanted))


def _rows(wanted: Wanted) -> Iterator[tuple[Any, ...]]:
    with transaction.atomic():
        with connection.cursor() as patience:
            patience.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{PATIENCE}'")
        with connection.chunked_cursor() as cursor:
            cursor.execute(_READ[wanted.what], wanted._named)
            while rows := cursor.fetchmany(AT_ONCE):
                for number, *rest in rows:
                    # The number of a transfer is a name, as the ids of others are.
                    yield (str(number), *rest)
