"""Proofs that somebody asks for: done one at a time, followed, and what each found.

Whoever is in charge of proofs has an advisory lock for as long as one takes; when the process dies
the lock is free, and the proof that it left is known to have been cut short.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection, transaction

from marketdata import calendars
from reconciliation.proof import proving
from reconciliation.proof.models import ProofRun
from reconciliation.proof.proving import Proof
from risk.findings import Kind, Severity
from risk.surveillance import alerts

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]

ACTOR: Final = "rule:day"
CUT_SHORT: Final = "It was cut short: its process ended."
PROGRESS_SECONDS: Final = 0.5
"""Between two writings of the progress."""
_FAILED_MAX: Final = 300
_IN_CHARGE: Final = 7_315_227  # of advisory locks: nobody else's
_ASKING: Final = 7_315_228


class UnableToProve(RuntimeError):
    """Not now; the message says why."""


def ask(*, by: str, now: datetime) -> ProofRun:
    """Ask for a proof, which a worker begins within a minute. Raises UnableToProve."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ASKING])
        if ProofRun.objects.filter(ended_at=None).exists():
            raise UnableToProve("A proof is under way or asked for already.")
        return ProofRun.objects.create(asked_at=now, asked_by=by)


def ask_when_due(*, day: date, now: datetime, progress: Progress) -> str:
    """Ask for a proof when the last one that came to its end is old enough: a job of the day.

    The day does not wait for it: a proof reads everything that was ever written.
    """
    progress(1, 1)
    last = ProofRun.objects.filter(ended_at__isnull=False, failed="").first()
    if last is not None:
        proved_on = calendars.date_of(last.asked_at)
        if (calendars.date_of(now) - proved_on).days < settings.PROOF_EVERY_DAYS:
            return f"Not yet: the last is of {proved_on}, every {settings.PROOF_EVERY_DAYS} days"
    try:
        ask(by=ACTOR, now=now)
    except UnableToProve as error:
        return str(error)
    return "Asked for: see Seals and proofs"


def go_on(*, clock: Clock) -> ProofRun | None:
    """Do the proof that is asked for, and return it; None without one, or while another is on."""
    with _charge() as is_ours:
        if not is_ours:
            return None
        _end_what_was_cut_short(clock())
        run = ProofRun.objects.filter(started_at=None).order_by("id").first()
        if run is not None:
            run.started_at = clock()
            run.save()
            _carry_out(run, clock=clock)
        return run


def prove(
    *, by: str, clock: Clock, progress: Progress | None = None, within: Path | None = None
) -> Proof:
    """Prove at once, and write down what was found; `within` is a copy of the seals' files.

    Raises UnableToProve while another proof is under way.
    """
    with _charge() as is_ours:
        if not is_ours:
            raise UnableToProve("Another proof is under way: wait for its end.")
        now = clock()
        _end_what_was_cut_short(now)
        run = ProofRun.objects.create(asked_at=now, asked_by=by, started_at=now)
        return _carry_out(run, clock=clock, progress=progress, within=within)


def _carry_out(
    run: ProofRun, *, clock: Clock, progress: Progress | None = None, within: Path | None = None
) -> Proof:
    # What is written inside the snapshot is seen when it is over: progress goes another way.
    with closing(connection.copy()) as beside:
        try:
            proof = proving.prove(
                now=clock(), progress=_follow(run, beside, progress), within=within
            )
        except BaseException as error:
            run.failed = f"{type(error).__name__}: {error}"[:_FAILED_MAX]
            _end(run, is_alarming=isinstance(error, Exception), now=clock())
            raise
    run.seals, run.done, run.total = proof.seals, proof.rows, proof.rows
    run.findings = [
        {"table": each.table, "key": each.key, "what": each.what} for each in proof.findings
    ]
    _end(run, is_alarming=not proof.holds, now=clock())
    return proof


def _follow(run: ProofRun, beside: Any, progress: Progress | None) -> Progress:
    """Return what a proof tells its progress to; `beside` is a connection of its own."""
    written_at = -PROGRESS_SECONDS

    def follow(done: int, total: int) -> None:
        nonlocal written_at
        run.done, run.total = done, total
        if progress is not None:
            progress(done, total)
        if time.monotonic() - written_at < PROGRESS_SECONDS:
            return
        written_at = time.monotonic()
        with beside.cursor() as cursor:
            cursor.execute(
                "UPDATE reconciliation_proofrun SET done = %s, total = %s WHERE id = %s",
                [done, total, run.pk],
            )

    return follow


def _end(run: ProofRun, *, is_alarming: bool, now: datetime) -> None:
    with transaction.atomic():
        run.ended_at = now
        run.save()
        if is_alarming:
            _alert(run, now)
    log.info("proof_ended", run=run.pk, found=len(run.findings), failed=run.failed)


def _alert(run: ProofRun, now: datetime) -> None:
    """Raise the alert of a proof that does not hold, or could not be followed to its end.

    Whoever can make a proof break off hides as well as one who is not looked for.
    """
    first = " ".join(run.findings[0].values()) if run.findings else run.failed
    found = f"{len(run.findings)} things are not what they were" if run.findings else "broken off"
    alerts.raise_alert(
        kind=Kind.BOOKS_TOUCHED,
        severity=Severity.SEVERE,
        account_id=None,
        summary=f"Proof of the books: {found}. First: {first}",
        key=f"proof:{run.pk}",
        evidence={"proof": run.pk, "found": len(run.findings), "first": first},
        now=now,
    )


def _end_what_was_cut_short(now: datetime) -> None:
    """End what others have left: nobody is at it while we are in charge."""
    ProofRun.objects.filter(started_at__isnull=False, ended_at=None).update(
        ended_at=now, failed=CUT_SHORT
    )


@contextmanager
def _charge() -> Iterator[bool]:
    """Take charge of proofs, and tell whether nobody else had it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_IN_CHARGE])
        [is_ours] = cursor.fetchone()
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_IN_CHARGE])
