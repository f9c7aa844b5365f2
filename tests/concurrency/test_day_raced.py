"""Several processes that go on with the days at once: each job once, whoever was faster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from reconciliation.day import services
from reconciliation.day.models import JobRun
from reconciliation.day.plan import Job
from tests.patience import DEADLINE_SECONDS
from tests.racing import on_its_own

pytestmark = pytest.mark.usefixtures("committed")

NIGHT = datetime(2026, 11, 21, 6, tzinfo=UTC)  # one o'clock in New York
FRIDAY = date(2026, 11, 20)

made: list[date] = []
begun, may_end = threading.Event(), threading.Event()
both_at_it = threading.Barrier(2)


def slow(*, day: date, now: datetime, progress: Callable[[int, int], None]) -> str:
    begun.set()
    assert may_end.wait(DEADLINE_SECONDS)
    made.append(day)
    return "made"


def shared(*, day: date, now: datetime, progress: Callable[[int, int], None]) -> str:
    both_at_it.wait(DEADLINE_SECONDS)
    made.append(day)
    return "made"


def job(name: str) -> tuple[Job]:
    return (Job(name=name, title=name, run=f"{__name__}.{name}"),)


def test_one_goes_on_and_the_others_leave_it_to_them() -> None:
    made.clear()
    begun.clear()
    may_end.clear()

    def go_on() -> int:
        return services.go_on(now=NIGHT, jobs=job("slow"))

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(on_its_own, go_on)
        assert begun.wait(DEADLINE_SECONDS)
        assert [on_its_own(go_on) for _ in range(3)] == [0, 0, 0]
        assert JobRun.objects.get(day_id=FRIDAY).state == "running"
        may_end.set()
        assert first.result(DEADLINE_SECONDS) == 1
    assert on_its_own(go_on) == 0
    assert made == [FRIDAY]


def test_without_the_charge_both_would_do_it() -> None:
    """The race is real: what the charge keeps apart meets in the job without it."""
    made.clear()
    services.begin_days(now=NIGHT, jobs=job("shared"))

    def carry_on() -> int:
        return services.carry_on(clock=lambda: NIGHT, jobs=job("shared"))

    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(on_its_own, carry_on) for _ in range(2)]
        assert [each.result(DEADLINE_SECONDS) for each in both] == [1, 1]
    assert made == [FRIDAY, FRIDAY]
