"""Who brings a trade in: the stream and a fill may both tell it, and it goes one way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from marketdata.ticks import TradeTick

CLAIM_SECONDS: Final = 20.0
"""Longer than anything lies on a tape that is not behind; then what was booked has its row."""

_Key = tuple[str, datetime, str, Decimal, Decimal]


class Claims:
    """The trades of the last while, each claimed by whoever heard of it first. Of any thread.

    Time passes when its owner says so, and not while the process stands still or is behind: what
    was claimed before has not been booked by then.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()
        self._claimed: set[_Key] = set()
        self._by_age: deque[tuple[float, _Key]] = deque()

    def pass_time(self, seconds: float) -> None:
        """Let go of what was claimed CLAIM_SECONDS ago."""
        with self._lock:
            self._now += seconds
            while self._by_age and self._by_age[0][0] <= self._now - CLAIM_SECONDS:
                self._claimed.discard(self._by_age.popleft()[1])

    def claim(self, trades: Iterable[TradeTick]) -> list[TradeTick]:
        """Return those that nobody had claimed: they are the caller's to bring in."""
        with self._lock:
            found = []
            for trade in trades:
                if (key := _key(trade)) not in self._claimed:
                    self._claimed.add(key)
                    self._by_age.append((self._now, key))
                    found.append(trade)
            return found

    def release(self, trades: Iterable[TradeTick]) -> None:
        """Give up what could not be brought in."""
        with self._lock:
            self._claimed.difference_update(map(_key, trades))


def _key(trade: TradeTick) -> _Key:
    return trade.symbol, trade.at, trade.trade_id, trade.price, trade.size
