"""A document as words on paper: the cells of its tables as people read them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from foundation import decimals
from reconciliation import papers
from reconciliation.papers import Block, Paper
from reconciliation.statements.documents import Cell, Document, Form, Table

ABREAST: Final = 10
"""So many columns stand side by side on paper."""


def pdf(document: Document) -> bytes:
    """Return the document as PDF, the same bytes whenever it is drawn."""
    return papers.draw(
        Paper(
            title=document.title,
            number=document.number,
            facts=tuple((title, shown(value, Form.MONEY)) for _, title, value in document.facts),
            blocks=tuple(block for table in document.tables for block in _blocks(table)),
            notes=document.notes,
        )
    )


def shown(cell: Cell, form: Form = Form.TEXT) -> str:
    """Return a cell as people read it: thousands apart, a true minus sign."""
    match cell:
        case None:
            return ""
        case Decimal() if form is Form.MONEY:
            cents = decimals.quantize(cell, asset=decimals.CASH, rounding=decimals.NEAREST)
            return _signed(f"{cents:,f}")
        case Decimal():
            whole, point, rest = decimals.text(cell).partition(".")
            return _signed(f"{int(whole):,}{point}{rest}" if whole != "-0" else f"-0{point}{rest}")
        case datetime():
            return f"{cell.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case date():
            return cell.isoformat()
    return cell


def _signed(text: str) -> str:
    # The page's own letters have no U+2212; an en dash is as wide as a digit, and reads as a minus.
    return text.replace("-", "\N{EN DASH}")


def _blocks(table: Table) -> Iterator[Block]:
    """Return a table as one block, or as two that begin with the same column."""
    every = tuple(range(len(table.columns)))
    if len(every) <= ABREAST:
        yield _block(table, every, table.title)
        return
    yield _block(table, every[:ABREAST], table.title)
    yield _block(table, (0, *every[ABREAST:]), f"{table.title}, what else there is to say")


def _block(table: Table, places: tuple[int, ...], title: str) -> Block:
    chosen = [table.columns[place] for place in places]
    columns = tuple(
        papers.Column(each.title, each.width, is_number=each.form in (Form.MONEY, Form.NUMBER))
        for each in chosen
    )

    def rows() -> Iterator[tuple[str, ...]]:
        for row in table.rows():
            yield tuple(
                shown(row[place], each.form) for place, each in zip(places, chosen, strict=True)
            )

    return Block(title, columns, rows(), nothing=table.nothing)
