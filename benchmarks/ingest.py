"""What a tick costs on its way in: what `services.accept` does with a batch, but for the database.

Eighty thousand ticks of BAC and IBM around noon, recorded, and as many of a made-up market of two
hundred instruments that is there on every machine. `from ticks` is `batches.ingest` as `accept`
calls it; `from columns` the same without the making of columns from ticks, which no source of ours
is spared. Beside them, in the same run, the same ticks `one by one`, as small batches go. What
comes out must be the same. Figures are of CPU time: the machine may have others to serve.
`python -m benchmarks.ingest`.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from marketdata import outcomes
from marketdata.batches import ingest
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import rules
from marketdata.cleaning.rules import Known, Suspect
from marketdata.outcomes import Outcome
from marketdata.ticks import QuoteTick, Tick, TradeTick
from tests import recorded, recorded_ticks

DAY: Final = "2013-10-07"
TICKS: Final = 50_000
BEFORE: Final = 30_000
RATIO_MIN: Final = 20
BATCHES: Final = (5_000, 50_000)  # as the tape hands them on; as much as lies on it at most
Made = tuple[Mapping[str, Known], Sequence[Suspect], Outcome]


def main() -> None:
    print(f"{'':<46}{'ticks/s of CPU':>15}{'one by one':>12}{'ratio':>7}")
    ratios = []
    for name, told in markets():
        for size in BATCHES:
            ratio = compare(f"{name}, {size:,} a batch", told, size)
            ratios.append(ratio if name != MADE_UP else RATIO_MIN)
    if min(ratios) < RATIO_MIN:
        sys.exit(f"Less than {RATIO_MIN} times the rate of ticks one by one.")


def markets() -> list[tuple[str, TickColumns]]:
    found = []
    if (recorded.FOLDER / recorded_ticks.name("BAC", DAY, "quotes")).exists():
        days = [
            part
            for symbol in ("BAC", "IBM")
            for part in (recorded_ticks.quotes(symbol, DAY), recorded_ticks.trades(symbol, DAY))
        ]
        found.append(("BAC and IBM", recorded_ticks.together(*days)))
    else:
        print("The recorded days are not on this machine.")
    return [*found, (MADE_UP, TickColumns.of(made_up()))]


def compare(name: str, told: TickColumns, size: int) -> float:
    """Print the rates at which `told` goes in; return how many times ours is the plain one."""
    middle = max(len(told) // 2, BEFORE)
    told = recorded_ticks.between(told, middle - BEFORE, middle + TICKS)
    parts = list(told.batches(size))
    begun = {symbol: Known(asset_class="us_equity") for symbol in told.symbols}
    lists = [part.ticks() for part in parts]
    count = len(told)
    bare, bare_out = timed(lambda: [*run(parts, begun, from_columns)])
    ours, ours_out = timed(lambda: [*run(lists, begun, from_ticks)])
    theirs, theirs_out = timed(lambda: [*run(lists, begun, one_by_one)], rounds=1)
    if not ours_out == bare_out == theirs_out:
        sys.exit(f"{name}: batches come to something else than their ticks.")
    plain = count / theirs
    for way, spent in (("from ticks", ours), ("from columns", bare)):
        row = f"{name}, {way}"
        print(f"{row:<46}{count / spent:>15,.0f}{plain:>12,.0f}{theirs / spent:>7.1f}")
    return theirs / bare


def run(batches: Any, begun: Mapping[str, Known], make: Callable[..., Made]) -> Any:
    """Yield what `make` makes of each batch, each with what those before it have taught."""
    known = begun
    for batch in batches:
        known, *made = make(batch, known)
        yield made


def from_ticks(batch: Sequence[Tick], known: Mapping[str, Known]) -> Made:
    return from_columns(TickColumns.of(batch), known)


def from_columns(batch: TickColumns, known: Mapping[str, Known]) -> Made:
    made = ingest.ingest(batch, known=known, source="bench", now=None)
    return made.known, made.suspects, made.outcome


def one_by_one(batch: Sequence[Tick], known: Mapping[str, Known]) -> Made:
    cleaned = rules.clean(ticks=batch, known=known, source="bench", now=None)
    return cleaned.known, cleaned.suspects, outcomes.of_ticks(cleaned.believed)


def timed(work: Callable[[], Any], rounds: int = 3) -> tuple[float, Any]:
    """Return the least CPU time of `rounds`, and what came out."""
    spent = []
    for _ in range(rounds):
        gc.collect()
        begun = time.process_time()
        outcome = work()
        spent.append(time.process_time() - begun)
    return min(spent), outcome


MADE_UP: Final = "Two hundred made up"


def made_up() -> list[Tick]:
    """Return a minute of quotes and trades of two hundred instruments that walk by the cent."""
    dice = random.Random(5)
    at, made = datetime(2026, 3, 2, 15, tzinfo=UTC), []
    cents = {f"S{number}": dice.randint(2_000, 40_000) for number in range(200)}
    symbols = list(cents)
    for number in range(BEFORE + TICKS):
        at += timedelta(microseconds=int(dice.expovariate(1 / 2_000)))
        symbol = dice.choice(symbols)
        cents[symbol] += dice.choice((-1, 0, 0, 1))
        size, cent = Decimal(dice.randint(1, 90) * 100), Decimal(cents[symbol])
        if dice.random() < 0.15:
            made.append(TradeTick(symbol, at, cent.scaleb(-2), size, str(number)))
        else:
            bid, ask = (cent - 1).scaleb(-2), (cent + 1).scaleb(-2)
            made.append(QuoteTick(symbol, at, bid, size, ask, size))
    return made


if __name__ == "__main__":
    main()
