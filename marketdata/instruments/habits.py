"""What is usual of an instrument: how much is traded on a day, and how far its price moves.

Over its latest DAYS daily bars, that of today aside, which is not over. Read at most every few
minutes in each process: it changes once a day.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from foundation import trips
from foundation.trips import Answer

DAYS: Final = 20
DAYS_MIN: Final = 5
"""Fewer are no habit."""
AGE_SECONDS_MAX: Final = 300.0
KEPT_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Habit:
    """Units a day, and the way from the day's low to its high as a part of the low."""

    volume: Decimal | None = None
    range: Decimal | None = None


UNKNOWN: Final = Habit()


def ask(symbols: Iterable[str], *, now: datetime) -> Answer[dict[str, Habit]]:
    """Ask what is usual of these; one that is not traded long enough has an unknown habit."""
    wanted = set(symbols)
    missing = wanted - _kept.fresh(wanted)
    if not missing:
        return Answer(lambda: _kept.of(wanted))
    rows = trips.send(_HABITS, [now, DAYS, list(missing), DAYS_MIN])

    def found() -> dict[str, Habit]:
        read = {symbol: Habit(volume, span) for symbol, volume, span in rows.get()}
        _kept.keep({symbol: read.get(symbol, UNKNOWN) for symbol in missing})
        return _kept.of(wanted)

    return Answer(found)


_HABITS: Final = """
    SELECT i.symbol, round(avg(b.volume), 9), round(avg((b.high - b.low) / b.low), 6)
      FROM marketdata_instrument i,
           LATERAL (SELECT volume, high, low FROM marketdata_bar
                     WHERE instrument_id = i.id AND timeframe = '1Day' AND low > 0
                       AND start < date_trunc('day', %s AT TIME ZONE 'America/New_York')
                                   AT TIME ZONE 'America/New_York'
                     ORDER BY start DESC LIMIT %s) b
     WHERE i.symbol = ANY(%s)
     GROUP BY 1 HAVING count(*) >= %s
"""


class _Kept:
    """What this process has read, with its time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._habits: dict[str, tuple[float, Habit]] = {}

    def fresh(self, symbols: set[str]) -> set[str]:
        oldest = time.monotonic() - AGE_SECONDS_MAX
        found = {symbol: self._habits.get(symbol) for symbol in symbols}
        return {symbol for symbol, kept in found.items() if kept and kept[0] >= oldest}

    def of(self, symbols: set[str]) -> dict[str, Habit]:
        found = {symbol: self._habits.get(symbol) for symbol in symbols}
        return {symbol: kept[1] if kept else UNKNOWN for symbol, kept in found.items()}

    def keep(self, habits: dict[str, Habit]) -> None:
        with self._lock:
            if len(self._habits) >= KEPT_MAX:
                self._habits.clear()
            at = time.monotonic()
            self._habits |= {symbol: (at, habit) for symbol, habit in habits.items()}

    def forget(self) -> None:
        with self._lock:
            self._habits.clear()


_kept: Final = _Kept()


def forget() -> None:
    """Read all of it anew the next time: for whoever has just changed the past."""
    _kept.forget()
