"""What a statement says: figures of the ledger in, a document out. Pure.

    opening + movements = closing

in cash and in every position, or there is no statement (`DoesNotAddUp`). What was booked late, for
a day of an earlier statement, is an adjustment of this one: the earlier one stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from foundation import decimals
from foundation.decimals import CASH
from reconciliation.statements.documents import Cell, Column, Document, Form, Row, Table
from reconciliation.statements.periods import Kind, Period

LAYOUT: Final = 1
"""The version of what is drawn here. What changes a byte is another version, beside this one."""
ZERO: Final = Decimal(0)

KINDS: Final[Mapping[str, str]] = {
    "deposit": "Deposits",
    "withdrawal": "Withdrawals",
    "trade": "Trades",
    "bust": "Trades taken back by their venue",
    "fee": "Commissions and regulatory fees",
    "interest": "Interest charged",
    "dividend": "Dividends",
    "split": "Splits",
    "cash_in_lieu": "Cash for fractions of shares",
    "merger": "Mergers",
    "reversal": "Reversals",
    "correction": "Corrections",
}
"""Every kind of transfer, as a statement calls it."""


class DoesNotAddUp(RuntimeError):
    """Opening and movements are not the closing: what was read is not one state of the ledger."""


@dataclass(frozen=True, slots=True)
class Said:
    """Facts that change elsewhere, as they were when the statement was made.

    `accrued` is the interest that was not charged yet, USD to nine decimals.
    """

    account: str
    holder: str
    is_margin: bool
    accrued: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Mark:
    """What an instrument was called and worth when a day ended; None: nobody knew."""

    symbol: str
    name: str
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer, with the sign that it has for the customer.

    `price` is that of a trade's securities. What `is_late` belongs to an earlier period.
    """

    at: datetime
    kind: str
    asset: str
    amount: Decimal
    settles_on: date | None
    reference: str
    reason: str = ""
    price: Decimal | None = None
    is_late: bool = False


Movements = Callable[[], Iterable[Movement]]
"""Returns them in the order of their booking, anew each time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an account had by asset, before and after, and the cash that settles later, by day."""

    opening: Mapping[str, Decimal]
    closing: Mapping[str, Decimal]
    unsettled: Mapping[date, Decimal]


Marks = Mapping[str, Mark]

SYMBOL: Final = Column("symbol", "Symbol", width=9)
QUANTITY: Final = Column("quantity", "Quantity", Form.NUMBER, 10)
PRICE: Final = Column("price", "Price", Form.NUMBER, 10)
AMOUNT: Final = Column("amount", "USD", Form.MONEY, 11)
_KIND: Final = Column("kind", "What", width=9)
_HELD: Final = (SYMBOL, Column("detail", "Name", width=24), QUANTITY, PRICE, AMOUNT)
_MOVED: Final = (
    Column("at", "Time (UTC)", Form.TIME, 15),
    _KIND,
    SYMBOL,
    QUANTITY,
    PRICE,
    AMOUNT,
    Column("settles_on", "Settles", Form.DAY, 9),
    Column("detail", "Why", width=14),
    Column("reference", "Reference", width=31),
)
STATEMENT_SHEET: Final = (
    "at", "kind", "symbol", "quantity", "price", "amount", "settles_on", "detail", "reference",
)  # fmt: skip


def account_statement(
    said: Said,
    period: Period,
    number: str,
    *,
    figures: Figures,
    movements: Movements,
    marks_before: Marks,
    marks: Marks,
) -> Document:
    """Return a daily or monthly statement. `marks_before` are those of the day before `first`.

    Raises DoesNotAddUp.
    """
    sums = _summed(movements)
    _check(figures, sums)
    before = _Held(figures.opening, marks_before)
    after = _Held(figures.closing, marks)
    is_month = period.kind is Kind.MONTHLY
    facts = [
        *head(said, period),
        ("opening_value", "Value before", before.value),
        ("closing_value", "Value after", after.value),
        ("opening_cash", "Cash before", before.cash),
        ("closing_cash", "Cash after", after.cash),
    ]
    if said.is_margin:
        facts += [
            ("margin_debit", "Lent to you", max(-after.cash, ZERO)),
            ("interest_accrued", "Interest not charged yet", decimals.text(said.accrued)),
        ]
    return Document(
        title="Monthly statement" if is_month else "Daily statement",
        number=number,
        facts=tuple(facts),
        tables=(
            _summary(sums),
            before.table("opening", "Before"),
            after.table("closing", "After"),
            _moved(movements, marks, is_late=False),
            _moved(movements, marks, is_late=True),
            _unsettled(figures.unsettled),
        ),
        notes=_notes(before, after),
        sheet=STATEMENT_SHEET,
    )


