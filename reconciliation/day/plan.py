"""What belongs to a day, in which order, and from when on it may be done. Pure.

A day is a date in New York, also where no market opens: coins trade and debits cost every day. A
job is a function by its dotted name:

    def run(*, day: date, now: datetime, progress: Callable[[int, int], None]) -> str

It does the work of `day`, books at `now`, tells `progress(done, of)`, and returns one line of what
it made. It is idempotent and resumable: killed anywhere and run again, it does what is left and
nothing twice. What it raises is a failure, and it is tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from marketdata import calendars
from marketdata.calendars import NEW_YORK

EXCHANGE: Final = "XNYS"
"""Whose sessions, early closes and holidays are the house's."""
MORNING: Final = time(6)
LATE_TRADING: Final = timedelta(hours=4)
"""How long it lasts after the close, also after an early one."""
TRIES_BEFORE_ALERT: Final = 3
PAUSE_FIRST: Final = timedelta(minutes=1)
PAUSE_MAX: Final = timedelta(hours=1)
DAYS_AT_ONCE_MAX: Final = 400


class State(StrEnum):
    """How a job of a day stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


OVER: Final = frozenset({State.DONE, State.SKIPPED})


class Moment(StrEnum):
    """What a job waits for on its day."""

    MORNING = "morning"
    """Six o'clock, before the market opens."""
    AFTER_TRADING = "after_trading"
    """The end of late trading; where no market opens, the end of the day."""
    DAY_OVER = "day_over"
    """Midnight: the next day has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of every day.

    It is due `after` so much time since its `moment`, once all that it `needs` are over on the
    same day; one that is `in_sequence` also needs itself on the day before. `sessions_only` is
    skipped where the exchange does not open.
    """

    name: str
    title: str
    run: str
    moment: Moment = Moment.DAY_OVER
    after: timedelta = timedelta(0)
    needs: tuple[str, ...] = ()
    in_sequence: bool = False
    sessions_only: bool = False


# In the order in which they are tried. Whoever makes a job adds its line: a job stands behind all
# that it needs.
JOBS: Final = (
    Job(
        name="dividends",
        title="Pay dividends",
        run="reconciliation.day.jobs.pay_dividends",
        moment=Moment.MORNING,
    ),
    Job(
        name="corporate_actions",
        title="Look for corporate actions that nobody has carried out",
        run="reconciliation.day.jobs.look_for_corporate_actions",
        moment=Moment.AFTER_TRADING,
        after=timedelta(minutes=15),
    ),
    Job(
        name="expiry",
        title="Look for orders that should have expired",
        run="reconciliation.day.jobs.look_for_expired_orders",
        after=timedelta(minutes=10),
    ),
    Job(
        name="venue_files",
        title="Fetch what venues say of the day",
        run="reconciliation.breaks.jobs.fetch_venue_files",
        after=timedelta(minutes=5),
    ),
    Job(
        name="reconcile",
        title="Hold our books against venues and custodians",
        run="reconciliation.breaks.jobs.reconcile",
        after=timedelta(minutes=15),
        needs=("venue_files",),
    ),
    Job(
        name="bank",
        title="Hold our books against the bank",
        run="reconciliation.breaks.jobs.reconcile_banks",
        # Banks send what they say of a day in its night.
        after=timedelta(hours=6),
        needs=("reconcile",),
    ),
    Job(
        name="snapshot",
        title="Keep each account's equity at the end of the day",
        run="reconciliation.day.jobs.snapshot_equity",
        after=timedelta(minutes=5),
    ),
    Job(
        name="interest",
        title="Accrue interest, and charge it when the month is over",
        run="reconciliation.day.jobs.charge_interest",
        after=timedelta(minutes=20),
        in_sequence=True,
    ),
    Job(
        name="settle",
        title="Settle what was traded for this day",
        run="reconciliation.day.jobs.settle",
        after=timedelta(minutes=20),
        sessions_only=True,
    ),
    Job(
        name="wash_sales",
        title="Find wash sales",
        run="reconciliation.day.jobs.find_wash_sales",
        after=timedelta(minutes=30),
    ),
    Job(
        name="statements",
        title="Make statements and trade confirmations",
        run="reconciliation.statements.job.run",
        after=timedelta(minutes=45),
        needs=("interest", "wash_sales"),
        in_sequence=True,
    ),
    Job(
        name="seal",
        title="Seal what was written until now",
        run="reconciliation.proof.sealing.run",
        after=timedelta(hours=2),
        needs=("statements",),
        in_sequence=True,
    ),
    Job(
        name="prove",
        title="Ask for a proof that nothing was touched, when one is due",
        run="reconciliation.proof.runs.ask_when_due",
        after=timedelta(hours=2, minutes=15),
        needs=("seal",),
    ),
    Job(
        name="statement_archive",
        title="Put statements that are past their time into the archive",
        run="reconciliation.statements.retention.run",
        after=timedelta(hours=2, minutes=30),
        needs=("statements",),
    ),
    Job(
        name="archive",
        title="Put ticks that are past their time into the archive",
        run="reconciliation.day.jobs.archive",
        after=timedelta(hours=2, minutes=40),
    ),
    Job(
        name="retention",
        title="Drop what is past its time",
        run="reconciliation.day.jobs.drop_what_is_past_its_time",
        after=timedelta(hours=3, minutes=10),
        needs=("archive",),
    ),
)


