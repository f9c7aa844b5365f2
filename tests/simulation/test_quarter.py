"""Some days of the quarter; `python -m tests.simulation.quarter` lives through all of it."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

import pytest
from django.test import override_settings

from reconciliation.records import BreakType
from tests.simulation.quarter.course import FIRST, Quarter
from tests.simulation.quarter.planting import KINDS

DAYS = int(os.environ.get("OPENFLOOR_QUARTER_DAYS", "0"))
SEED = int(os.environ.get("OPENFLOOR_SIMULATION_SEED", "1"))
AROUND_A_MONTHS_END = date(2026, 10, 30)
"""Six days from here have a weekend, the end of summer time, a dividend and a split."""
BY_OTHERS = set(BreakType) - {BreakType.BOOKS}


@pytest.mark.timeout(7200)
def test_a_quarter_ends_with_books_that_are_proved(committed: None, tmp_path: Path) -> None:
    """With DAYS all of it from its first day on, else enough for a break of every type."""
    quarter = Quarter(seed=SEED, first=FIRST, days=DAYS) if DAYS else Quarter(
        seed=SEED, first=AROUND_A_MONTHS_END, days=6, breaks=10
    )  # fmt: skip
    began = time.monotonic()
    with override_settings(SEALS=tmp_path / "seals"):
        try:
            quarter.run()
        finally:
            quarter.count["seconds"] = round(time.monotonic() - began)
            for what, count in sorted(quarter.count.items()):
                print(f"{count:>10,} {what}")  # noqa: T201  shown when it fails
    count = quarter.count
    assert count["fills"] > 0
    assert count["actions carried out"] > 0
    assert count["transfers of dividend"] > 0
    assert count["disasters named and undone"] == 1
    assert count["breaks found"] == count["breaks planted"]
    if DAYS == 0 or DAYS > 31:
        assert count["months equal to the ledger"] >= len(quarter.accounts)
        assert count["breaks found"] >= len(KINDS)
        assert {kind for kind in BY_OTHERS if count[f"planted {kind}"]} == BY_OTHERS
