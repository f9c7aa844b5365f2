"""The close of a day whose process is killed: the next one goes on, and does nothing twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument
from orders.actions import entitling
from portfolio.actions import services as corporate_actions
from portfolio.models import Balance, Transfer
from reconciliation.day import plan, services
from reconciliation.day.models import DayRun, JobRun, JobStep
from reconciliation.invariants import check_invariants
from tests import issuers, world
from tests.faults.processes import Say, forked
from tests.patience import until

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal
TRADED_AT: Final = datetime(2026, 11, 17, 17, tzinfo=UTC)
EX_DATE: Final = date(2026, 11, 18)
FRIDAY: Final = date(2026, 11, 20)
NIGHT: Final = datetime(2026, 11, 21, 6, tzinfo=UTC)  # one o'clock in New York
JOBS: Final = tuple(job for job in plan.JOBS if job.name in ("dividends", "interest", "settle"))


def go_on() -> int:
    return services.go_on(now=NIGHT, jobs=JOBS)


def work(_say: Say) -> None:
    go_on()


def holders_of_a_dividend() -> list[Account]:
    """Return three accounts that are each to be paid 13 x 0.50 on Friday."""
    with time_machine.travel(TRADED_AT, tick=False):
        aapl, venue = world.instrument(), world.Venue()
        found = [world.customer(cash="2000.00") for _ in range(3)]
        for account in found:
            world.own(account, "AAPL", "13", venue, price="100.00")
    with time_machine.travel(TRADED_AT + timedelta(days=1), tick=False):
        entitle(aapl)
    return found


def entitle(aapl: Instrument) -> None:
    action = issuers.dividend(aapl, "0.50", ex_date=EX_DATE, pay_date=FRIDAY)
    assert entitling.to_dividend(action, aapl, now=timezone.now()) == 3
    assert entitling.mark(action, aapl, note="", now=timezone.now())


def paid() -> int:
    return Transfer.objects.filter(kind="dividend").count()


@pytest.mark.parametrize(
    ("step", "arrival", "paid_before"),
    [("day.begun", 1, 0), ("actions.paid", 2, 2), ("day.worked", 1, 3)],
)
def test_a_killed_day_goes_on_where_it_stopped(step: str, arrival: int, paid_before: int) -> None:
    accounts = holders_of_a_dividend()
    with forked(work, fails=f"{step}=kill*{arrival}") as process:
        assert process.exit_code() == -9
    assert paid() == paid_before
    assert JobRun.objects.get(day_id=FRIDAY, job="dividends").state == "running"
    assert DayRun.objects.get(pk=FRIDAY).ended_at is None

    # The charge of the days is free once the server has seen that who had it is gone.
    assert until(go_on) == len(JOBS)
    assert paid() == 3
    cash = Balance.objects.filter(account__in=accounts, asset="USD").values_list(
        "amount", flat=True
    )
    assert list(cash) == [D("706.50")] * 3
    steps = JobStep.objects.filter(run__day_id=FRIDAY, run__job="dividends").order_by("number")
    assert list(steps.values_list("kind", flat=True)) == ["started", "resumed", "done"]
    assert DayRun.objects.get(pk=FRIDAY).ended_at is not None
    assert corporate_actions.waiting_on(FRIDAY) == []
    found = check_invariants(now=NIGHT)
    # The venue of a test is asked nothing: requests to it are never sent (10).
    assert [each for each in found if not each.holds and each.number != 10] == []

    services.rerun(day=FRIDAY, job="dividends", by="operator:1", reason="To be sure", now=NIGHT)
    assert go_on() == 1
    assert paid() == 3
