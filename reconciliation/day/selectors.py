"""How the days stand, for those who look after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from django.db.models import Count

from accounts.oversight import actors
from marketdata import calendars
from reconciliation.day import plan
from reconciliation.day.models import DayRun, JobRun, JobStep
from reconciliation.day.plan import Job, State

_JOBS: Final[Mapping[str, Job]] = MappingProxyType({job.name: job for job in plan.JOBS})
_PLACES: Final[Mapping[str, int]] = MappingProxyType(
    {job.name: place for place, job in enumerate(plan.JOBS)}
)
LATE_AFTER: Final = timedelta(hours=1)
LATE_MAX: Final = 1_000
"""More are not looked at: they are counted as so many."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A day and how many of its jobs are in which state; `ended_at` is null while one is left."""

    day: date
    ended_at: datetime | None
    counts: Mapping[State, int]

    @property
    def left(self) -> int:
        return sum(count for state, count in self.counts.items() if state not in plan.OVER)

    @property
    def failed(self) -> int:
        return self.counts.get(State.FAILED, 0)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a job."""

    kind: str
    at: datetime
    actor: str
    detail: str


@dataclass(frozen=True, slots=True)
class Line:
    """A job of a day. `waits_for` says what keeps a waiting one; `took` is null until it ended.

    `due_at` is null of a job that the plan does not have any more.
    """

    name: str
    title: str
    state: State
    due_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    not_before: datetime | None
    took: timedelta | None
    attempts: int
    done: int
    of: int
    summary: str
    error: str
    waits_for: str
    steps: tuple[Step, ...]

    @property
    def may_be_done_again(self) -> bool:
        return self.state in (State.DONE, State.FAILED)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A day with its jobs in their order, and when the exchange closed; null where it did not."""

    day: date
    begun_at: datetime
    ended_at: datetime | None
    closes_at: datetime | None
    lines: tuple[Line, ...]


def recent(count: int) -> list[Summary]:
    """Return the last days, the latest first, and every older one that is not closed."""
    latest = DayRun.objects.values_list("day", flat=True)[:count]
    wanted = {*latest, *DayRun.objects.filter(ended_at=None).values_list("day", flat=True)}
    found: dict[date, Counter[State]] = {day: Counter() for day in wanted}
    grouped = JobRun.objects.filter(day__in=wanted).values_list("day", "state")
    for day, state, number in grouped.annotate(number=Count("pk")).order_by():
        found[day][State(state)] = number
    days = DayRun.objects.filter(day__in=wanted).order_by("-day")
    return [Summary(each.day, each.ended_at, found[each.day]) for each in days]


def failed() -> int:
    """Return how many jobs have failed and wait to be tried again."""
    return JobRun.objects.filter(state=State.FAILED.value).count()


def late(*, now: datetime) -> int:
    """Return how many jobs were due LATE_AFTER ago or longer, and are neither over nor failed."""
    left = JobRun.objects.filter(
        day__ended_at=None, state__in=[State.WAITING.value, State.RUNNING.value]
    )
    rows = left.order_by("day", "job").values_list("day_id", "job")[:LATE_MAX]
    return sum(plan.due_at(_JOBS[job], day) + LATE_AFTER < now for day, job in rows if job in _JOBS)


def timeline(day: date, *, now: datetime) -> Timeline | None:
    """Return a day as a timeline, None if it has not begun."""
    run = DayRun.objects.filter(pk=day).first()
    if run is None:
        return None
    rows = sorted(run.jobs.all(), key=lambda row: (_PLACES.get(row.job, len(_PLACES)), row.job))
    states = {row.job: State(row.state) for row in rows}
    yesterday = JobRun.objects.filter(day_id=day - timedelta(days=1)).values_list("job", "state")
    before = {name: State(state) for name, state in yesterday}
    steps: dict[int, list[JobStep]] = {row.pk: [] for row in rows}
    for step in JobStep.objects.filter(run__day=run).order_by("run", "number"):
        steps[step.run_id].append(step)
    who = actors.named(step.actor for every in steps.values() for step in every)
    sessions = calendars.sessions(plan.EXCHANGE, first=day, last=day)
    return Timeline(
        day=day,
        begun_at=run.begun_at,
        ended_at=run.ended_at,
        closes_at=sessions[0].close if sessions else None,
        lines=tuple(
            _line(row, _waits_for(row, day, states, before, now), steps[row.pk], who)
            for row in rows
        ),
    )


def _waits_for(
    row: JobRun,
    day: date,
    states: Mapping[str, State],
    before: Mapping[str, State],
    now: datetime,
) -> str:
    job = _JOBS.get(row.job)
    if job is None or row.state != State.WAITING:
        return ""
    return plan.waits_for(job, day, states=states, before=before, now=now)


def _line(row: JobRun, waits_for: str, steps: Sequence[JobStep], who: Mapping[str, str]) -> Line:
    job = _JOBS.get(row.job)
    started_at, ended_at = row.started_at, row.ended_at
    return Line(
        name=row.job,
        title=job.title if job else row.job,
        state=State(row.state),
        due_at=plan.due_at(job, row.day_id) if job else None,
        started_at=started_at,
        ended_at=ended_at,
        not_before=row.not_before if row.state == State.FAILED else None,
        took=ended_at - started_at if started_at and ended_at else None,
        attempts=row.attempts,
        done=row.done,
        of=row.of,
        summary=row.summary,
        error=row.error,
        waits_for=waits_for,
        steps=tuple(
            Step(step.get_kind_display(), step.at, who[step.actor], step.detail) for step in steps
        ),
    )
