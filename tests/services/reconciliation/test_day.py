"""The days and their jobs in PostgreSQL: once, in order, again after failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from reconciliation.day import plan, services
from reconciliation.day.models import DayRun, JobRun, JobStep
from reconciliation.day.plan import Job
from reconciliation.day.services import UnableToRerun
from risk.surveillance.models import Alert, AlertEvidence

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)
NIGHT = datetime(2026, 11, 21, 6, tzinfo=UTC)  # one o'clock in New York
MINUTE = timedelta(minutes=1)

made: list[tuple[str, date, datetime]] = []
broken: set[tuple[str, date]] = set()


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    made.clear()
    broken.clear()


def first(*, day: date, now: datetime, progress: Callable[[int, int], None]) -> str:
    return _work("first", day, now, progress)


def second(*, day: date, now: datetime, progress: Callable[[int, int], None]) -> str:
    return _work("second", day, now, progress)


def other(*, day: date, now: datetime, progress: Callable[[int, int], None]) -> str:
    return _work("other", day, now, progress)


def _work(name: str, day: date, now: datetime, progress: Callable[[int, int], None]) -> str:
    progress(1, 3)
    if (name, day) in broken or (name, date.min) in broken:
        raise LookupError(f"{name} cannot")
    progress(3, 3)
    made.append((name, day, now))
    return f"{name} made 3"


def job(name: str, *needs: str, **more: object) -> Job:
    run = f"{__name__}.{name}"
    return Job(name=name, title=name.title(), run=run, needs=needs, **more)  # type: ignore[arg-type]


JOBS = (job("first"), job("second", "first"), job("other"))


def go_on(now: datetime, jobs: tuple[Job, ...] = JOBS) -> int:
    return services.carry_on(clock=lambda: now, jobs=jobs)


def days_made(name: str) -> list[date]:
    return [day for which, day, _ in made if which == name]


def states(day: date) -> dict[str, str]:
    return dict(JobRun.objects.filter(day_id=day).order_by("job").values_list("job", "state"))


def steps(day: date, name: str) -> list[tuple[int, str, str]]:
    found = JobStep.objects.filter(run__day_id=day, run__job=name).order_by("number")
    return list(found.values_list("number", "kind", "detail"))


def test_a_day_is_done_once_in_its_order() -> None:
    assert go_on(NIGHT) == 3
    assert [(name, day) for name, day, _ in made] == [
        ("first", FRIDAY), ("second", FRIDAY), ("other", FRIDAY)
    ]  # fmt: skip
    assert go_on(NIGHT + MINUTE) == 0
    assert len(made) == 3
    friday, saturday = DayRun.objects.get(pk=FRIDAY), DayRun.objects.get(pk=SATURDAY)
    assert friday.ended_at is not None
    assert saturday.ended_at is None
    assert states(SATURDAY) == dict.fromkeys(("first", "other", "second"), "waiting")
    run = JobRun.objects.get(day=friday, job="first")
    assert (run.state, run.attempts, run.done, run.of) == ("done", 1, 3, 3)
    assert (run.summary, run.error) == ("first made 3", "")
    assert (run.started_at, run.ended_at) == (NIGHT, NIGHT)
    assert steps(FRIDAY, "first") == [(1, "started", ""), (2, "done", "first made 3")]


def test_nothing_is_done_before_its_time() -> None:
    early = datetime(2026, 11, 21, 4, 59, tzinfo=UTC)  # still Friday in New York
    go_on(early)
    assert (days_made("first"), states(FRIDAY)["first"]) == (
        [FRIDAY - timedelta(days=1)],
        "waiting",
    )
    go_on(early + MINUTE)
    assert days_made("first")[-1] == FRIDAY


def test_a_missed_week_is_done_day_by_day_oldest_first() -> None:
    go_on(NIGHT)
    made.clear()
    later = NIGHT + timedelta(days=7)
    assert go_on(later) == 7 * 3
    week = [FRIDAY + timedelta(days=number) for number in range(1, 8)]
    assert days_made("first") == days_made("second") == week
    assert [day for _, day, _ in made] == sorted(day for _, day, _ in made)
    assert {now for *_, now in made} == {later}  # booked when it is done, of its own day
    assert DayRun.objects.exclude(ended_at=None).count() == 8
    assert go_on(later + MINUTE) == 0


def test_a_failed_job_holds_up_only_what_needs_it() -> None:
    broken.add(("first", FRIDAY))
    assert go_on(NIGHT) == 1
    assert states(FRIDAY) == {"first": "failed", "other": "done", "second": "waiting"}
    run = JobRun.objects.get(day_id=FRIDAY, job="first")
    assert (run.error, run.done, run.of) == ("LookupError: first cannot", 1, 3)
    assert DayRun.objects.get(pk=FRIDAY).ended_at is None
    go_on(NIGHT + timedelta(days=1))  # the day after is not held up
    assert states(SATURDAY) == {"first": "done", "other": "done", "second": "done"}
    broken.clear()
    assert go_on(NIGHT + timedelta(days=1, hours=2)) == 2
    assert states(FRIDAY) == {"first": "done", "other": "done", "second": "done"}
    assert DayRun.objects.get(pk=FRIDAY).ended_at is not None
    assert [kind for _, kind, _ in steps(FRIDAY, "first")] == [
        "started", "failed", "started", "failed", "started", "done"
    ]  # fmt: skip


def test_a_job_in_sequence_waits_for_itself_on_the_day_before() -> None:
    chain = (job("first", in_sequence=True), job("other"))
    broken.add(("first", FRIDAY))
    go_on(NIGHT, chain)
    go_on(NIGHT + timedelta(days=1), chain)
    assert (days_made("first"), days_made("other")) == ([], [FRIDAY, SATURDAY])
    broken.clear()
    go_on(NIGHT + timedelta(days=1, hours=2), chain)
    assert days_made("first") == [FRIDAY, SATURDAY]


def test_it_is_tried_again_with_longer_pauses_and_people_are_told_once() -> None:
    broken.add(("first", FRIDAY))
    tried = []
    for minute in range(40):
        go_on(NIGHT + minute * MINUTE)
        tried.append(JobRun.objects.get(day_id=FRIDAY, job="first").attempts)
    more = [minute for minute in range(1, 40) if tried[minute] > tried[minute - 1]]
    assert (tried[0], more) == (1, [1, 3, 7, 15, 31])
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.account_id) == ("day_job_failed", 3, None)
    assert alert.summary == "First, 2026-11-20: failed 3 times"
    evidence = AlertEvidence.objects.get().facts
    assert evidence["error"] == "LookupError: first cannot"
    assert (evidence["day"], evidence["job"], evidence["attempts"]) == ("2026-11-20", "first", 3)


def test_asked_for_again_it_is_done_again_and_the_day_is_open_meanwhile() -> None:
    go_on(NIGHT)
    made.clear()
    services.rerun(day=FRIDAY, job="first", by="operator:7", reason=" A late file ", now=NIGHT)
    assert states(FRIDAY)["first"] == "waiting"
    assert DayRun.objects.get(pk=FRIDAY).ended_at is None
    assert go_on(NIGHT + MINUTE) == 1
    assert [name for name, *_ in made] == ["first"]  # what followed it is not done again
    run = JobRun.objects.get(day_id=FRIDAY, job="first")
    assert (run.state, run.attempts) == ("done", 1)
    assert (run.rerun_by, run.rerun_reason) == ("operator:7", "A late file")
    assert steps(FRIDAY, "first")[2:] == [
        (3, "asked", "A late file"), (4, "started", ""), (5, "done", "first made 3")
    ]  # fmt: skip
    assert DayRun.objects.get(pk=FRIDAY).ended_at is not None


@pytest.mark.parametrize(
    ("name", "reason", "says"),
    [
        ("first", "  ", "Say why"),
        ("first", "x" * 201, "at most 200"),
        ("nobody", "Late", "There is no job nobody"),
        ("settle", "Late", "is skipped"),
        ("late", "Late", "is waiting"),
    ],
)
def test_what_cannot_be_asked_for_again_changes_nothing(name: str, reason: str, says: str) -> None:
    jobs = (job("first"), job("settle", sessions_only=True), job("late", after=timedelta(hours=9)))
    go_on(NIGHT + timedelta(days=1), jobs)
    before = list(JobRun.objects.order_by("pk").values()), JobStep.objects.count()
    with pytest.raises(UnableToRerun, match=says):
        services.rerun(day=SATURDAY, job=name, by="operator:7", reason=reason, now=NIGHT)
    assert (list(JobRun.objects.order_by("pk").values()), JobStep.objects.count()) == before


def test_a_job_that_was_cut_short_is_gone_on_with() -> None:
    services.begin_days(now=NIGHT, jobs=JOBS)
    JobRun.objects.filter(day_id=FRIDAY, job="first").update(state="running", attempts=1)
    assert go_on(NIGHT) == 3
    assert steps(FRIDAY, "first") == [(1, "resumed", ""), (2, "done", "first made 3")]


def test_people_hear_of_a_job_that_takes_its_process_along_each_time() -> None:
    services.begin_days(now=NIGHT, jobs=JOBS)
    JobRun.objects.filter(day_id=FRIDAY, job="first").update(state="running", attempts=3)
    assert go_on(NIGHT) == 3
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity) == ("day_job_failed", 3)
    assert alert.summary == "First, 2026-11-20: failed 3 times"


def test_open_days_learn_of_new_jobs_and_closed_ones_do_not() -> None:
    go_on(NIGHT)
    services.begin_days(now=NIGHT, jobs=(*JOBS, job("another")))
    assert "another" not in states(FRIDAY)
    assert states(SATURDAY)["another"] == "waiting"


def test_the_jobs_of_the_plan_are_done_on_an_empty_house() -> None:
    ours = tuple(job for job in plan.JOBS if job.run.startswith("reconciliation.day.jobs."))
    assert go_on(NIGHT + timedelta(hours=4), ours) == len(ours)
    assert states(FRIDAY) == dict.fromkeys((job.name for job in ours), "done")
    assert DayRun.objects.get(pk=FRIDAY).ended_at is not None
