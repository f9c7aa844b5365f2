"""What a statement is before it is drawn: facts and tables, each row of plain values. Pure.

Rows may be many: they are asked for anew whenever they are read, and never all kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

Cell = str | Decimal | date | datetime | None
Row = tuple[Cell, ...]


class Form(StrEnum):
    """How a column's cells are written: money has two decimals, a number as many as it needs."""

    TEXT = "text"
    MONEY = "money"
    NUMBER = "number"
    DAY = "day"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is for programs and never changes, `title` for people; `width` is in parts of all."""

    name: str
    title: str
    form: Form = Form.TEXT
    width: int = 10


@dataclass(frozen=True, slots=True)
class Table:
    """`section` is its name for programs. `rows` returns them anew; `nothing` is said of none."""

    section: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[], Iterable[Row]]
    nothing: str = "None."


@dataclass(frozen=True, slots=True)
class Document:
    """One statement, whole. `facts` are its head, by name, title and value; `notes` its foot.

    A number among the facts is money.
    """

    title: str
    number: str
    facts: tuple[tuple[str, str, Cell], ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    sheet: tuple[str, ...] = ()
    """The names of all columns that its CSV has, in their order."""
