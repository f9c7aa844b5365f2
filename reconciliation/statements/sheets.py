"""Documents as CSV: one row of names, then every row of every table, in one set of columns. Pure.

RFC 4180, UTF-8, lines that end with CRLF. Money has two decimals, times are UTC. A text that a
spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection); numbers are
written by us and need none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from foundation import decimals
from reconciliation.statements.documents import Cell, Column, Document, Form, Row

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}")
PART: Final = 32_768
"""So many characters are handed on at once."""
HEAD: Final = ("section", "item", "value")
"""The first columns of every statement."""


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, in one line."""
    line = " ".join(text.splitlines()) if not text.isprintable() else text
    line = "".join(each if each.isprintable() else " " for each in line)
    return f"'{line}" if text.startswith(FORMULA) or line.lstrip().startswith(FORMULA) else line


def written(cell: Cell, form: Form = Form.TEXT) -> str:
    """Return a cell as it stands in a file."""
    match cell:
        case None:
            return ""
        case Decimal() if form is Form.MONEY:
            return f"{decimals.quantize(cell, asset=decimals.CASH, rounding=decimals.NEAREST):f}"
        case Decimal():
            return decimals.text(cell)
        case datetime():
            return cell.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case date():
            return cell.isoformat()
    return safe(cell)


def lines(document: Document) -> Iterator[bytes]:
    """Return the file of a document, part by part."""
    return _encoded(_rows(document))


def table(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Return the file of one table, part by part."""
    forms = [column.form for column in columns]
    body = ([written(cell, form) for cell, form in zip(row, forms, strict=True)] for row in rows)
    return _encoded(_behind([column.name for column in columns], body))


def _behind(first: list[str], rest: Iterable[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rest


def _rows(document: Document) -> Iterator[list[str]]:
    names = [*HEAD, *document.sheet]
    places = {name: place for place, name in enumerate(names)}
    blank = [""] * len(names)
    yield names
    for item, _, value in (("number", "", document.number), *document.facts):
        yield ["about", item, written(value, Form.MONEY), *blank[len(HEAD) :]]
    for each in document.tables:
        where = [(places[column.name], column.form) for column in each.columns]
        for row in each.rows():
            line = blank.copy()
            line[0] = each.section
            for (place, form), cell in zip(where, row, strict=True):
                line[place] = written(cell, form)
            yield line


def _encoded(rows: Iterable[list[str]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() >= PART:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue().encode()
