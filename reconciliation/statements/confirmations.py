"""What a trade confirmation says: fills and busts in, a document out. Pure.

SEC rule 10b-10 says what has to be in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from reconciliation.statements.documents import Column, Document, Form, Row, Table
from reconciliation.statements.periods import Period
from reconciliation.statements.rules import PRICE, QUANTITY, SYMBOL, Marks, Said, head, named


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill, or the bust of one, with what it cost; `cash` and fees have the customer's sign."""

    booked_at: datetime
    executed_at: datetime
    is_bust: bool
    side: str
    asset: str
    quantity: Decimal
    price: Decimal
    cash: Decimal
    commission: Decimal
    regulatory: Decimal
    settles_on: date | None
    venue: str
    execution_id: str
    order_id: str
    order_type: str


_CONFIRMED: Final = (
    Column("executed_at", "Executed (UTC)", Form.TIME, 15),
    Column("action", "Action", width=8),
    SYMBOL,
    QUANTITY,
    PRICE,
    Column("gross", "Gross, USD", Form.MONEY, 11),
    Column("commission", "Commission", Form.MONEY, 9),
    Column("regulatory", "Reg. fees", Form.MONEY, 8),
    Column("net", "Net, USD", Form.MONEY, 11),
    Column("settles_on", "Settles", Form.DAY, 9),
    Column("venue", "Venue", width=9),
    Column("capacity", "Capacity", width=8),
    Column("order_type", "Order type", width=8),
    Column("order", "Order", width=26),
    Column("execution", "Execution", width=9),
    Column("booked_at", "Booked (UTC)", Form.TIME, 15),
)
CONFIRMATION_SHEET: Final = tuple(column.name for column in _CONFIRMED)
CAPACITY: Final = "agent"
"""Every order of a customer is sent to a venue; we are never the other side (rule 10b-10)."""

_NOTE: Final = (
    "We acted as your agent. Amounts are USD: below zero you pay, above you are paid. "
    "A bust takes an execution back, with its fees."
)


def confirmation(
    said: Said,
    period: Period,
    number: str,
    *,
    executions: Callable[[], Iterable[Execution]],
    marks: Marks,
) -> Document:
    """Return the confirmation of the trades that were booked on a day, busts among them."""

    def rows() -> Iterable[Row]:
        return (_confirmed(each, marks) for each in executions())

    return Document(
        title="Trade confirmation",
        number=number,
        facts=tuple(head(said, period)),
        tables=(Table("execution", "Executions", _CONFIRMED, rows),),
        notes=(_NOTE,),
        sheet=CONFIRMATION_SHEET,
    )


def _confirmed(each: Execution, marks: Marks) -> Row:
    return (
        each.executed_at,
        f"bust {each.side}" if each.is_bust else each.side,
        named(marks, each.asset).symbol,
        each.quantity,
        each.price,
        each.cash,
        each.commission,
        each.regulatory,
        each.cash + each.commission + each.regulatory,
        each.settles_on,
        each.venue,
        CAPACITY,
        each.order_type,
        each.order_id,
        each.execution_id,
        each.booked_at,
    )
