"""Facts and tables on paper: PDF, drawn in this process, the same bytes from the same words. Pure.

US letter, lying where a table has many columns. The library's own time and id are left out
(`invariant`). What a page has no letters for stands as a question mark.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reportlab.lib.pagesizes import landscape, letter
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

BODY, BOLD = "Helvetica", "Helvetica-Bold"
SIZE: Final = 7.5
LINE: Final = 12.0
MARGIN: Final = 40.0
GAP: Final = 9.0
WIDE: Final = 7
"""With more columns than this the page lies."""
ROWS_MAX: Final = 5_000
"""Of one table; what has more is for a program to read, and says so."""
FACTS_ABREAST: Final = 3
_QUIET, _LINE, _TEXT = 0.42, 0.82, 0.1


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is in parts of all columns' widths; numbers stand at its right edge."""

    title: str
    width: int
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A table: what is said where it has no rows is `nothing`, and of too many rows `beyond`."""

    title: str
    columns: tuple[Column, ...]
    rows: Iterable[tuple[str, ...]]
    nothing: str = "None."
    beyond: str = "There are more rows: the CSV has all of them."


@dataclass(frozen=True, slots=True)
class Paper:
    """One document: `facts` are its head, by title; `notes` stand below everything."""

    title: str
    number: str
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()
    house: str = "Openfloor"


def draw(paper: Paper) -> bytes:
    """Return the PDF."""
    buffer = io.BytesIO()
    is_wide = any(len(block.columns) > WIDE for block in paper.blocks)
    size = landscape(letter) if is_wide else letter
    canvas = Canvas(buffer, pagesize=size, invariant=1, pageCompression=1)
    canvas.setTitle(f"{paper.title} {paper.number}")
    canvas.setAuthor(paper.house)
    _Pen(canvas, size, paper).draw()
    canvas.save()
    return buffer.getvalue()


class _Pen:
    """Draws from the top of a page to its foot, and goes on at the top of the next."""

    def __init__(self, canvas: Canvas, size: tuple[float, float], paper: Paper) -> None:
        self._canvas, self._paper = canvas, paper
        self._width, self._height = size
        self._page = 1
        self._y = self._height - MARGIN

    def draw(self) -> None:
        self._head()
        for block in self._paper.blocks:
            self._block(block)
        self._notes()
        self._foot()

    def _head(self) -> None:
        paper = self._paper
        self._say(MARGIN, paper.house, font=BOLD, size=SIZE, grey=_QUIET)
        self._say(self._width - MARGIN, paper.number, size=SIZE, grey=_QUIET, is_right=True)
        self._y -= 24
        self._say(MARGIN, paper.title, font=BOLD, size=16)
        self._y -= 20
        step = (self._width - 2 * MARGIN) / FACTS_ABREAST
        for place, (title, value) in enumerate(paper.facts):
            if place and place % FACTS_ABREAST == 0:
                self._y -= 24
            x = MARGIN + step * (place % FACTS_ABREAST)
            self._say(x, _fitting(title, step - GAP, BODY, SIZE), grey=_QUIET)
            self._y -= 10.5
            self._say(x, _fitting(value, step - GAP, BOLD, 9), font=BOLD, size=9)
            self._y += 10.5
        self._y -= 24

    def _block(self, block: Block) -> None:
        self._room(4 * LINE)
        self._y -= 14
        self._say(MARGIN, block.title, font=BOLD, size=10)
        self._y -= 15
        places = self._places(block.columns)
        has_rows = False
        for count, row in enumerate(block.rows):
            if not has_rows:
                self._titles(block.columns, places)
                has_rows = True
            if count == ROWS_MAX:
                self._room(LINE)
                self._say(MARGIN, block.beyond, grey=_QUIET)
                self._y -= LINE
                break
            if self._room(LINE):
                self._titles(block.columns, places)
            self._row(row, block.columns, places)
            self._y -= LINE
        if not has_rows:
            self._say(MARGIN, block.nothing, grey=_QUIET)
            self._y -= LINE

    def _places(self, columns: tuple[Column, ...]) -> list[tuple[float, float]]:
        """Return the left edge and the width of each column."""
        unit = (self._width - 2 * MARGIN) / sum(column.width for column in columns)
        places, x = [], MARGIN
        for column in columns:
            places.append((x, column.width * unit))
            x += column.width * unit
        return places

    def _titles(self, columns: tuple[Column, ...], places: list[tuple[float, float]]) -> None:
        titles = tuple(column.title for column in columns)
        self._row(titles, columns, places, grey=_QUIET)
        self._y -= 4
        self._rule()
        self._y -= LINE - 2

    def _row(
        self,
        row: tuple[str, ...],
        columns: tuple[Column, ...],
        places: list[tuple[float, float]],
        grey: float = _TEXT,
    ) -> None:
        for text, column, (x, width) in zip(row, columns, places, strict=True):
            fitting = _fitting(text, width - GAP, BODY, SIZE)
            if column.is_number:
                self._say(x + width - GAP, fitting, grey=grey, is_right=True)
            else:
                self._say(x, fitting, grey=grey)

    def _notes(self) -> None:
        self._room(3 * LINE)
        self._y -= 8
        for note in self._paper.notes:
            for line in _wrapped(note, self._width - 2 * MARGIN, BODY, SIZE):
                self._room(LINE)
                self._say(MARGIN, line, grey=_QUIET)
                self._y -= 10
            self._y -= 3

    def _room(self, height: float) -> bool:
        """Go on at the next page unless there is so much room; tell whether that was done."""
        if self._y - height >= MARGIN + LINE:
            return False
        self._foot()
        self._canvas.showPage()
        self._page += 1
        self._y = self._height - MARGIN
        return True

    def _foot(self) -> None:
        y, self._y = self._y, MARGIN - LINE
        self._say(MARGIN, f"{self._paper.title} {self._paper.number}", grey=_QUIET)
        self._say(self._width - MARGIN, f"Page {self._page}", grey=_QUIET, is_right=True)
        self._y = y

    def _rule(self) -> None:
        self._canvas.setStrokeGray(_LINE)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(MARGIN, self._y, self._width - MARGIN, self._y)

    def _say(
        self,
        x: float,
        text: str,
        *,
        font: str = BODY,
        size: float = SIZE,
        grey: float = _TEXT,
        is_right: bool = False,
    ) -> None:
        self._canvas.setFillGray(grey)
        self._canvas.setFont(font, size)
        draw = self._canvas.drawRightString if is_right else self._canvas.drawString
        draw(x, self._y, _printable(text))


def _printable(text: str) -> str:
    return text.encode("cp1252", "replace").decode("cp1252")


def _fitting(text: str, width: float, font: str, size: float) -> str:
    """Return as much of a text as there is room for, with an ellipsis for the rest."""
    text = _printable(text)
    if stringWidth(text, font, size) <= width:
        return text
    while text and stringWidth(f"{text}…", font, size) > width:
        text = text[:-1]
    return f"{text}…"


def _wrapped(text: str, width: float, font: str, size: float) -> list[str]:
    lines = [""]
    for word in _printable(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if stringWidth(longer, font, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
