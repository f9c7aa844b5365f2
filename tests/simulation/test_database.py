"""A short run over PostgreSQL; `python -m tests.simulation --database` makes long ones."""

from __future__ import annotations

import os

import pytest
from django.db.models.functions import Round

from orders.models import Order
from portfolio.fees import schedule
from portfolio.models import LotClosing, Transfer
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
    executed = Order.objects.filter(filled_quantity__gt=0)
    assert executed.filter(account__margin=True, position_intent="sell_to_open").exists()
    assert executed.filter(notional__isnull=False).exists()
    assert executed.exclude(filled_quantity=Round("filled_quantity")).exists()
