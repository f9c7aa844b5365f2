"""A short run of the simulation; `python -m tests.simulation` makes long ones."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest

from portfolio.fees.rules import NO_FEES, FeeTerms
from tests.simulation.books import Books
from tests.simulation.core import Simulation
from tests.simulation.firm import Firm
from tests.simulation.order import Order
from venues.messages import ExecutionReport

EVENTS = 15_000
SEED = int(os.environ.get("OPENFLOOR_SIMULATION_SEED", "1"))


def test_the_pure_core_holds_whatever_the_venue_does() -> None:
    print(f"OPENFLOOR_SIMULATION_SEED={SEED}")  # noqa: T201  shown when it fails
    simulation = Simulation(seed=SEED)
    simulation.run(EVENTS)

    figures = simulation.figures()
    expected = ("executions", "busts", "overfills", "reports doubled", "reports early", "replaces")
    assert [what for what in (*expected, "stops triggered", "doubts") if not figures[what]] == []


def test_a_seed_plays_the_same_run_again() -> None:
    first, second = Simulation(seed=7), Simulation(seed=7)
    for _ in range(3_000):
        first.next()
        second.next()
    assert first.figures() == second.figures()
    assert first.market.engine.snapshot() == second.market.engine.snapshot()


class Forgetful(Firm):
    """Books a report as often as it comes."""

    def hear(self, report: ExecutionReport) -> None:
        self.heard.clear()
        super().hear(report)


class Trusting(Firm):
    """Books what it is told, more than was ordered, too."""

    def _filled_now(self, report: ExecutionReport, order: Order) -> Decimal:
        return report.quantity or super()._filled_now(report, order)


class Careless(Firm):
    """Sets aside for a replacement what that one needs now, and no more."""

    def _hold_difference(self, old: Order, new: Order, worst: Decimal) -> None:
        self.books.hold(new.id, new.customer, new.asset, per_unit=worst, amount=Decimal(0))


class FreeBooks(Books):
    """Holds purchases to their price, and forgets what they are charged."""

    def terms_of(self, customer: int, asset: str) -> FeeTerms:
        return NO_FEES


class Generous(Firm):
    def __init__(self) -> None:
        super().__init__()
        self.books = FreeBooks()


@pytest.mark.parametrize("firm", [Forgetful, Trusting, Careless, Generous])
def test_a_firm_with_a_flaw_is_found_out(firm: type[Firm]) -> None:
    Simulation(seed=3, firm=Firm()).run(10_000)
    with pytest.raises(AssertionError):
        Simulation(seed=3, firm=firm()).run(10_000)
