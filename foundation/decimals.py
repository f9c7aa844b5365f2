"""Exact numbers: how they come in, how they are rounded, how they go out."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Final

CASH: Final = "USD"
CASH_QUANTUM: Final = Decimal("0.01")
QUANTITY_QUANTUM: Final = Decimal("0.000000001")

NEAREST: Final = ROUND_HALF_EVEN
UP: Final = ROUND_CEILING
DOWN: Final = ROUND_DOWN

_PLAIN = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


class InvalidDecimal(ValueError):
    """The text is not a plain decimal number: no exponent, no infinity, no NaN."""


def parse(value: object) -> Decimal:
    """Return the plain decimal in `value`: a str, int or Decimal; never a float or bool.

    Raises InvalidDecimal for anything else and for more than 18 digits on either side.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidDecimal("a number must be given as a decimal string")
    if isinstance(value, Decimal) and not (value.is_finite() and abs(value.adjusted()) < 40):
        raise InvalidDecimal("that number is out of all bounds")
    text = format(value, "f") if isinstance(value, Decimal) else str(value).strip()
    if not _PLAIN.fullmatch(text):
        raise InvalidDecimal("a plain decimal number is needed, such as 12.50")
    return Decimal(text)


def quantize(amount: Decimal, *, asset: str, rounding: str) -> Decimal:
    """Return `amount` in whole quanta of `asset`: a cent of cash, 1e-9 of anything else."""
    quantum = CASH_QUANTUM if asset == CASH else QUANTITY_QUANTUM
    return amount.quantize(quantum, rounding=rounding)


def _plain(value: Decimal) -> str:
    if not isinstance(value, Decimal | int):
        raise TypeError(f"{type(value).__name__} is no exact number")
    plain = str(value)  # half the time of a format, which only exponents need
    if "E" in plain:
        plain = format(value, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("", "-0") else plain


text: Final[Callable[[Decimal], str]] = lru_cache(maxsize=2**15)(_plain)
"""Return the number in plain notation without trailing zeros: what we send to clients.

The same prices and quantities are written again and again: those written lately are remembered.
"""