def head(said: Said, period: Period) -> list[tuple[str, str, Cell]]:
    """Return the facts that every statement begins with."""
    return [
        ("account", "Account", said.account),
        ("holder", "Holder", said.holder),
        ("account_kind", "Kind", "margin" if said.is_margin else "cash"),
        ("first", "From", period.first),
        ("last", "To", period.last),
    ]


# --- What was there ----------------------------------------------------------------------------


class _Held:
    """Cash and positions at closing prices. What has no price has no value, and a note says so."""

    def __init__(self, held: Mapping[str, Decimal], marks: Marks) -> None:
        self.cash = held.get(CASH, ZERO)
        self._rows: list[Row] = []
        self.unpriced: list[str] = []
        self.value = self.cash
        codes = sorted((code for code, units in held.items() if units and code != CASH),
                       key=lambda code: (named(marks, code).symbol, code))  # fmt: skip
        for code in codes:
            mark, value = named(marks, code), None
            if mark.price is None:
                self.unpriced.append(mark.symbol)
            else:
                value = decimals.quantize(
                    mark.price * held[code], asset=CASH, rounding=decimals.NEAREST
                )
                self.value += value
            self._rows.append((mark.symbol, mark.name, held[code], mark.price, value))

    def table(self, section: str, title: str) -> Table:
        rows: list[Row] = [(CASH, "Cash", None, None, self.cash), *self._rows]
        return Table(section, title, _HELD, lambda: rows)


def named(marks: Marks, code: str) -> Mark:
    """Return what an instrument is called; one that nobody marked is called by its code."""
    return marks.get(code) or Mark(code, "", None)


# --- What moved --------------------------------------------------------------------------------

_Sums = dict[tuple[str, str], tuple[int, Decimal]]
"""How many transfers and how much, by asset and kind."""


def _summed(movements: Movements) -> _Sums:
    sums: _Sums = {}
    for each in movements():
        count, amount = sums.get((each.asset, each.kind), (0, ZERO))
        sums[each.asset, each.kind] = (count + 1, amount + each.amount)
    return sums


def _check(figures: Figures, sums: _Sums) -> None:
    found = dict(figures.opening)
    for (asset, _), (_, amount) in sums.items():
        found[asset] = found.get(asset, ZERO) + amount
    for asset in found.keys() | figures.closing.keys():
        closing = figures.closing.get(asset, ZERO)
        if found.get(asset, ZERO) != closing:
            raise DoesNotAddUp(f"{asset}: {found.get(asset, ZERO)} is not {closing}")


def _summary(sums: _Sums) -> Table:
    rows: list[Row] = [
        (KINDS.get(kind, kind), Decimal(sums[CASH, kind][0]), sums[CASH, kind][1])
        for kind in [*KINDS, *sorted({kind for _, kind in sums} - KINDS.keys())]
        if (CASH, kind) in sums
    ]
    columns = (
        Column("kind", "What moved cash", width=30),
        Column("quantity", "How often", Form.NUMBER, 10),
        AMOUNT,
    )
    return Table("summary", "Cash by kind", columns, lambda: rows, "No cash has moved.")


def _moved(movements: Movements, marks: Marks, *, is_late: bool) -> Table:
    def rows() -> Iterable[Row]:
        return (_line(each, marks) for each in movements() if each.is_late == is_late)

    if is_late:
        title = "Adjustments: booked late, for days of an earlier statement"
        return Table("adjustment", title, _MOVED, rows)
    return Table("movement", "All that moved", _MOVED, rows, "Nothing has moved.")


def _line(each: Movement, marks: Marks) -> Row:
    is_cash = each.asset == CASH
    return (
        each.at,
        each.kind,
        CASH if is_cash else named(marks, each.asset).symbol,
        None if is_cash else each.amount,
        each.price,
        each.amount if is_cash else None,
        each.settles_on,
        each.reason,
        each.reference,
    )


def _unsettled(unsettled: Mapping[date, Decimal]) -> Table:
    columns = (Column("settles_on", "Settles on", Form.DAY, 20), AMOUNT)
    rows: list[Row] = sorted(unsettled.items())
    return Table("unsettled", "Cash of trades that settles later", columns, lambda: rows)


_NOTE: Final = (
    "Cash and positions are by trade date; times are UTC, days are New York's. "
    "Positions are at the last price of the day; those of short sales are negative."
)


def _notes(before: _Held, after: _Held) -> tuple[str, ...]:
    notes = [_NOTE]
    if unpriced := sorted({*before.unpriced, *after.unpriced}):
        notes.append(f"Without a price, and counted as nothing: {', '.join(unpriced)}.")
    return tuple(notes)
