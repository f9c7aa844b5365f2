"""The fences of `levels`, for one price of many instruments and whole batches. Pure and exact."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from marketdata.batches.columns import DECIMALS_MAX, Flags, Ints, TickColumns
from marketdata.cleaning import levels
from marketdata.cleaning.levels import Level, Terms

_SLOT: Final = int(levels.SLOT.total_seconds()) * 1_000_000
_NO_CLOSE: Final = 2**63 - 1


class _Standing(NamedTuple):
    """A level in billionths: closes, slot, latest price."""

    closes: list[int]
    slot: int
    price: int | None


class Track:
    """One price (the bids, say) of a batch whose rows are in order of symbol and time.

    `before` and `terms` say of every symbol where its level stood and what its fences depend on.
    """

    def __init__(
        self,
        columns: TickColumns,
        *,
        symbol: Ints,
        at: Ints,
        price: Ints,
        is_there: Flags,
        before: Sequence[Level | None],
        terms: Sequence[Terms],
    ) -> None:
        self._columns = columns
        self._symbol, self._slot, self._price, self._is_there = symbol, at // _SLOT, price, is_there
        self._before, self._terms = before, terms
        self._after: dict[int, _Standing] = {}
        self._finer = 10 ** (DECIMALS_MAX - columns.price_decimals)

    def inside(self, candidates: Flags, believed: Flags) -> Flags:
        """Tell which rows lie inside their fence, if only `believed` ones have moved it.

        Of the rows that are no `candidates`, and where nobody has a price, the answer is yes.
        """
        told = np.ones(len(self._symbol), dtype=np.bool_)
        rows = np.flatnonzero(candidates & self._is_there)
        self._after = {}
        if not len(rows):
            return told
        symbol, slot, price = self._symbol[rows], self._slot[rows], self._price[rows]
        is_first = np.ones(len(rows), dtype=np.bool_)
        is_first[1:] = (symbol[1:] != symbol[:-1]) | (slot[1:] != slot[:-1])
        first = np.flatnonzero(is_first)
        latest = np.maximum.reduceat(np.where(believed[rows], np.arange(len(rows)), -1), first)
        closes = [
            price_ * self._finer if row >= 0 else None
            for row, price_ in zip(latest.tolist(), price[latest].tolist(), strict=True)
        ]
        low, high = self._fences(symbol[first].tolist(), slot[first].tolist(), closes)
        span = np.cumsum(is_first) - 1
        told[rows] = (price >= low[span]) & (price <= high[span])
        return told

    def after(self) -> Mapping[int, Level]:
        """Return by symbol where the levels stand after the rows that were last believed."""
        return {symbol: self._level(symbol, after) for symbol, after in self._after.items()}

    def _level(self, symbol: int, after: _Standing) -> Level:
        before = self._before[symbol]
        price = None if after.price is None else _decimal(after.price)
        if before is not None and after.slot == before.slot:
            return replace(before, price=price)
        closes = tuple(map(_decimal, after.closes))
        return Level(closes, after.slot, price, levels.fence(closes, self._terms[symbol]))

    def _fences(
        self, symbols: Sequence[int], slots: Sequence[int], closes: Sequence[int | None]
    ) -> tuple[Ints, Ints]:
        """Return the fence of each run of rows of one symbol in one slot, in the rows' unit."""
        windows: list[list[int]] = []
        terms: list[Terms] = []
        which: list[int] = []  # the window that each run's fence stands around; below 0, a level
        standing: list[tuple[int, int]] = []
        current, stands = -1, 0
        level = _Standing([], 0, None)
        for symbol, slot, close in zip(symbols, slots, closes, strict=True):
            if symbol != current:
                current, level = symbol, self._begin(symbol)
                standing.append(self._standing_fence(symbol))
                stands = -len(standing)
            here = stands
            if slot > level.slot:
                window = _with(level.closes, level.price)
                here = len(windows)
                windows.append(window)
                terms.append(self._terms[symbol])
                if close is not None:
                    level, stands = _Standing(window, slot, close), here
            which.append(here)
            if close is not None:
                level = level._replace(price=close)
                self._after[symbol] = level
        low, high = _fences_around(windows, terms, self._finer)
        standing.reverse()  # so that the first one is found at the end, where -1 points to
        lows, highs = zip(*standing, strict=True)
        every_low = np.append(low, np.array(lows, dtype=np.int64))
        every_high = np.append(high, np.array(highs, dtype=np.int64))
        return every_low[which], every_high[which]

    def _begin(self, symbol: int) -> _Standing:
        level = self._before[symbol]
        if level is None:
            raise ValueError(f"{self._columns.symbols[symbol]} has no level to begin with")
        price = None if level.price is None else _billionths(level.price)
        return _Standing(list(map(_billionths, level.closes)), level.slot, price)

    def _standing_fence(self, symbol: int) -> tuple[int, int]:
        level = self._before[symbol]
        if level is None:
            raise ValueError(f"{self._columns.symbols[symbol]} has no level to begin with")
        decimals = self._columns.price_decimals
        low, high = (each.scaleb(decimals) for each in level.fence)
        return math.ceil(low), math.floor(high)


def _with(closes: list[int], price: int | None) -> list[int]:
    return closes if price is None else [*closes[-levels.CLOSES_MAX + 1 :], price]


def _fences_around(
    windows: Sequence[list[int]], terms: Sequence[Terms], finer: int
) -> tuple[Ints, Ints]:
    """Return the fences around `windows` of closes in billionths, in units `finer` times that."""
    if not windows:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    width = levels.CLOSES_MAX
    padded = [[*window, *[_NO_CLOSE] * (width - len(window))] for window in windows]
    closes = np.sort(np.array(padded, dtype=np.int64), axis=1)
    counts = np.array(list(map(len, windows)))
    middle = ((counts - 1) // 2)[:, None]
    level = np.take_along_axis(closes, middle, axis=1)
    away = np.where(closes == _NO_CLOSE, _NO_CLOSE, np.abs(closes - level))
    deviation = np.take_along_axis(np.sort(away, axis=1), middle, axis=1)[:, 0]
    level = level[:, 0]
    classes = [each.asset_class for each in terms]
    widest = _share(level, [levels.WIDEST[name] for name in classes])
    narrowest = _share(level, [levels.NARROWEST[name] for name in classes])
    increments = [_billionths(levels.INCREMENTS * each.increment) for each in terms]
    least = np.maximum(narrowest, np.array(increments, dtype=np.int64))
    usual = np.minimum(widest, np.maximum(least, levels.DEVIATIONS * deviation))
    reach = np.where(counts >= levels.CLOSES_MIN, usual, widest)
    return -((reach - level) // finer), (level + reach) // finer


def _share(level: Ints, shares: Sequence[Decimal]) -> Ints:
    """Return these shares of `level`, rounded down; in parts, as the whole may not fit."""
    ratios = np.array([share.as_integer_ratio() for share in shares], dtype=np.int64)
    over, under = ratios[:, 0], ratios[:, 1]
    whole: Ints = level // under * over + level % under * over // under
    return whole


def _billionths(amount: Decimal) -> int:
    return int(amount.scaleb(DECIMALS_MAX))


def _decimal(billionths: int) -> Decimal:
    return Decimal(billionths).scaleb(-DECIMALS_MAX)
