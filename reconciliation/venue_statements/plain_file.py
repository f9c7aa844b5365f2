"""Read the CSV file of any venue or custodian: trades, open orders, positions, cash. Pure.

docs/reconciliation.md has the format byte by byte.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from foundation.decimals import CASH
from marketdata import calendars
from reconciliation import others
from reconciliation.others import BadStatement, Row, Statement
from reconciliation.records import Basis, Execution, Holding, Matter, OpenOrder

HEADER: Final = (
    *("record", "id", "order", "symbol", "side", "quantity", "price", "at", "fee", "reference"),
    *("basis", "amount"),
)
RECORDS: Final = (
    *("account", "day", "made", "tells"),
    *("trade", "bust", "open_order", "position", "cash", "end"),
)
TELLS: Final = {
    "trades": Matter.EXECUTION,
    "open_orders": Matter.ORDER,
    "positions": Matter.POSITION,
    "cash": Matter.CASH,
}
SIDES: Final = ("buy", "sell")
_TOLD_BY: Final = {
    "trade": Matter.EXECUTION,
    "bust": Matter.EXECUTION,
    "open_order": Matter.ORDER,
    "position": Matter.POSITION,
    "cash": Matter.CASH,
}


def read(content: bytes, day: date) -> Statement:
    """Return what the file says of `day`. Raises BadStatement, also for another day's file."""
    reading = _Reading(day)
    for row in others.rows(content, HEADER):
        reading.take(row)
    return reading.end()


class _Reading:
    """A file on its way in: what it has said of itself, and the records so far."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.account = ""
        self.has_day = self.is_over = False
        self.lines = 0
        self.made_at: datetime | None = None
        self.matters: set[Matter] = set()
        self.executions: list[Execution] = []
        self.orders: list[OpenOrder] = []
        self.holdings: dict[tuple[str, Basis], Holding] = {}

    def take(self, row: Row) -> None:
        if self.is_over:
            raise row.bad("after_end", "The file goes on behind its end.")
        self.lines += 1
        record = row.one_of("record", RECORDS)
        if record not in _TOLD_BY:
            self._about(row, record)
            return
        self._check(row, record)
        if record in ("trade", "bust"):
            self.executions.append(self._execution(row, is_bust=record == "bust"))
        elif record == "open_order":
            self.orders.append(self._order(row))
        else:
            self._hold(row, is_cash=record == "cash")

    def _about(self, row: Row, record: str) -> None:
        """Take what the file says of itself."""
        row.only("id")
        said = row.text("id")
        match record:
            case "account":
                row.once(self.account, "The account")
                self.account = said
            case "day":
                row.once(self.has_day, "The day")
                self.has_day = True
                if row.day("id") != self.day:
                    raise row.bad("other_day", f"The statement is not of {self.day}.")
            case "made":
                row.once(self.made_at, "When it was made")
                self.made_at = row.moment("id")
            case "tells":
                self.matters.add(TELLS[row.one_of("id", tuple(TELLS))])
            case "end":
                if said != str(self.lines - 1):
                    raise row.bad("cut_off", f"{self.lines - 1} lines came, not all that it says.")
                self.is_over = True

    def end(self) -> Statement:
        if not self.is_over:
            raise BadStatement("cut_off", "The file has no end.", line=self.lines + 2)
        return Statement(
            self.day, frozenset(self.matters), self.account, tuple(self.executions),
            tuple(self.orders), tuple(self.holdings.values()), lines=self.lines,
            made_at=self.made_at,
        )  # fmt: skip

    def _check(self, row: Row, record: str) -> None:
        if not (self.account and self.has_day):
            raise row.bad("no_beginning", "account and day come before all records.")
        if _TOLD_BY[record] not in self.matters:
            raise row.bad("not_told", f"The file does not say that it tells of every {record}.")

    def _execution(self, row: Row, *, is_bust: bool) -> Execution:
        columns = ("id", "order", "symbol", "side", "quantity", "price", "at", "fee")
        row.only(*columns, *(("reference",) if is_bust else ()))
        at = row.moment("at")
        if calendars.date_of(at) != self.day:
            raise row.bad("other_day", f"The execution is not of {self.day}.")
        return Execution(
            id=row.name("id"),
            day=self.day,
            order=row.name("order"),
            symbol=row.symbol(),
            side=row.one_of("side", SIDES),
            quantity=row.positive("quantity"),
            price=row.positive("price"),
            at=at,
            busts=row.name("reference") if is_bust else "",
            fee=row.decimal("fee", may_be_negative=True) if row.values["fee"] else None,
        )

    def _order(self, row: Row) -> OpenOrder:
        row.only("id", "symbol", "side", "quantity")
        side, leaves = row.one_of("side", SIDES), row.positive("quantity")
        return OpenOrder(row.name("id"), self.day, row.symbol(), side, leaves)

    def _hold(self, row: Row, *, is_cash: bool) -> None:
        row.only("basis", "amount", *(() if is_cash else ("symbol",)))
        asset = CASH if is_cash else row.symbol()
        basis = Basis(row.one_of("basis", tuple(Basis)))
        if (asset, basis) in self.holdings:
            raise row.bad("told_twice", f"{asset} is told twice.")
        amount = row.decimal("amount", may_be_negative=True)
        self.holdings[asset, basis] = Holding(asset, self.day, amount, basis)
