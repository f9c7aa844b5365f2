"""What was carried out on shares is known to whoever reads the prices of before."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import PriceAdjustment
from portfolio.actions import services as corporate_actions
from portfolio.actions.services import Due
from tests import issuers, world

pytestmark = pytest.mark.django_db
D = Decimal


def carried_out(due: Due) -> tuple[object, ...]:
    """Restate the instrument, and again, as after a failure; return what prices are told of it."""
    for _ in range(2):
        corporate_actions.restate(due, note=f"Restated for {due.said.reference}"[:100],
                                  now=timezone.now())  # fmt: skip
    (found,) = PriceAdjustment.objects.all()
    assert (found.instrument_id, found.ex_date) == (due.instrument_id, due.said.ex_date)
    return found.kind, found.new, found.old, found.cash, found.share


def test_a_split_a_dividend_and_a_spin_off_count_once_in_the_prices_of_before() -> None:
    aapl, part = world.instrument("AAPL"), world.instrument("PART")
    assert carried_out(issuers.split(aapl, 4, 1)) == ("split", 4, 1, 0, 0)
    PriceAdjustment.objects.all().delete()
    assert carried_out(issuers.dividend(aapl, "0.25")) == ("dividend", 1, 1, D("0.25"), 0)
    PriceAdjustment.objects.all().delete()
    spun_off = issuers.said(
        aapl, "spin_off", into=part.code, new_shares=1, old_shares=5, cost_share=D("0.2"),
        price=D(10),
    )  # fmt: skip
    assert carried_out(issuers.due(spun_off)) == ("spin_off", 1, 1, 0, D("0.2"))


def test_a_new_symbol_is_nothing_to_prices() -> None:
    due = issuers.due(issuers.said(world.instrument("AAPL"), "symbol_change", symbol="APPL"))
    corporate_actions.restate(due, note="Restated", now=timezone.now())
    assert not PriceAdjustment.objects.exists()
