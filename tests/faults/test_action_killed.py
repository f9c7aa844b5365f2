"""A corporate action whose process is killed in the middle: it goes on where it stopped."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from portfolio.actions import entitlements, services
from portfolio.actions.models import Entitlement
from portfolio.models import Position, Transfer
from tests import invariants, issuers, world
from tests.faults.processes import Say, forked

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal


def carry_out(_say: Say, reference: str) -> None:
    due = services.due(reference, now=timezone.now())
    entitlements.entitle(due, now=timezone.now())
    entitlements.pay(due, now=timezone.now())


def run_until_killed(reference: str, step: str, arrival: int) -> None:
    with forked(carry_out, reference, fails=f"{step}=kill*{arrival}") as operator:
        assert operator.exit_code() == -9


def holders(count: int) -> list[object]:
    venue, found = world.Venue(), []
    for _ in range(count):
        found.append(world.customer())
        world.own(found[-1], "AAPL", "13", venue, price="100.00")
    return found


@pytest.mark.parametrize(
    ("step", "arrival", "done"),
    [("actions.entitling", 2, 1), ("actions.entitled", 2, 2), ("actions.entitled", 3, 3)],
)
def test_a_killed_split_goes_on_where_it_stopped(step, arrival, done) -> None:
    aapl = world.instrument()
    accounts = holders(3)
    action = issuers.split(aapl, 1, 10, price="950")
    run_until_killed(action.said.reference, step, arrival)
    assert Entitlement.objects.count() == done
    assert Transfer.objects.filter(kind="cash_in_lieu").count() == done

    entitlements.entitle(action, now=timezone.now())
    assert [Position.objects.get(account=each).quantity for each in accounts] == [D(1)] * 3
    assert Transfer.objects.filter(kind="split").count() == 3
    assert Transfer.objects.filter(kind="cash_in_lieu").count() == 3
    invariants.assert_hold()
