"""Files that a spreadsheet opens: cells that are no formulas, columns that stay."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.statements import drawing, sheets
from reconciliation.statements.confirmations import CONFIRMATION_SHEET
from reconciliation.statements.documents import Column, Document, Form, Table
from reconciliation.statements.rules import STATEMENT_SHEET
from reconciliation.statements.tax import SHEET

D = Decimal


@given(st.text())
def test_no_text_begins_as_a_formula_does(text):
    cell = sheets.safe(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert not set(cell) & set("\r\n\t\x00")


@given(st.lists(st.text(), min_size=3, max_size=3))
def test_a_row_is_one_line_whatever_is_in_it(texts):
    columns = [Column(name, name) for name in ("one", "two", "three")]
    data = b"".join(sheets.table(columns, [tuple(texts)])).decode()
    head, row = csv.reader(io.StringIO(data, newline=""))
    assert head == ["one", "two", "three"]
    assert row == [sheets.safe(text) for text in texts]


@pytest.mark.parametrize(
    ("cell", "form", "written", "shown"),
    [
        (D("-1234.5"), Form.MONEY, "-1234.50", "–1,234.50"),
        (D("0.000000001"), Form.NUMBER, "0.000000001", "0.000000001"),
        (D("-0.5"), Form.NUMBER, "-0.5", "–0.5"),
        (D("1234567.1"), Form.NUMBER, "1234567.1", "1,234,567.1"),
        (None, Form.TEXT, "", ""),
        (date(2026, 3, 1), Form.DAY, "2026-03-01", "2026-03-01"),
        (
            datetime(2026, 3, 1, 5, 6, 7, 89, UTC),
            Form.TIME,
            "2026-03-01T05:06:07.000089Z",
            "2026-03-01 05:06:07",
        ),
        ("=SUM(A1)", Form.TEXT, "'=SUM(A1)", "=SUM(A1)"),
        ("  @x", Form.TEXT, "'  @x", "  @x"),
    ],
)
def test_a_cell_is_written_for_programs_and_for_people(cell, form, written, shown):
    assert sheets.written(cell, form) == written
    assert drawing.shown(cell, form) == shown


def test_columns_are_those_that_are_documented():
    """A column that goes or moves breaks the programs of customers."""
    assert STATEMENT_SHEET == (
        "at", "kind", "symbol", "quantity", "price", "amount", "settles_on", "detail", "reference",
    )  # fmt: skip
    assert CONFIRMATION_SHEET == (
        "executed_at", "action", "symbol", "quantity", "price", "gross", "commission",
        "regulatory", "net", "settles_on", "venue", "capacity", "order_type", "order",
        "execution", "booked_at",
    )  # fmt: skip
    assert SHEET == (
        "term", "symbol", "name", "quantity", "acquired", "sold", "proceeds", "cost",
        "disallowed", "gain", "form", "box", "amount",
    )  # fmt: skip


def document(count: int) -> Document:
    columns = (Column("symbol", "Symbol"), Column("amount", "USD", Form.MONEY))
    return Document(
        title="A statement",
        number="A-1",
        facts=(("holder", "Holder", "Zoë Müller \N{SNOWMAN}"),),
        tables=(
            Table("line", "Lines", columns, lambda: (("AAPL", D(n)) for n in range(count))),
        ),
        sheet=("symbol", "amount"),
    )  # fmt: skip


def test_a_file_of_any_size_is_made_part_by_part():
    parts = list(sheets.lines(document(20_000)))
    assert len(parts) > 5
    assert max(map(len, parts)) < 2 * sheets.PART
    assert b"".join(parts).count(b"\r\n") == 20_003


@pytest.mark.parametrize("count", [0, 3, 200])
def test_paper_is_the_same_to_the_byte(count):
    first = drawing.pdf(document(count))
    assert first.startswith(b"%PDF")
    assert first == drawing.pdf(document(count))
