"""What believed ticks come to for the books: quotes, last prices, paths, parts of bars. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from marketdata import rollups, ticks
from marketdata.rollups import Part
from marketdata.ticks import Point, QuoteTick, Tick, TradeTick


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch changes, by symbol.

    `quotes` has the latest quote: what it replaced was never the last word. `printed` has the
    latest trade, `lasts` the latest that sets the last price and `paths` the way there. `parts`
    are what all trades add to the bars: a minute's first, then hours and days.
    """

    quotes: Mapping[str, QuoteTick]
    printed: Mapping[str, TradeTick]
    lasts: Mapping[str, TradeTick]
    paths: Mapping[str, list[Point]]
    parts: Mapping[str, list[Part]]


def of_ticks(believed: Iterable[Tick]) -> Outcome:
    """Return what `believed`, in the order of the tape, come to."""
    quotes: dict[str, QuoteTick] = {}
    trades: dict[str, list[TradeTick]] = {}
    for tick in believed:
        if isinstance(tick, QuoteTick):
            quotes[tick.symbol] = tick
        else:
            trades.setdefault(tick.symbol, []).append(tick)
    printed = {symbol: prints[-1] for symbol, prints in trades.items()}
    lasts = {each.symbol: each for prints in trades.values() for each in prints if each.sets_last}
    paths = {symbol: ticks.path(trades[symbol]) for symbol in lasts}
    parts = {symbol: list(rollups.parts(prints)) for symbol, prints in trades.items()}
    return Outcome(quotes, printed, lasts, paths, parts)
