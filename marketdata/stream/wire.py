"""The numbers that writer and reader agree on; docs/binary-stream.md explains them."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

from marketdata.stream.pictures import DIGITS, Units
from marketdata.stream.varints import Malformed

VERSION: Final = 1
STREAM_BYTES: Final = 8
NO_STREAM: Final = bytes(STREAM_BYTES)
IDS_MAX: Final = 4096

MORE: Final = 0x80
"""Of an update's first byte: another update of the same instrument follows."""
IN_UNITS: Final = 15
"""Of a scale: differences are counted in the instrument's unit and not in 10^-n."""
_NUMBERS: Final = 10**15
_NUMBER_AT_END: Final = re.compile(r"(.*?)((?:0|[1-9][0-9]{0,14})?)", re.DOTALL)


class Frame(IntEnum):
    """The lower half of a frame's first byte; the upper half is the version."""

    HELLO = 0
    UPDATES = 1
    HEARTBEAT = 2
    REFUSED = 3
    SUBSCRIBE = 8
    UNSUBSCRIBE = 9
    SUBSCRIBE_BOOKS = 10


class Kind(IntEnum):
    """Bits 4 to 6 of an update's first byte."""

    QUOTE = 0
    QUOTE_SCALED = 1
    TRADE = 2
    TRADE_SCALED = 3
    BAR = 4
    DEPTH = 5
    STATUS = 6
    LATER = 7


class TradeFlag(IntEnum):
    PRICE = 1
    ID = 2
    MARKS = 4
    NOT_LAST = 8


class StatusFlag(IntEnum):
    STALE = 1
    HALTED = 2
    NOT_TRADABLE = 4
    CLOSING_ONLY = 8


def opening(frame: Frame) -> int:
    """Return the first byte of a frame."""
    return VERSION << 4 | frame


def divisor(scale: int, unit: int) -> int:
    """Return what a difference of this scale is counted in, in billionths. Raises Malformed."""
    if scale == IN_UNITS:
        return unit
    if scale > DIGITS:
        raise Malformed(f"there is no scale {scale}")
    return int(10 ** (DIGITS - scale))


def scale_of(differences: tuple[int, ...], unit: int) -> int:
    """Return the coarsest scale in which all of `differences` are whole."""
    if not any(each % unit for each in differences):
        return IN_UNITS
    return next(
        scale
        for scale in range(DIGITS + 1)
        if all(each % divisor(scale, 1) == 0 for each in differences)
    )


def scales_of(prices: tuple[int, ...], sizes: tuple[int, ...], units: Units) -> int:
    """Return the byte of both scales: prices in the upper half, sizes in the lower."""
    return scale_of(prices, units.price) << 4 | scale_of(sizes, units.size)


def next_trade_id(before: str, difference: int = 1) -> str | None:
    """Return the id that comes `difference` after `before`; None when that is none.

    The number at the end of an id is what counts on; an id without one stands for itself.
    """
    match = _NUMBER_AT_END.fullmatch(before)
    if match is None or not match[2]:
        return before if difference == 1 else None
    number = int(match[2]) + difference
    return f"{match[1]}{number}" if 0 <= number < _NUMBERS else None


def trade_id_difference(before: str, after: str) -> int:
    """Return by how much the number of `after` is another than that of `before`; 0 where their
    rest differs."""
    numbers = _NUMBER_AT_END.fullmatch(before), _NUMBER_AT_END.fullmatch(after)
    if any(match is None or not match[2] for match in numbers):
        return 0
    difference = int(numbers[1][2]) - int(numbers[0][2])  # type: ignore[index] # seen above
    return difference if next_trade_id(before, difference) == after else 0
