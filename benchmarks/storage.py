"""What it costs to keep ticks: our COPY beside `psql \\copy` of the same rows into the same table.

Rounds take turns, so that what else the machine does meets both. Ours makes the rows of columns as
`services.accept` has them, on its way: in batches with a transaction each, and all at once as
psql does, whose file is there when it begins. At least half of psql's rate is the aim; what a
batch's own commit costs depends on the disk. Then the CPU time of this process for a tick,
which is what the rest of the program misses. `python -m benchmarks.storage`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from tempfile import NamedTemporaryFile
from typing import IO

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.db import connection, transaction
from django.utils import timezone

from marketdata.arrival import tape
from marketdata.batches.columns import TickColumns
from marketdata.history import archive, partitions, recording
from marketdata.history.partitions import Kind
from marketdata.models import Instrument, Quote
from marketdata.ticks import QuoteTick, Tick, TradeTick
from tests import world
from trading import postgres
from trading.settings import POSTGRES_OWNER, postgres_socket_folder

TICKS = 100_000
INSTRUMENTS = 20
BATCH = tape.BATCH_MAX  # so many are booked at once where more wait
ROUNDS = 5
PART_MIN = 0.5
CENT = Decimal("0.01")


def main() -> None:
    stage.set_up()
    now = timezone.now()
    partitions.make_ahead(now=now)
    quotes = {f"S{n}": quote_of(f"S{n}") for n in range(INSTRUMENTS)}
    dice = random.Random(1)
    parts = [
        compare("trades", Kind.TRADES, trades(now, dice), quotes),
        compare("quotes", Kind.QUOTES, changes(now, dice), quotes),
    ]
    if min(parts) < PART_MIN:
        sys.exit(f"Less than {PART_MIN} of the rate of psql.")


def quote_of(symbol: str) -> Quote:
    listed: Instrument = world.instrument(symbol)
    return Quote.objects.get(instrument=listed)


def trades(now: datetime, dice: random.Random) -> list[Tick]:
    return [
        TradeTick(
            f"S{dice.randrange(INSTRUMENTS)}",
            now + timedelta(microseconds=number * 100),
            dice.randrange(9_000, 11_000) * CENT,
            Decimal(dice.randrange(1, 500)),
            str(number),
        )
        for number in range(TICKS)
    ]


def changes(now: datetime, dice: random.Random) -> list[Tick]:
    found: list[Tick] = []
    for number in range(TICKS):
        bid = dice.randrange(9_000, 11_000)
        sizes = [Decimal(dice.randrange(1, 500)), Decimal(number % 499 + 1)]
        found.append(
            QuoteTick(
                f"S{number % INSTRUMENTS}",
                now + timedelta(microseconds=number * 100),
                bid * CENT,
                sizes[0],
                (bid + 1) * CENT,
                sizes[1],
            )
        )
    return found


def compare(name: str, kind: Kind, ticks: list[Tick], quotes: dict[str, Quote]) -> float:
    """Print the rates of all ways; return the least part of psql's that one of ours has."""
    told = TickColumns.of(ticks)
    with NamedTemporaryFile("wb", suffix=".copy") as file:
        record(told, quotes, len(ticks))
        columns = write_out(kind, file)
        empty(kind, len(ticks), ticks[0].at)
        ways: dict[str, Callable[[], None]] = {
            "psql": lambda: psql(f"\\copy {columns} FROM '{file.name}'"),
            "at once": lambda: record(told, quotes, len(ticks)),
            "in batches": lambda: record(told, quotes, BATCH),
        }
        walls: dict[str, list[float]] = {way: [] for way in ways}
        cpus: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, run in ways.items():
                begun, spent = time.perf_counter(), time.process_time()
                run()
                walls[way].append(time.perf_counter() - begun)
                cpus[way].append(time.process_time() - spent)
                empty(kind, len(ticks), ticks[0].at)
    reference = median(walls["psql"])
    print(f"\n{len(ticks):,} {name}, the same rows{'rows/s':>22}{'of psql':>10}{'CPU us/row':>12}")
    for way, seconds in walls.items():
        rate, part = len(ticks) / median(seconds), reference / median(seconds)
        cpu = "" if way == "psql" else f"{median(cpus[way]) / len(ticks) * 1e6:.1f}"
        print(f"  {way:<36}{rate:>12,.0f}{part:>10.2f}{cpu:>12}")
    return reference / max(median(walls["at once"]), median(walls["in batches"]))


def record(told: TickColumns, quotes: dict[str, Quote], size: int) -> None:
    for batch in told.batches(size):
        with transaction.atomic():
            recording.record(batch, standing=quotes, source="bench")


def write_out(kind: Kind, file: IO[bytes]) -> str:
    """Write the rows that are there as COPY's text; return their table and columns."""
    names = [name for name in archive.COLUMNS[kind] if name != "number"]
    with connection.cursor() as cursor:
        rows = f"SELECT {', '.join(names)} FROM marketdata_{kind.value} ORDER BY number"
        with cursor.copy(f"COPY ({rows}) TO STDOUT") as copy:
            file.writelines(copy)
    file.flush()
    return f"marketdata_{kind.value} ({', '.join(names)})"


def psql(command: str) -> None:
    subprocess.run(
        [
            str(postgres.BINARIES / "psql"),
            "-h", str(postgres_socket_folder()),
            "-p", str(postgres.PORT),
            "-U", POSTGRES_OWNER,
            "-X", "-q", "-v", "ON_ERROR_STOP=1",
            "-c", command,
            "openfloor",
        ],
        check=True,
    )  # fmt: skip


def empty(kind: Kind, rows: int, now: datetime) -> None:
    """See that all rows came, and begin the next round with an empty partition."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM marketdata_{kind.value}")
        (found,) = cursor.fetchone()
    if found != rows:
        raise SystemExit(f"{found:,} rows came of {rows:,}.")
    for day in partitions.made(kind):
        partitions.drop(kind, day)
    partitions.make_ahead(now=now)


if __name__ == "__main__":
    main()
