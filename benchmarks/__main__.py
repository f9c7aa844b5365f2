"""Every benchmark, one after the other, each in a process of its own: `python -m benchmarks`.

`--server` chooses what serves HTTP, and may be repeated. Figures compare within one run alone:
another machine, or this one at another hour, gives others. The load at the start should be
near nothing, or somebody else is being measured, too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import Final

from trading.settings import BASE_DIR

SERVERS: Final = ("daphne", "granian", "uvicorn")
SECONDS_MAX: Final = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure.")
    parser.add_argument("--server", action="append", choices=SERVERS)
    servers = parser.parse_args().server or ["daphne"]
    begun = time.monotonic()
    print(f"{os.cpu_count()} processors; {load()}")
    run("The exchange's matching rate", "benchmarks.matching", "--orders", "60000")
    run("A risk decision, and the statements of a batch", "benchmarks.risk")
    run("Orders through orders.intake.enter, beside pgbench", "benchmarks.intake")
    run("Orders that cross, from the order to its booked fill", "benchmarks.executions")
    run("Orders over HTTP, beside a peer", "benchmarks.order_entry", *servers)
    run("The same of two processes", "benchmarks.order_entry", *servers, "--processes", "2")
    run("Resting stops, and what a tick costs", "benchmarks.stops")
    run("Accounts kept valued, and the end of a day", "benchmarks.valuation")
    run("What a tick costs on its way in", "benchmarks.ingest")
    run("How well wrong prices are found", "benchmarks.cleaning")
    run("Ticks into tables, beside psql", "benchmarks.storage")
    run("Bytes of a price on the wire", "benchmarks.binary_stream")
    run("Prices to 500 sockets", "benchmarks.fanout", *servers)
    run("A seal of everything, and its proof", "benchmarks.proof")
    run("A database that is lost: how long, and what", "benchmarks.recovery")
    run("Sockets that wait, and come back at once", "benchmarks.sockets", *servers)
    print(f"\n{time.monotonic() - begun:.0f} s; {load()}")


def load() -> str:
    return "load of the last minutes: " + " ".join(f"{each:.2f}" for each in os.getloadavg())


def run(headline: str, module: str, *arguments: str) -> None:
    print(f"\n--- {headline}", flush=True)
    command = [sys.executable, "-m", module, *arguments]
    finished = subprocess.run(command, cwd=BASE_DIR, timeout=SECONDS_MAX)
    if finished.returncode:
        sys.exit(f"{module} ended with {finished.returncode}.")


if __name__ == "__main__":
    main()
