"""What a tax report says: closings of lots in, a document out. Pure.

In the manner of the IRS' forms 1099-B, 1099-DIV and 1099-INT; it is no filed form. Gains are those
of the lots that were closed, by trade date. A loss that was washed (26 U.S.C. 1091) is disallowed
in its row, and was added to the cost of the lot that took its place: as much of it counts in a row
as of that lot's cost was closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from foundation import decimals
from foundation.decimals import CASH
from marketdata import calendars
from reconciliation.statements.documents import Column, Document, Form, Row, Table
from reconciliation.statements.periods import Period
from reconciliation.statements.rules import Marks, Said

ZERO: Final = Decimal(0)
SHORT, LONG = "short", "long"


@dataclass(frozen=True, slots=True)
class Sale:
    """What was closed of one lot; quantity, cost and proceeds have the sign of the lot.

    `disallowed` is what wash sales take of its loss. `washed_in` is what they have added to the
    whole lot, which was opened at `lot_cost`, of which `cost_before` had been closed already.
    """

    asset: str
    acquired_at: datetime
    closed_at: datetime
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    is_long_term: bool
    disallowed: Decimal = ZERO
    washed_in: Decimal = ZERO
    lot_cost: Decimal = ZERO
    cost_before: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Taxed:
    """A sale in the words of the form: all amounts positive, but for the gain."""

    proceeds: Decimal
    cost: Decimal
    disallowed: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Cash of an issuer for shares or a fraction of one, and the profit on it, of one lot."""

    asset: str
    what: str
    acquired_at: datetime | None
    at: datetime
    realised: Decimal
    is_long_term: bool


@dataclass(frozen=True, slots=True)
class Income:
    """Sums of the year in USD, by kind of transfer; those that take one back are of its kind."""

    dividends: Decimal = ZERO
    dividends_charged: Decimal = ZERO
    cash_in_lieu: Decimal = ZERO
    interest_charged: Decimal = ZERO
    fees: Decimal = ZERO


def taxed(sale: Sale) -> Taxed:
    """Return what counts of a sale. A short sale was sold first, and bought back at its closing."""
    if sale.quantity < 0:
        proceeds, cost = -sale.cost, -sale.proceeds
    else:
        proceeds, cost = sale.proceeds, sale.cost + _washed_in(sale)
    return Taxed(proceeds, cost, sale.disallowed, proceeds - cost + sale.disallowed)


def _washed_in(sale: Sale) -> Decimal:
    """Return the share of what was added to the lot, on the running total: exact in sum."""
    if not sale.washed_in or not sale.lot_cost:
        return ZERO
    return _share(sale, sale.cost_before + sale.cost) - _share(sale, sale.cost_before)


def _share(sale: Sale, closed: Decimal) -> Decimal:
    part = min(closed / sale.lot_cost, Decimal(1))
    return decimals.quantize(sale.washed_in * part, asset=CASH, rounding=decimals.NEAREST)


_MONEY: Final = Form.MONEY
_SOLD: Final = (
    Column("term", "Term", width=6),
    Column("symbol", "Symbol", width=9),
    Column("name", "Description (1a)", width=18),
    Column("quantity", "Quantity", Form.NUMBER, 10),
    Column("acquired", "Acquired (1b)", Form.DAY, 10),
    Column("sold", "Sold (1c)", Form.DAY, 10),
    Column("proceeds", "Proceeds (1d)", _MONEY, 12),
    Column("cost", "Cost (1e)", _MONEY, 12),
    Column("disallowed", "Washed (1g)", _MONEY, 10),
    Column("gain", "Gain", _MONEY, 12),
)
_REDEEMED: Final = (
    *_SOLD[:3],
    Column("item", "What", width=12),
    *_SOLD[4:6],
    Column("gain", "Gain", _MONEY, 12),
)
_BOX: Final = (
    Column("form", "Form", width=9),
    Column("box", "Box", width=6),
    Column("name", "What it says", width=44),
    Column("amount", "USD", _MONEY, 12),
)
SHEET: Final = (
    "term", "symbol", "name", "quantity", "acquired", "sold", "proceeds", "cost", "disallowed",
    "gain", "form", "box", "amount",
)  # fmt: skip

