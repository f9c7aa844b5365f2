"""A short run over PostgreSQL; `python -m tests.simulation --database` makes long ones."""

from __future__ import annotations

import os

import pytest

from portfolio.fees import schedule
from portfolio.models import LotClosing, Position, Transfer
from tests.simulation.database import DatabaseSimulation

EVENTS = int(os.environ.get("OPENFLOOR_SIMULATION_EVENTS", "1200"))
SEED = int(os.environ.get("OPENFLOOR_SIMULATION_SEED", "1"))


@pytest.mark.timeout(3600)
def test_the_order_path_holds_whatever_the_venue_does(committed: None) -> None:
    print(f"OPENFLOOR_SIMULATION_SEED={SEED}")  # noqa: T201  shown when it fails
    simulation = DatabaseSimulation(seed=SEED)
    try:
        simulation.run(EVENTS)
    finally:
        schedule.forget()
        print(simulation.figures())  # noqa: T201
    assert Transfer.objects.filter(kind="fee", credit__kind="fees").exists()
    assert LotClosing.objects.filter(undoes=None, is_correction=False).exists()
    assert Position.objects.filter(account__margin=True, quantity__lt=0).exists()
