"""What a tick costs on its way in, beside a plain loop that takes one after the other.

First `batches.ingest`, which is what `services.accept` does with a batch but for the database:
eighty thousand ticks of BAC and IBM around noon, recorded, and as many of a made-up market of two
hundred instruments. `from columns` is what `accept` is given, `from ticks` makes them as well.
Then the program's way from a file onto the disk, `manage.py import_ticks`, beside a loop that reads
the same file line by line: up to what the ticks come to, and with rows and bars stored, by COPY in
both. What comes out must be the same. Figures are of CPU time of this process: the machine may
have others to serve. `python -m benchmarks.ingest`; it fails where columns of BAC and IBM go in at
less than 20 times the rate of ticks one by one.
"""

from __future__ import annotations

import csv
import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.db import connection, transaction

from marketdata import outcomes, store
from marketdata.batches import ingest
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import rules
from marketdata.cleaning.rules import Known, Suspect
from marketdata.history import tick_files
from marketdata.models import Instrument
from marketdata.outcomes import Outcome
from marketdata.ticks import QuoteTick, Tick, TradeTick
from tests import recorded, recorded_ticks, world

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
    for name, told in files():
        from_file(name, told)
    if min(ratios) < RATIO_MIN:
        sys.exit(f"Less than {RATIO_MIN} times the rate of ticks one by one.")


def files() -> list[tuple[str, TickColumns]]:
    """Return what two files have: the quotes, and the trades, of a recorded day."""
    if not (recorded.FOLDER / recorded_ticks.name("BAC", DAY, "quotes")).exists():
        return []
    return [
        ("Quotes of BAC", recorded_ticks.quotes("BAC", DAY).ticks),
        ("Trades of BAC", recorded_ticks.trades("BAC", DAY).ticks),
    ]


def from_file(name: str, told: TickColumns) -> None:
    """Print the rates at which a file goes in, and is stored."""
    symbol = told.symbols[0]
    ticks = told.ticks()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ticks.csv"
        write(path, ticks)
        begun = {symbol: Known(asset_class="us_equity")}
        ours, ours_out = timed(lambda: file_in_columns(path, begun))
        theirs, theirs_out = timed(lambda: file_line_by_line(path, begun), rounds=1)
        if ours_out != theirs_out:
            sys.exit(f"{name}: a file comes to something else than its lines.")
        tell(f"{name}, {len(ticks):,}, from a file", len(ticks), ours, theirs)
        stage_once(symbol)
        stored, _ = timed(lambda: tick_files.ticks(path, source="bench"), rounds=1)
        plain, _ = timed(lambda: store_line_by_line(path, begun), rounds=1)
        tell(f"{name}, {len(ticks):,}, and stored", len(ticks), stored, plain)


def tell(row: str, count: int, ours: float, theirs: float) -> None:
    print(f"{row:<46}{count / ours:>15,.0f}{count / theirs:>12,.0f}{theirs / ours:>7.1f}")


def stage_once(symbol: str) -> None:
    if not stage.server.is_running:
        stage.set_up()
    if not Instrument.objects.filter(symbol=symbol).exists():
        world.instrument(symbol)


def file_in_columns(path: Path, known: Mapping[str, Known]) -> Any:
    made = []
    for told in tick_files.in_columns(path):
        ingested = ingest.ingest(told, known=known, source="bench", now=None)
        known = ingested.known
        made.append((ingested.outcome.quotes, ingested.outcome.printed))
    return known, made[-1]


def file_line_by_line(path: Path, known: Mapping[str, Known]) -> Any:
    cleaned = rules.clean(ticks=lines(path), known=known, source="bench", now=None)
    outcome = outcomes.of_ticks(cleaned.believed)
    return cleaned.known, (outcome.quotes, outcome.printed)


def store_line_by_line(path: Path, known: Mapping[str, Known]) -> None:
    """Do what the import does, tick by tick: the same rows, but that repeated quotes are kept."""
    cleaned = rules.clean(ticks=lines(path), known=known, source="loop", now=None)
    outcome = outcomes.of_ticks(cleaned.believed)
    keys = dict(Instrument.objects.values_list("symbol", "id"))
    with transaction.atomic(), connection.cursor() as cursor:
        if outcome.quotes:
            names = "instrument_id, at, source, bid, bid_size, ask, ask_size"
            with cursor.copy(f"COPY marketdata_tapequote ({names}) FROM STDIN") as copy:
                for tick in cleaned.believed:
                    sides = (tick.bid, tick.bid_size, tick.ask, tick.ask_size)
                    copy.write_row((keys[tick.symbol], tick.at, "loop", *sides))
        else:
            names = "instrument_id, at, source, price, size, trade_id, sets_last"
            with cursor.copy(f"COPY marketdata_tapetrade ({names}) FROM STDIN") as copy:
                for tick in cleaned.believed:
                    said = (tick.price, tick.size, tick.trade_id, tick.sets_last)
                    copy.write_row((keys[tick.symbol], tick.at, "loop", *said))
        parts = ((keys[name], part) for name, found in outcome.parts.items() for part in found)
        store.add_bars(parts, source="loop")


def lines(path: Path) -> Iterator[Tick]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["at"]).astimezone(UTC)
            if "bid" in row:
                bid, ask = Decimal(row["bid"] or "NaN"), Decimal(row["ask"] or "NaN")
                yield QuoteTick(
                    row["symbol"], at,
                    None if bid.is_nan() else bid, Decimal(row["bid_size"]),
                    None if ask.is_nan() else ask, Decimal(row["ask_size"]),
                )  # fmt: skip
            else:
                price, size = Decimal(row["price"]), Decimal(row["size"])
                is_last = row["sets_last"] == "true"
                yield TradeTick(row["symbol"], at, price, size, row["trade_id"], is_last)


def write(path: Path, ticks: Sequence[Tick]) -> None:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        if isinstance(ticks[0], QuoteTick):
            out.writerow(("symbol", "at", "bid", "bid_size", "ask", "ask_size"))
        else:
            out.writerow(("symbol", "at", "price", "size", "trade_id", "sets_last"))
        for tick in ticks:
            if isinstance(tick, QuoteTick):
                values: tuple[Any, ...] = (tick.bid, tick.bid_size, tick.ask, tick.ask_size)
            else:
                is_last = str(tick.sets_last).lower()
                values = (tick.price, tick.size, tick.trade_id, is_last)
            out.writerow((tick.symbol, tick.at.isoformat(), *values))


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
    for way, spent in (("from ticks", ours), ("from columns", bare)):
        tell(f"{name}, {way}", count, spent, theirs)
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