_NOTE: Final = (
    "Days are New York's, by trade date. Commissions and fees are in neither proceeds nor cost: "
    "their sum is given above. Wash sales are found within this account and of the same security "
    "alone. Which dividends are qualified (box 1b) is not determined."
)
_NO_FORM: Final = "This is a record of your account, not a form that was filed."


def tax_report(
    said: Said,
    period: Period,
    number: str,
    *,
    sales: Callable[[], Iterable[Sale]],
    redeemed: tuple[Redeemed, ...],
    income: Income,
    marks: Marks,
    is_corrected: bool,
) -> Document:
    """Return the report of a year."""

    def rows() -> Iterable[Row]:
        return (_sold(each, marks) for each in sales())

    facts = (
        ("account", "Account", said.account),
        ("holder", "Holder", said.holder),
        ("year", "Tax year", str(period.first.year)),
        ("corrected", "Corrected", "yes" if is_corrected else "no"),
    )
    boxes = _boxes(sales, redeemed, income)
    return Document(
        title="Tax report",
        number=number,
        facts=facts,
        tables=(
            Table("box", "Sums, as forms 1099 have them", _BOX, lambda: boxes),
            Table("sale", "Sales, by lot (1099-B)", _SOLD, rows, "Nothing was sold."),
            Table(
                "redemption",
                "Cash from issuers for shares and fractions",
                _REDEEMED,
                lambda: [_paid(each, marks) for each in redeemed],
            ),
        ),
        notes=(_NOTE, _NO_FORM),
        sheet=SHEET,
    )


def _sold(sale: Sale, marks: Marks) -> Row:
    counts, mark = taxed(sale), marks.get(sale.asset)
    acquired, sold = sale.acquired_at, sale.closed_at
    return (
        LONG if sale.is_long_term else SHORT,
        mark.symbol if mark else sale.asset,
        mark.name if mark else "",
        abs(sale.quantity),
        calendars.date_of(acquired),
        calendars.date_of(sold),
        counts.proceeds,
        counts.cost,
        counts.disallowed,
        counts.gain,
    )


def _paid(each: Redeemed, marks: Marks) -> Row:
    mark = marks.get(each.asset)
    return (
        LONG if each.is_long_term else SHORT,
        mark.symbol if mark else each.asset,
        mark.name if mark else "",
        each.what,
        calendars.date_of(each.acquired_at) if each.acquired_at else None,
        calendars.date_of(each.at),
        each.realised,
    )


def _boxes(
    sales: Callable[[], Iterable[Sale]], redeemed: Iterable[Redeemed], income: Income
) -> list[Row]:
    sums = {term: [ZERO, ZERO, ZERO, ZERO] for term in (SHORT, LONG)}
    for sale in sales():
        counts, of = taxed(sale), sums[LONG if sale.is_long_term else SHORT]
        for place, amount in enumerate(
            (counts.proceeds, counts.cost, counts.disallowed, counts.gain)
        ):
            of[place] += amount
    paid = dict.fromkeys((SHORT, LONG), ZERO)
    for each in redeemed:
        paid[LONG if each.is_long_term else SHORT] += each.realised
    found: list[Row] = []
    for term, (proceeds, cost, disallowed, gain) in sums.items():
        found += [
            ("1099-B", "1d", f"Proceeds, {term} term", proceeds),
            ("1099-B", "1e", f"Cost, {term} term", cost),
            ("1099-B", "1g", f"Wash sale losses disallowed, {term} term", disallowed),
            ("1099-B", "", f"Gain or loss of sales, {term} term", gain),
            ("1099-B", "", f"Gain of cash for shares and fractions, {term} term", paid[term]),
        ]
    named: Mapping[tuple[str, str, str], Decimal] = {
        ("1099-DIV", "1a", "Total ordinary dividends"): income.dividends,
        ("1099-INT", "1", "Interest income"): ZERO,
        ("", "", "Charged for dividends of shares sold short"): income.dividends_charged,
        ("", "", "Cash for fractions of shares"): income.cash_in_lieu,
        ("", "", "Margin interest charged"): income.interest_charged,
        ("", "", "Commissions and regulatory fees"): income.fees,
    }
    return found + [(*name, amount) for name, amount in named.items()]
