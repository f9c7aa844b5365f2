"""Columns as rows of PostgreSQL's binary COPY, all of them at once. Pure and exact.

A field is made for all rows side by side, its length in front, as wide as its widest; what is
shorter, or NULL, leaves out the bytes that it does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from marketdata.batches.columns import DECIMALS_MAX, NOBODY, Flags, Ints, microseconds

Bytes = npt.NDArray[np.uint8]

HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER: Final = b"\xff\xff"

_BILLION: Final = 10**DECIMALS_MAX
_QUANTUM: Final = Decimal(1).scaleb(-DECIMALS_MAX)
_DIGIT: Final = 10_000  # PostgreSQL's digit of a number
_NULL: Final = np.frombuffer(b"\xff\xff\xff\xff", dtype=np.uint8)
_SINCE: Final = microseconds(datetime(2000, 1, 1, tzinfo=UTC))


class Amounts(NamedTuple):
    """Numbers of any size that a market knows: what is before the point, and billionths.

    A price that is nobody's is NOBODY before the point.
    """

    whole: Ints
    billionths: Ints

    @classmethod
    def of_column(cls, column: Ints, *, decimals: int) -> Amounts:
        is_there = column != NOBODY
        whole, part = np.divmod(np.where(is_there, column, 0), 10**decimals)
        part = part * 10 ** (DECIMALS_MAX - decimals)
        return cls(np.where(is_there, whole, NOBODY), part)

    @classmethod
    def of_decimals(cls, amounts: Iterable[Decimal | None]) -> Amounts:
        """Return numbers as the database rounds them."""
        pairs = [
            (NOBODY, 0)
            if amount is None
            else divmod(
                int(amount.quantize(_QUANTUM, ROUND_HALF_UP).scaleb(DECIMALS_MAX)), _BILLION
            )
            for amount in amounts
        ]
        table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return cls(table[:, 0], table[:, 1])

    def taken(self, rows: Ints) -> Amounts:
        return Amounts(self.whole[rows], self.billionths[rows])


class Field(NamedTuple):
    """The bytes of one field, a row each; `is_there` says which of them count, None that all do."""

    table: Bytes
    is_there: Flags | None = None


def rows(fields: Sequence[Field]) -> bytes:
    """Return the rows that `fields` make, side by side."""
    count = len(fields[0].table)
    begin = _same(count, len(fields).to_bytes(2, "big"))
    table = np.hstack([begin, *(field.table for field in fields)])
    if all(field.is_there is None for field in fields):
        return table.tobytes()
    is_there = [
        np.ones(field.table.shape, dtype=np.bool_) if field.is_there is None else field.is_there
        for field in (Field(begin), *fields)
    ]
    found: Bytes = table[np.hstack(is_there)]
    return found.tobytes()


def same(count: int, value: bytes) -> Field:
    """Return a field that has one value in all of `count` rows."""
    return Field(_same(count, len(value).to_bytes(4, "big") + value))


def chosen(values: Sequence[bytes], which: Ints) -> Field:
    """Return a field that has in each row the one of `values`, of one length, that it names."""
    table = np.frombuffer(b"".join(values), dtype=np.uint8).reshape(len(values), -1)
    return _with_length(table[which])


def moments(at: Ints) -> Field:
    """Return these microseconds since 1970 as timestamps."""
    return _with_length(_bytes((at - _SINCE).astype(">i8")))


def flags(values: Flags) -> Field:
    return _with_length(_bytes(values.astype(np.uint8)))


def texts(values: Sequence[str]) -> Field:
    encoded = [value.encode() for value in values]
    widths = np.fromiter(map(len, encoded), dtype=">i4", count=len(encoded))
    width = int(widths.max(initial=0))
    padded = b"".join([each.ljust(width) for each in encoded])
    table = np.frombuffer(padded, dtype=np.uint8).reshape(len(encoded), width)
    is_there = np.arange(-4, width) < widths.astype(np.int64)[:, None]
    return Field(np.hstack([_bytes(widths), table]), is_there)


def numbers(amounts: Amounts) -> Field:
    """Return amounts, none below zero, as numerics; NULL where nobody has a price."""
    is_there = amounts.whole != NOBODY
    digits = [*_digits_before(np.where(is_there, amounts.whole, 0))]
    weight = len(digits) - 1
    digits += _digits_behind(amounts.billionths)
    # How many digits, the weight of the first, the sign, how many decimals.
    head = [len(digits), weight, 0, DECIMALS_MAX]
    table = np.empty((len(is_there), len(head) + len(digits)), dtype=">i2")
    table[:, : len(head)] = head
    for place, digit in enumerate(digits, start=len(head)):
        table[:, place] = digit
    field = _with_length(_bytes(table))
    if is_there.all():
        return field
    field.table[~is_there, :4] = _NULL
    counts = np.ones(field.table.shape, dtype=np.bool_)
    counts[~is_there, 4:] = False
    return Field(field.table, counts)


def _digits_before(whole: Ints) -> list[Ints]:
    digits = [whole % _DIGIT]
    while (whole := whole // _DIGIT).any():
        digits.insert(0, whole % _DIGIT)
    return digits


def _digits_behind(billionths: Ints) -> list[Ints]:
    """Return as many as any of them needs."""
    digits = []
    rest = billionths * 1_000  # of a whole number of digits
    while rest.any():
        rest = rest * _DIGIT
        digits.append(rest // (_BILLION * 1_000))
        rest = rest % (_BILLION * 1_000)
    return digits


def _with_length(table: Bytes) -> Field:
    count, width = table.shape
    return Field(np.hstack([_same(count, width.to_bytes(4, "big")), table]))


def _same(count: int, value: bytes) -> Bytes:
    return np.broadcast_to(np.frombuffer(value, dtype=np.uint8), (count, len(value)))


def _bytes(values: npt.NDArray[Any]) -> Bytes:
    return values.view(np.uint8).reshape(len(values), -1)
