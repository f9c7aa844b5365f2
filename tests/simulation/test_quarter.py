"""A week of the quarter; `python -m tests.simulation.quarter` lives through all of it."""

from __future__ import annotations

import os

import pytest

from tests.simulation.quarter import Quarter

DAYS = int(os.environ.get("OPENFLOOR_QUARTER_DAYS", "8"))
SEED = int(os.environ.get("OPENFLOOR_SIMULATION_SEED", "1"))


@pytest.mark.timeout(7200)
def test_every_day_is_closed_and_the_books_hold(committed: None) -> None:
    quarter = Quarter(seed=SEED, days=DAYS)
    try:
        quarter.run()
    finally:
        for what, count in sorted(quarter.count.items()):
            print(f"{count:>10,} {what}")  # noqa: T201  shown when it fails
    assert quarter.count["fills"] > 0
    assert quarter.count["actions carried out"] > 0
    assert quarter.count["transfers of dividend"] > 0
