"""The rows of one kind, quotes or trades, and which of them are believed. Pure.

All that are sound in themselves are believed at first; then again without those that were found
wrong by that, until nothing changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from marketdata.batches.columns import Flags, Ints, QuoteColumns, TradeColumns
from marketdata.batches.fences import Track

ROUNDS_MAX: Final = 6
"""After so many, an instrument whose ticks still turn is judged tick by tick."""

_STRETCHES_MAX: Final = 2**62


class Rows:
    """The quotes of a batch, or its trades: rows in order of symbol, and what is found of them."""

    def __init__(self, columns: QuoteColumns | TradeColumns, sets_price: Flags) -> None:
        self.columns = columns
        self.symbol, self.at = columns.symbol, columns.at
        self.sets_price = sets_price
        self.is_open = np.ones(len(columns), dtype=np.bool_)  # not judged one by one
        self.is_sound = self.is_ordered = self.is_inside = self.is_open
        self.is_believed = np.zeros(len(columns), dtype=np.bool_)

    def of(self, symbol: int) -> slice:
        begin, end = np.searchsorted(self.symbol, (symbol, symbol + 1)).tolist()
        return slice(begin, end)

    def settle(self, tracks: Sequence[Track], *, clocks: Ints) -> Ints:
        """Find which rows are believed; return the symbols of which that was not found.

        `clocks` has by symbol the time that no row may be from before.
        """
        believed = self.is_sound
        for _ in range(ROUNDS_MAX):
            self.is_ordered = _in_order(
                self.symbol, self.at, clocks=clocks, moves=believed & self.sets_price
            )
            candidates = self.is_sound & self.is_ordered
            self.is_inside = np.ones(len(candidates), dtype=np.bool_)
            for track in tracks:
                self.is_inside &= track.inside(candidates, believed)
            before, believed = believed, candidates & self.is_inside
            changed = before != believed
            if not changed.any():
                break
        self.is_believed |= believed & self.is_open
        return np.unique(self.symbol[changed])

    @property
    def is_outlying(self) -> Flags:
        return self.is_open & self.is_sound & self.is_ordered & ~self.is_inside

    def latest(self, rows: Flags) -> dict[int, int]:
        """Return by symbol the last of `rows`."""
        found = np.flatnonzero(rows)
        symbols = self.symbol[found]
        is_last = np.append(symbols[1:] != symbols[:-1], True)[: len(found)]
        return dict(zip(symbols[is_last].tolist(), found[is_last].tolist(), strict=True))


def _in_order(symbol: Ints, at: Ints, *, clocks: Ints, moves: Flags) -> Flags:
    """Tell which rows are not from before what had moved the clock of their symbol.

    All symbols are looked at in one sweep: each has a stretch of time of its own, after the last
    one's. Where they would be too many centuries, one symbol is looked at after the other.
    """
    if not len(at):
        return moves
    since = at - at.min()
    stretch = int(since.max()) + 2
    if stretch * len(clocks) >= _STRETCHES_MAX:
        in_order = np.empty(len(at), dtype=np.bool_)
        for number in np.unique(symbol).tolist():
            own = symbol == number
            clock, nought = clocks[number : number + 1], np.zeros(own.sum(), dtype=np.int64)
            in_order[own] = _in_order(nought, at[own], clocks=clock, moves=moves[own])
        return in_order
    begun = np.clip(clocks - at.min(), -1, stretch - 1) + np.arange(len(clocks)) * stretch
    key = since + symbol * stretch
    reached = np.maximum.accumulate(np.where(moves, key, -1))
    before = np.append(-1, reached[:-1])
    told: Flags = key >= np.maximum(before, begun[symbol])
    return told
