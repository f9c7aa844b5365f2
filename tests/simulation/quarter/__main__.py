"""A quarter of a brokerage on a fast clock: trading, breaks, a disaster, books that are proved.

    python -m tests.simulation.quarter                      # October to December 2026
    python -m tests.simulation.quarter --days 14 --seed 3

Runs it in a database of its own and prints its figures.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

DAYS = 92


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    os.environ["OPENFLOOR_QUARTER_DAYS"] = str(wanted.days)
    os.environ["OPENFLOOR_SIMULATION_SEED"] = str(wanted.seed)
    test = Path(__file__).parents[1] / "test_quarter.py"
    return int(pytest.main(["-q", "-s", "-n", "0", str(test)]))


if __name__ == "__main__":
    sys.exit(main())
