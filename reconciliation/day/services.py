"""Going on with the days: whatever is due and not done, oldest first, one process at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from foundation import charge
from reconciliation.day import plan, running
from reconciliation.day.models import REASON_MAX, DayRun, JobRun, JobStep
from reconciliation.day.plan import Job, State

log = structlog.get_logger(__name__)

CHARGE: Final = "day"


class UnableToRerun(ValueError):
    """It cannot be asked for again; the message says why."""


def go_on(*, now: datetime, jobs: Sequence[Job] = plan.JOBS) -> int:
    """Do all jobs of all days that are due; return how many were done, none while others do it.

    Whoever is killed in the middle is gone on from by the next call, in whatever process.
    """
    if not charge.take(CHARGE):
        return 0
    try:
        return carry_on(clock=_clock(now), jobs=jobs)
    finally:
        charge.give_up(CHARGE)


def carry_on(*, clock: Callable[[], datetime], jobs: Sequence[Job] = plan.JOBS) -> int:
    """Do what is due, for who has the charge of the days; return how many jobs were done."""
    begin_days(now=clock(), jobs=jobs)
    done = 0
    for day in DayRun.objects.filter(ended_at=None).order_by("day"):
        done += _carry_on(day, jobs, clock)
    return done


def begin_days(*, now: datetime, jobs: Sequence[Job] = plan.JOBS) -> None:
    """Write down the days that have begun, and jobs of open days that the plan has learnt since."""
    last = DayRun.objects.values_list("day", flat=True).first()
    with transaction.atomic():
        DayRun.objects.bulk_create(
            [DayRun(day=day, begun_at=now) for day in plan.days_to_begin(last, now=now)]
        )
        known = set(JobRun.objects.filter(day__ended_at=None).values_list("day", "job"))
        open_days = DayRun.objects.filter(ended_at=None).order_by("day")
        JobRun.objects.bulk_create(
            JobRun(day_id=day, job=job.name, state=state.value)
            for day in open_days.values_list("day", flat=True)
            for job, state in plan.jobs_of(day, jobs)
            if (day, job.name) not in known
        )


def rerun(*, day: date, job: str, by: str, reason: str, now: datetime) -> None:
    """Have a job of a day done again, at the next look; `by` is the actor who asks for it.

    A job makes nothing twice: what it finds done stays as it is. Raises UnableToRerun.
    """
    why = reason.strip()
    if not why:
        raise UnableToRerun("Say why it is to be done again.")
    if len(why) > REASON_MAX:
        raise UnableToRerun(f"Give the reason in at most {REASON_MAX} characters.")
    with transaction.atomic():
        # In the order in which who runs a job locks them: the day is written after it.
        run = JobRun.objects.select_for_update().filter(day_id=day, job=job).first()
        if run is None:
            raise UnableToRerun(f"There is no job {job} of {day}.")
        if run.state not in (State.DONE, State.FAILED):
            raise UnableToRerun(f"{job} of {day} is {run.state}: there is nothing to do again.")
        run.state, run.attempts, run.not_before = State.WAITING.value, 0, None
        run.done = run.of = 0
        run.rerun_by, run.rerun_reason = by, why
        run.save()
        running.note(run, JobStep.Kind.ASKED, actor=by, detail=why, now=now)
        DayRun.objects.filter(pk=day).update(ended_at=None)
    log.info("day_job_asked_again", day=str(day), job=job, by=by)


def _carry_on(day: DayRun, jobs: Sequence[Job], clock: Callable[[], datetime]) -> int:
    runs = {run.job: run for run in day.jobs.all()}
    states = {name: State(run.state) for name, run in runs.items()}
    yesterday = JobRun.objects.filter(day_id=day.day - timedelta(days=1))
    before = {name: State(state) for name, state in yesterday.values_list("job", "state")}
    done = 0
    for job in jobs:
        run = runs.get(job.name)
        if run is None or states[job.name] in plan.OVER:
            continue
        now = clock()
        if run.not_before is not None and now < run.not_before:
            continue
        if plan.waits_for(job, day.day, states=states, before=before, now=now):
            continue
        states[job.name] = running.do(run, job, clock)
        done += states[job.name] is State.DONE
    _end(day, clock())
    return done


def _end(day: DayRun, now: datetime) -> None:
    """Close the day once nothing of it is left."""
    with transaction.atomic():
        # Whoever asks for a job again has its row locked, and opens the day behind it.
        left = JobRun.objects.filter(day=day).order_by("pk").select_for_update()
        if all(State(run.state) in plan.OVER for run in left):
            DayRun.objects.filter(pk=day.pk, ended_at=None).update(ended_at=now)


def _clock(now: datetime) -> Callable[[], datetime]:
    """Return a clock that stands at `now` and goes on from there: a round may take minutes."""
    began = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - began)
