"""Prices of before on today's terms: what a split or a dividend makes of them. Pure.

A split of `new` shares for `old` divides the prices before its ex-date by new / old and multiplies
the volumes. A dividend takes from them the part of the price that it was: 1 - cash / close, where
`close` is the last one before the ex-date, as it was traded; so that whoever puts every dividend
into more shares at that close has the return that the adjusted prices show. (This is how CRSP and
most vendors do it.) A spin-off takes the part of the value that left with it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum
from itertools import accumulate
from typing import Final

from marketdata.bars import Bar

ONE: Final = Decimal(1)
_DIGITS: Final = 50
_QUANTUM: Final = Decimal("1e-9")
_QUANTUM_OF_VALUE: Final = Decimal("1e-18")


class Adjustment(StrEnum):
    """What prices are adjusted for when they are read."""

    RAW = "raw"
    SPLIT = "split"
    DIVIDEND = "dividend"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Step:
    """What prices and volumes of before `at`, the beginning of an ex-date, are multiplied by."""

    at: datetime
    price: Decimal
    volume: Decimal = ONE


def split(at: datetime, *, new: int, old: int) -> Step:
    with localcontext(prec=_DIGITS):
        return Step(at, Decimal(old) / new, Decimal(new) / old)


def dividend(at: datetime, *, cash: Decimal, close: Decimal) -> Step | None:
    """Return the step of a dividend, None for one that is no part of the price, but all of it."""
    with localcontext(prec=_DIGITS):
        return Step(at, 1 - cash / close) if cash < close else None


def spin_off(at: datetime, *, share: Decimal) -> Step:
    """Return the step of a spin-off with which `share` of the value left, from 0 to 1."""
    return Step(at, 1 - share)


def adjust(bars: Iterable[Bar], steps: Sequence[Step]) -> list[Bar]:
    """Return `bars` on the terms after `steps`, which are in order of time.

    Prices and volumes are rounded to nine places, half to even, and once.
    """
    if not steps:
        return list(bars)
    with localcontext(prec=_DIGITS):
        times = [step.at for step in steps]
        prices = _products_to_the_end(step.price for step in steps)
        volumes = _products_to_the_end(step.volume for step in steps)
        return [_adjusted(bar, prices[n], volumes[n]) for bar, n in _numbered(bars, times)]


def _numbered(bars: Iterable[Bar], times: Sequence[datetime]) -> Iterable[tuple[Bar, int]]:
    """Yield each bar with the number of the first step that comes after it."""
    return ((bar, bisect_right(times, bar.start)) for bar in bars)


def _products_to_the_end(factors: Iterable[Decimal]) -> list[Decimal]:
    backwards = accumulate(reversed(list(factors)), lambda a, b: a * b, initial=ONE)
    return list(backwards)[::-1]


def _adjusted(bar: Bar, price: Decimal, volume: Decimal) -> Bar:
    if price == ONE == volume:
        return bar
    opened, high, low, close = (
        None if each is None else _rounded(each * price, _QUANTUM)
        for each in (bar.open, bar.high, bar.low, bar.close)
    )
    return replace(
        bar,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=_rounded(bar.volume * volume, _QUANTUM),
        turnover=_rounded(bar.turnover * price * volume, _QUANTUM_OF_VALUE),
    )


def _rounded(value: Decimal, quantum: Decimal) -> Decimal:
    return value.quantize(quantum, rounding=ROUND_HALF_EVEN)
