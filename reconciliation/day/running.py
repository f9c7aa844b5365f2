"""One job of one day: begun, followed, and its end written down, whatever that is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Max
from django.utils.module_loading import import_string

from foundation import failpoints
from reconciliation.day import plan
from reconciliation.day.models import ERROR_MAX, SUMMARY_MAX, JobRun, JobStep
from reconciliation.day.plan import Job, State
from risk.findings import Kind, Severity
from risk.surveillance import alerts

log = structlog.get_logger(__name__)

ACTOR: Final = "rule:day"
PROGRESS_SECONDS: Final = 0.5
"""Between two writings of the progress; the last one of a job is always written."""


def do(run: JobRun, job: Job, clock: Callable[[], datetime]) -> State:
    """Do `job` and return how it stands then: done or failed."""
    began = clock()
    _begin(run, job, began)
    failpoints.reach("day.begun")
    try:
        work = import_string(job.run)
        summary: str = work(day=run.day_id, now=began, progress=_follow(run))
    except Exception as error:
        log.exception("day_job_failed", day=str(run.day_id), job=job.name)
        return _fail(run, job, f"{type(error).__name__}: {error}", clock())
    failpoints.reach("day.worked")
    return _finish(run, summary, clock())


def note(run: JobRun, kind: JobStep.Kind, *, actor: str, detail: str, now: datetime) -> JobStep:
    """Write down a step of a job, whose row the caller has locked."""
    last = JobStep.objects.filter(run=run).aggregate(last=Max("number"))["last"] or 0
    return JobStep.objects.create(
        run=run, number=last + 1, kind=kind, at=now, actor=actor, detail=detail[:ERROR_MAX]
    )


def _begin(run: JobRun, job: Job, now: datetime) -> None:
    with transaction.atomic():
        run.refresh_from_db(from_queryset=JobRun.objects.select_for_update())
        # Whoever was at it has no charge of the days any more: it was killed.
        was_cut_short = run.state == State.RUNNING
        run.state, run.attempts = State.RUNNING.value, run.attempts + 1
        run.started_at, run.ended_at, run.error = now, None, ""
        run.save()
        kind = JobStep.Kind.RESUMED if was_cut_short else JobStep.Kind.STARTED
        step = note(run, kind, actor=ACTOR, detail="", now=now)
        # A job that takes its process along, each time, fails without a word.
        if was_cut_short and plan.is_worth_an_alert(run.attempts - 1):
            _alert(run, job, step, failures=run.attempts - 1, now=now)


def _follow(run: JobRun) -> Callable[[int, int], None]:
    """Return what a job tells its progress to."""
    written_at = -PROGRESS_SECONDS

    def progress(done: int, of: int) -> None:
        nonlocal written_at
        run.done, run.of = done, of
        if done < of and time.monotonic() - written_at < PROGRESS_SECONDS:
            return
        written_at = time.monotonic()
        JobRun.objects.filter(pk=run.pk).update(done=done, of=of)

    return progress


def _finish(run: JobRun, summary: str, now: datetime) -> State:
    with transaction.atomic():
        JobRun.objects.select_for_update().get(pk=run.pk)
        run.state, run.ended_at, run.not_before = State.DONE.value, now, None
        run.summary = summary[:SUMMARY_MAX]
        run.save()
        note(run, JobStep.Kind.DONE, actor=ACTOR, detail=summary, now=now)
    log.info("day_job_done", day=str(run.day_id), job=run.job, summary=summary)
    return State.DONE


def _fail(run: JobRun, job: Job, error: str, now: datetime) -> State:
    with transaction.atomic():
        JobRun.objects.select_for_update().get(pk=run.pk)
        run.state, run.ended_at = State.FAILED.value, now
        run.not_before = now + plan.pause(run.attempts)
        run.error = error[:ERROR_MAX]
        run.save()
        step = note(run, JobStep.Kind.FAILED, actor=ACTOR, detail=error, now=now)
        if plan.is_worth_an_alert(run.attempts):
            _alert(run, job, step, failures=run.attempts, now=now)
    return State.FAILED


def _alert(run: JobRun, job: Job, step: JobStep, *, failures: int, now: datetime) -> None:
    alerts.raise_alert(
        kind=Kind.DAY_JOB_FAILED,
        severity=Severity.SEVERE,
        account_id=None,
        summary=f"{job.title}, {run.day_id}: failed {failures} times",
        key=f"day_job:{run.pk}:{step.number}",
        evidence={
            "day": str(run.day_id),
            "job": run.job,
            "attempts": failures,
            "error": run.error,
        },
        now=now,
    )
