"""A statement that somebody else has sent us, read; and what is wrong with one that cannot be.

Pure. There is one reader for each format, and what it returns is the same for all: whoever brings
a drop copy over a line has a reader more, and nothing else changes. A file is taken whole or not
at all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from foundation import decimals
from reconciliation.records import BankLine, Execution, Holding, Matter, OpenOrder

BYTES_MAX: Final = 64 * 1024 * 1024
FIELD_MAX: Final = 400
NAME_MAX: Final = 120
"""Of what names something, for ever: an execution, an order, a line."""
SYMBOL_MAX: Final = 24
AMOUNT_MAX: Final = Decimal(10) ** 14
"""So that a quantity times a price can still be kept to the last digit before the point."""
DECIMALS_MAX: Final = 9


class BadStatement(ValueError):
    """The file cannot be taken: a stable `code`, the `line` that it lies in, and what is wrong."""

    def __init__(self, code: str, message: str, *, line: int = 0) -> None:
        where = f"Line {line}: " if line else ""
        super().__init__(f"{where}{message} [{code}]")
        self.code, self.line = code, line


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody tells of one day: of the `matters` that it says, and of all of each.

    `account` is what they call our account, `made_at` when they say that they made the file, None
    where they do not; `lines` is how many lines the file had.
    """

    day: date
    matters: frozenset[Matter]
    account: str = ""
    executions: tuple[Execution, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    holdings: tuple[Holding, ...] = ()
    bank_lines: tuple[BankLine, ...] = ()
    lines: int = 0
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV file, which says where it lies when a value is wrong."""

    line: int
    values: Mapping[str, str]

    def text(self, column: str, *, may_be_empty: bool = False) -> str:
        value = self.values[column]
        if not value and not may_be_empty:
            raise self.bad("missing_value", f"{column} is empty.")
        return value

    def name(self, column: str, *, length_max: int = NAME_MAX) -> str:
        """Return what names something: breaks are known by it, so it is not cut."""
        value = self.text(column)
        if len(value) > length_max:
            raise self.bad("too_long", f"{column} has more than {length_max} characters.")
        return value

    def symbol(self) -> str:
        return self.name("symbol", length_max=SYMBOL_MAX)

    def one_of(self, column: str, words: Sequence[str]) -> str:
        value = self.text(column)
        if value not in words:
            raise self.bad("unknown_word", f"{column} must be one of {', '.join(words)}.")
        return value

    def decimal(self, column: str, *, may_be_negative: bool = False) -> Decimal:
        try:
            value = number(self.text(column))
        except decimals.InvalidDecimal as error:
            raise self.bad("bad_number", f"{column}: {error}.") from None
        if value < 0 and not may_be_negative:
            raise self.bad("bad_number", f"{column} must not be negative.")
        return value

    def positive(self, column: str) -> Decimal:
        value = self.decimal(column)
        if not value:
            raise self.bad("bad_number", f"{column} must be greater than zero.")
        return value

    def day(self, column: str) -> date:
        said = self.text(column)
        try:
            return date.fromisoformat(said)
        except ValueError:
            raise self.bad("bad_date", f"{column} must be a date like 2026-03-04.") from None

    def moment(self, column: str) -> datetime:
        said = self.text(column)
        try:
            value = datetime.fromisoformat(said)
        except ValueError:
            value = None
        # In the first and the last year there is no telling the day of another zone.
        is_known = value is not None and date.min.year < value.year < date.max.year
        if value is None or value.tzinfo is None or not is_known:
            raise self.bad(
                "bad_time", f"{column} must be a time with its zone, as ISO 8601 has it."
            )
        return value

    def once(self, known: object, what: str) -> None:
        """Raise BadStatement where it is `known` already `what` the line tells of."""
        if known not in (None, "", False):
            raise self.bad("told_twice", f"{what} is told twice.")

    def only(self, *columns: str) -> None:
        """Raise BadStatement for a value in a column that this record does not have."""
        known = {"record", *columns}
        for column, value in self.values.items():
            if value and column not in known:
                raise self.bad("unexpected_value", f"{column} must be empty here.")

    def bad(self, code: str, message: str) -> BadStatement:
        return BadStatement(code, message, line=self.line)


def number(said: str) -> Decimal:
    """Return a plain decimal that our books could keep. Raises decimals.InvalidDecimal."""
    value = decimals.parse(said)
    if abs(value) >= AMOUNT_MAX or value != round(value, DECIMALS_MAX):
        raise decimals.InvalidDecimal(
            f"a number has at most 14 digits before the point and {DECIMALS_MAX} behind it"
        )
    return value


def rows(content: bytes, header: Sequence[str]) -> Iterator[Row]:
    """Yield the lines behind the header, which must be exactly this one. Raises BadStatement."""
    if len(content) > BYTES_MAX:
        raise BadStatement("too_large", f"The file is larger than {BYTES_MAX // 2**20} MB.")
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadStatement("not_utf8", "The file is not in UTF-8.", line=line) from None
    if "\0" in decoded:
        line = decoded.count("\n", 0, decoded.index("\0")) + 1
        raise BadStatement("not_text", "The file is not text.", line=line)
    reader = csv.reader(io.StringIO(decoded, newline=""), strict=True)
    try:
        if next(reader, None) != list(header):
            raise BadStatement("bad_header", f"The header must be {','.join(header)}", line=1)
        for values in reader:
            if len(values) != len(header):
                raise BadStatement(
                    "bad_columns", f"{len(values)} values, {len(header)} are needed.",
                    line=reader.line_num,
                )  # fmt: skip
            if any(len(value) > FIELD_MAX for value in values):
                raise BadStatement("too_long", "A value is too long.", line=reader.line_num)
            yield Row(reader.line_num, dict(zip(header, values, strict=True)))
    except csv.Error as error:
        raise BadStatement("bad_csv", f"{error}.", line=reader.line_num) from None