def due_at(job: Job, day: date) -> datetime:
    """Return from when on `job` of `day` may be done, in UTC."""
    return moment(job.moment, day) + job.after


def moment(of: Moment, day: date) -> datetime:
    """Return when that comes on `day`, in UTC."""
    if of is Moment.MORNING:
        return datetime.combine(day, MORNING, NEW_YORK).astimezone(UTC)
    if of is Moment.AFTER_TRADING:
        found = calendars.sessions(EXCHANGE, first=day, last=day)
        if found:
            return found[0].close + LATE_TRADING
    return calendars.midnight(day + timedelta(days=1))


def is_session(day: date) -> bool:
    """Tell whether the exchange opens on `day`."""
    return bool(calendars.sessions(EXCHANGE, first=day, last=day))


def days_to_begin(last: date | None, *, now: datetime) -> list[date]:
    """Return the days that have begun since `last`; the first ever is yesterday.

    At most DAYS_AT_ONCE_MAX: the rest comes the next time.
    """
    today = calendars.date_of(now)
    first = today - timedelta(days=1) if last is None else last + timedelta(days=1)
    count = min((today - first).days + 1, DAYS_AT_ONCE_MAX)
    return [first + timedelta(days=number) for number in range(count)]


def jobs_of(day: date, jobs: Sequence[Job] = JOBS) -> list[tuple[Job, State]]:
    """Return how the jobs of `day` stand at first: waiting, or skipped for good."""
    has_session = is_session(day)
    return [
        (job, State.SKIPPED if job.sessions_only and not has_session else State.WAITING)
        for job in jobs
    ]


def waits_for(
    job: Job, day: date, *, states: Mapping[str, State], before: Mapping[str, State], now: datetime
) -> str:
    """Return what keeps `job` of `day` from being done now, in words; nothing when it may be.

    `states` are those of the jobs of the day, `before` those of the day before. A job that a day
    has no row of does not hold up anything.
    """
    due = due_at(job, day)
    if now < due:
        return f"{due.astimezone(NEW_YORK):%Y-%m-%d %H:%M} in New York"
    for name in job.needs:
        if states.get(name, State.DONE) not in OVER:
            return name
    if job.in_sequence and before.get(job.name, State.DONE) not in OVER:
        return f"{job.name} of the day before"
    return ""


def pause(attempts: int) -> timedelta:
    """Return how long to wait after so many failures in a row: a minute, doubled up to an hour."""
    return min(PAUSE_FIRST * (1 << min(attempts - 1, 10)), PAUSE_MAX)


def is_worth_an_alert(attempts: int) -> bool:
    """Tell whether a person is told after so many failures: once."""
    return attempts == TRIES_BEFORE_ALERT


def check(jobs: Iterable[Job]) -> None:
    """Raise ValueError unless names are unique and each job stands behind all that it needs."""
    known: set[str] = set()
    for job in jobs:
        if job.name in known:
            raise ValueError(f"There are two jobs {job.name}.")
        missing = [name for name in job.needs if name not in known]
        if missing:
            raise ValueError(f"{job.name} needs {missing[0]}, which does not stand before it.")
        known.add(job.name)
