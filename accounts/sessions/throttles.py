"""How often somebody may try: counted in the database, so that it holds over processes.

An attempt is charged *before* it is made and given back when it succeeds; so however many
guesses arrive at once, no more of them are let through. If the count cannot be kept, the
database error surfaces and nobody gets in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts.models import Throttle

QUIET: Final = timedelta(days=1)  # after which all is forgotten
WAIT_FIRST: Final = timedelta(seconds=30)
WAIT_MAX: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose attempts are counted together, and how many are free of waiting."""

    name: str
    free: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()


class TooManyAttempts(RuntimeError):
    """Wait until `until` before the next attempt."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"wait until {until:%H:%M:%S}")
        self.until = until


def sign_in_subjects(*, email: str, address: str) -> tuple[Subject, ...]:
    """Five for a user from an address, so that nobody locks another out from elsewhere; fifty
    for an address, whomever it tries."""
    return (
        Subject(f"sign-in {address} {email.strip().lower()}", free=5),
        Subject(f"sign-in {address}", free=50),
    )


def registration_subjects(*, address: str) -> tuple[Subject, ...]:
    return (Subject(f"register {address}", free=20),)


def wait_after(attempts: int, *, free: int) -> timedelta | None:
    """Return how long to wait once so many attempts were used: 30 s, doubling, at most an hour."""
    if attempts < free:
        return None
    doublings = min(attempts - free, 7)
    return min(WAIT_FIRST * (1 << doublings), WAIT_MAX)


def charge(subjects: tuple[Subject, ...], *, now: datetime) -> None:
    """Count one attempt for each of `subjects`, or none. Raises TooManyAttempts."""
    with transaction.atomic():
        rows = _locked(subjects, now=now)
        for row, _ in rows:
            if row.closed_until is not None and now < row.closed_until:
                raise TooManyAttempts(row.closed_until)
        for row, subject in rows:
            is_forgotten = now - row.last_at >= QUIET
            row.attempts = 1 if is_forgotten else row.attempts + 1
            wait = wait_after(row.attempts, free=subject.free)
            row.closed_until = now + wait if wait else None
            row.last_at = now
            row.save()


def give_back(subjects: tuple[Subject, ...], *, now: datetime) -> None:
    """The attempt was right: forget the first subject's failures, uncount it for the others."""
    with transaction.atomic():
        (first, _), *others = _locked(subjects, now=now)
        first.attempts, first.closed_until = 0, None
        first.save()
        for row, _ in others:
            row.attempts, row.closed_until = max(row.attempts - 1, 0), None
            row.save()


def _locked(subjects: tuple[Subject, ...], *, now: datetime) -> list[tuple[Throttle, Subject]]:
    """Return each subject's row, made if need be, locked in the order of their digests."""
    Throttle.objects.bulk_create(
        [
            Throttle(subject=subject.digest, attempts=0, last_at=now)
            for subject in sorted(subjects, key=lambda subject: subject.digest)
        ],
        ignore_conflicts=True,
    )
    found = {
        row.subject: row
        for row in Throttle.objects.select_for_update()
        .filter(subject__in=[subject.digest for subject in subjects])
        .order_by("subject")
    }
    return [(found[subject.digest], subject) for subject in subjects]
