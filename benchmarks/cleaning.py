"""How well wrong prices are found: precision and recall, on real ticks with errors planted in them.

Each recorded day of BAC and IBM, quotes and trades together, goes through cleaning as it is, with
what the vendor marks as suspicious, and again with a few hundred errors of each kind at seeded
places. `planted` of a kind were there, `found` were kept aside. What is kept aside besides is
called false, though some of it may be true: nobody has marked it. `python -m benchmarks.cleaning`.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from marketdata.batches import screening
from marketdata.batches.columns import NOBODY, TickColumns
from marketdata.cleaning.rules import Known, Reason
from tests import recorded, recorded_ticks

DAYS: Final = tuple(
    (symbol, day) for symbol in ("IBM", "BAC") for day in ("2013-10-07", "2013-10-08")
)
BATCH: Final = 5_000
CENT: Final = 10 ** (recorded_ticks.PRICE_DECIMALS - 2)
EACH: Final = 60  # errors of each kind in a day

Wrong = Callable[[int, int], int]
"""What is made of a price, given that of the other side, or of a print its own."""


def times(over: int, under: int = 1) -> Wrong:
    return lambda price, _: price * over // under


KINDS: Final[Mapping[str, Wrong]] = {
    "zero": lambda _, __: 0,
    "negative": lambda price, _: -price,
    "crossed by a cent": lambda _, other: other + CENT,
    "decimal point x 100": times(100),
    "decimal point x 10": times(10),
    "decimal point / 10": times(1, 10),
    "decimal point / 100": times(1, 100),
    "20 % off": times(5, 4),
    "5 % off": times(105, 100),
    "2 % off": times(98, 100),
    "1 % off": times(101, 100),
    "0.7 % off": times(993, 1000),
    "0.5 % off": times(1005, 1000),
}


@dataclass(frozen=True)
class Found:
    """What cleaning kept aside of a day."""

    planted: Counter[str]
    found: Counter[str]
    false: Counter[Reason]
    marked: int
    marked_found: int
    ticks: int

    @property
    def precision(self) -> float:
        found = self.found.total()
        return found / (found + self.false.total()) if found else 1.0

    @property
    def recall(self) -> float:
        return self.found.total() / max(self.planted.total(), 1)


def main() -> None:
    for symbol, day in DAYS:
        if not (recorded.FOLDER / recorded_ticks.name(symbol, day, "quotes")).exists():
            print(f"{symbol}'s recorded {day} is not on this machine.")
            continue
        as_it_is = measure(symbol, day, kinds={})
        wrong = measure(symbol, day, kinds=KINDS)
        print(
            f"{symbol} {day}: of {as_it_is.ticks:,} ticks as they are kept aside "
            f"{', '.join(f'{n} {reason}' for reason, n in as_it_is.false.items()) or 'none'}; "
            f"and {as_it_is.marked_found} of {as_it_is.marked} that the vendor marks."
        )
        print(f"  with errors: precision {wrong.precision:.2%}, recall {wrong.recall:.2%}")
        for kind, planted in wrong.planted.items():
            print(f"    {kind:<22}{wrong.found[kind]:>5} of {planted}")
        sys.stdout.flush()


def measure(symbol: str, day: str, *, kinds: Mapping[str, Wrong], seed: int = 1) -> Found:
    """Clean a recorded day with EACH errors of each of `kinds` planted in it."""
    quotes = recorded_ticks.quotes(symbol, day, with_suspicious=True)
    told = recorded_ticks.together(quotes, recorded_ticks.trades(symbol, day))
    by_time = told.quotes.place.tolist()
    marked = {by_time[place] for place in quotes.suspicious}
    told, planted = plant(told, kinds, random.Random(seed))
    aside: dict[int, Reason] = {}
    known: Mapping[str, Known] = {symbol: Known(asset_class="us_equity")}
    for number, batch in enumerate(told.batches(BATCH)):
        screened = screening.clean(batch, known=known, source="recorded", now=None)
        known = screened.known
        for place, suspect in screened.suspects:
            aside[place + number * BATCH] = suspect.reason
    return Found(
        planted=Counter(planted.values()),
        found=Counter(kind for place, kind in planted.items() if place in aside),
        false=Counter(aside[place] for place in aside.keys() - planted.keys() - marked),
        marked=len(marked),
        marked_found=len(marked & aside.keys()),
        ticks=len(told),
    )


def plant(
    told: TickColumns, kinds: Mapping[str, Wrong], dice: random.Random
) -> tuple[TickColumns, dict[int, str]]:
    """Return `told` with wrong prices in it, and their places by kind.

    An error is made in a bid, an offer or the price of a print that sets the last one.
    """
    quotes = replace(told.quotes, bid=told.quotes.bid.copy(), ask=told.quotes.ask.copy())
    trades = replace(told.trades, price=told.trades.price.copy())
    series = [
        (quotes.bid, quotes.ask, quotes.place),
        (quotes.ask, quotes.bid, quotes.place),
        (trades.price, trades.price, trades.place),
    ]
    planted: dict[int, str] = {}
    for kind, wrong in kinds.items():
        made = 0
        while made < EACH:
            prices, others, places = dice.choice(series[: 1 if kind.startswith("crossed") else 3])
            row = dice.randrange(len(prices))
            counts = prices is not trades.price or trades.sets_last[row]
            is_there = prices[row] != NOBODY and others[row] != NOBODY
            if int(places[row]) in planted or not is_there or not counts:
                continue
            prices[row] = wrong(int(prices[row]), int(others[row]))
            planted[int(places[row])] = kind
            made += 1
    return replace(told, quotes=quotes, trades=trades), planted


if __name__ == "__main__":
    main()
