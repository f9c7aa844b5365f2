"""Read a bank's statement as our own CSV: opening balance, entries, closing balance. Pure.

docs/reconciliation.md has the format byte by byte. The balances are held against the entries.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from foundation.decimals import CASH, text
from reconciliation import others
from reconciliation.others import BadStatement, Row, Statement
from reconciliation.records import ZERO, BankLine, Holding, Matter

HEADER: Final = ("record", "id", "date", "amount", "currency", "reference")
MATTERS: Final = frozenset({Matter.LINE, Matter.CASH})


def read(content: bytes, day: date) -> Statement:
    """Return what the bank says of `day`. Raises BadStatement, also for another day's file."""
    account, opening, closing = "", None, None
    made_at: datetime | None = None
    entries: list[BankLine] = []
    lines = 0
    for row in others.rows(content, HEADER):
        lines += 1
        if closing is not None:
            raise row.bad("after_end", "The file goes on behind the closing balance.")
        match row.one_of("record", ("account", "made", "opening", "entry", "closing")):
            case "account":
                row.only("id")
                row.once(account, "The account")
                account = row.text("id")
            case "made":
                row.only("id")
                row.once(made_at, "When it was made")
                made_at = row.moment("id")
            case "opening":
                row.only("amount", "currency")
                row.once(opening is not None, "The opening balance")
                opening = _amount(row)
            case "entry":
                entries.append(_entry(row, day))
            case "closing":
                row.only("date", "amount", "currency")
                if row.day("date") != day:
                    raise row.bad("other_day", f"The statement is not of {day}.")
                closing = _amount(row)
    # The header is the first line, so the closing balance lies behind all that were counted.
    end = lines + 1 if closing is not None else lines + 2
    return statement(
        day, account, opening, entries, closing, lines=lines, begin=1, end=end, made_at=made_at
    )


def statement(
    day: date,
    account: str,
    opening: Decimal | None,
    entries: list[BankLine],
    closing: Decimal | None,
    *,
    lines: int,
    begin: int,
    end: int,
    made_at: datetime | None,
) -> Statement:
    """Return the statement, if its balances are what its entries make. Raises BadStatement.

    It had so many `lines`, and lies between those two: its closing balance in the last, or it
    should.
    """
    if not account:
        said = "The statement does not say of which account it is."
        raise BadStatement("no_beginning", said, line=begin)
    if opening is None or closing is None:
        said = "The statement has no opening or no closing balance."
        raise BadStatement("cut_off", said, line=end)
    made = opening + sum((entry.amount for entry in entries), ZERO)
    if made != closing:
        said = f"{text(opening)} and the entries make {text(made)}, it says {text(closing)}."
        raise BadStatement("balance_differs", said, line=end)
    return Statement(
        day, MATTERS, account, holdings=(Holding(CASH, day, closing),),
        bank_lines=tuple(entries), lines=lines, made_at=made_at,
    )  # fmt: skip


def _entry(row: Row, day: date) -> BankLine:
    row.only("id", "date", "amount", "currency", "reference")
    if row.day("date") != day:
        raise row.bad("other_day", f"The entry is not of {day}.")
    amount = _amount(row)
    if not amount:
        raise row.bad("bad_number", "An entry moves something.")
    return BankLine(row.name("id"), day, amount, row.text("reference", may_be_empty=True))


def _amount(row: Row) -> Decimal:
    row.one_of("currency", (CASH,))
    return row.decimal("amount", may_be_negative=True)
