"""Read the embedded exchange's own end-of-day file: trades, busts, open orders, totals. Pure.

Its totals are held against its trades: a file that is cut off is not taken.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from foundation.decimals import text
from marketdata import calendars
from reconciliation import others
from reconciliation.others import Row, Statement
from reconciliation.records import ZERO, Execution, Matter, OpenOrder

HEADER: Final = (
    *("record", "sequence", "at", "execution_id", "reference", "client_order_id"),
    *("venue_order_id", "symbol", "side", "quantity", "price", "value", "leaves_quantity"),
)
SIDES: Final = ("buy", "sell")
TURN: Final = timedelta(minutes=1)
"""The exchange looks every second whether its day is over: what it executes in between is on the
file of the day before, though by its time it is of the next day, as it is in our books."""
_MATTERS: Final = frozenset({Matter.EXECUTION, Matter.ORDER})


def read(content: bytes, day: date) -> Statement:
    """Return what the exchange says of `day`; the file itself does not name it.

    Raises BadStatement.
    """
    executions: list[Execution] = []
    orders: list[OpenOrder] = []
    totals: dict[tuple[str, str], Decimal] = {}
    lines = 0
    for row in others.rows(content, HEADER):
        lines += 1
        match row.one_of("record", ("trade", "bust", "open_order", "total")):
            case "trade" | "bust":
                executions.append(_execution(row, day))
            case "open_order":
                orders.append(_order(row, day))
            case "total":
                key = row.symbol(), row.one_of("side", SIDES)
                if key in totals:
                    raise row.bad("told_twice", f"The total of {key[0]} {key[1]} is told twice.")
                totals[key] = row.decimal("quantity", may_be_negative=True)
    _check(executions, totals)
    return Statement(day, _MATTERS, executions=tuple(executions), orders=tuple(orders), lines=lines)


def _execution(row: Row, day: date) -> Execution:
    is_bust = row.values["record"] == "bust"
    quantity = row.decimal("quantity", may_be_negative=is_bust)
    if not quantity or (quantity < 0) != is_bust:
        raise row.bad("bad_number", "A trade has a quantity, a bust has it negative.")
    at = row.moment("at")
    if calendars.date_of(at) != day and calendars.date_of(at - TURN) != day:
        raise row.bad("other_day", f"The execution is not of {day}.")
    return Execution(
        id=row.name("execution_id"),
        day=calendars.date_of(at),
        order=row.name("client_order_id"),
        symbol=row.symbol(),
        side=row.one_of("side", SIDES),
        quantity=abs(quantity),
        price=row.positive("price"),
        at=at,
        busts=row.name("reference") if is_bust else "",
    )


def _order(row: Row, day: date) -> OpenOrder:
    return OpenOrder(
        id=row.name("client_order_id"),
        day=day,
        symbol=row.symbol(),
        side=row.one_of("side", SIDES),
        leaves=row.positive("leaves_quantity"),
    )


def _check(executions: list[Execution], totals: dict[tuple[str, str], Decimal]) -> None:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for each in executions:
        sums[each.symbol, each.side] += -each.quantity if each.busts else each.quantity
    for key in sorted(sums.keys() | totals.keys()):
        told, summed = totals.get(key), sums.get(key, ZERO)
        if told != summed:
            said = "nothing" if told is None else text(told)
            raise others.BadStatement(
                "totals_differ", f"{key[0]} {key[1]}: {text(summed)} in the lines, {said} in all."
            )
