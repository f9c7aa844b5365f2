"""Long runs of the simulation.

    python -m tests.simulation --events 1000000 --seed 7
    python -m tests.simulation --database --events 20000

The first is over the pure core, the second over PostgreSQL, in a database of its own. What failed
is played again by its seed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from pathlib import Path

import pytest

from tests.simulation.core import Simulation

ON_DATABASE = Path(__file__).with_name("test_database.py")


def main() -> int:
    """Run one simulation and print its figures; its seed first, should it fail."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--events", type=int, help="a million, or 20,000 over PostgreSQL")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--database", action="store_true", help="over PostgreSQL")
    wanted = parser.parse_args()
    sys.stdout.write(f"seed {wanted.seed}\n")
    sys.stdout.flush()
    if not wanted.database:
        return _run_core(wanted.seed, wanted.events or 1_000_000)
    os.environ["OPENFLOOR_SIMULATION_SEED"] = str(wanted.seed)
    os.environ["OPENFLOOR_SIMULATION_EVENTS"] = str(wanted.events or 20_000)
    return int(pytest.main(["-q", "-s", "--runxfail", str(ON_DATABASE)]))


def _run_core(seed: int, events: int) -> int:
    began = time.monotonic()
    simulation = Simulation(seed=seed)
    try:
        simulation.run(events)
    except BaseException:
        sys.stdout.write(f"failed at event {simulation.step}, seed {seed}\n")
        raise
    for what, count in simulation.figures().items():
        sys.stdout.write(f"{count:>12,} {what}\n")
    sys.stdout.write(f"{time.monotonic() - began:>12,.1f} seconds\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
