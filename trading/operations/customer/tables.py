"""What a table of the customer's page is: its rows as they are read, and who may see them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

ROWS_MAX: Final = 10
DASH: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A word or number of a table; `link` is the page of what it names."""

    text: str
    link: str = ""
    is_number: bool = False
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A subject: at most `ROWS_MAX` rows of it. `link` is the page with all of them."""

    place: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    link: str = ""
    nothing: str = "Nothing."


def word(told: object, *, link: str = "", bad: bool = False) -> Cell:
    """Return a word as a cell; a dash for nothing."""
    return Cell("" if told is None else str(told), link, is_bad=bad) if told else Cell(DASH)


def number(text: str, *, bad: bool = False) -> Cell:
    return Cell(text, is_number=True, is_bad=bad)


def time(at: datetime | None) -> Cell:
    """Return a time of UTC, to the second."""
    return Cell(f"{at:%Y-%m-%d %H:%M:%S}" if at else DASH)


def day(of: date | None) -> Cell:
    return Cell(of.isoformat() if of else DASH)


def price(amount: Decimal | None) -> Cell:
    """Return a price without trailing zeros after its cents."""
    if amount is None:
        return number(DASH)
    cents = amount.quantize(Decimal("0.01"))
    return number(f"{cents:,f}" if cents == amount else f"{amount.normalize():,f}")
