"""Enrolling anew, by somebody whose factors were taken: the password and a link that was mailed.

Until they have, a password alone enrols nothing: whoever talked operations into taking the factors
may know it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from accounts.factors import changes
from accounts.factors.models import Factor
from accounts.letters import writing
from accounts.models import Reenrolment, User
from accounts.sessions import throttles
from accounts.sessions.events import Kind
from accounts.sessions.throttles import Subject
from foundation import tokens

AGE_MAX: Final = timedelta(hours=24)


def begin(user: User, *, now: datetime) -> None:
    """Let `user` enrol by a link alone from now on, and write them the first."""
    with transaction.atomic():
        Reenrolment.objects.update_or_create(
            user=user, defaults={"begun_at": now, "token_digest": "", "expires_at": now}
        )
        _write(user, now=now)


def is_awaited(user: User) -> bool:
    """Tell whether a password alone enrols nothing for `user`."""
    return Reenrolment.objects.filter(user=user).exists()


def write_again(user: User, *, now: datetime) -> None:
    """Write another letter to somebody who has given the password; the link before is void.

    Nothing for whom none is awaited. Raises throttles.TooManyAttempts.
    """
    if is_awaited(user):
        throttles.charge((Subject(f"reenrol {user.pk}", free=5),), now=now)
        _write(user, now=now)


def find(token: str, *, now: datetime) -> User | None:
    """Return who enrols by this link, if it is good now; looking uses nothing up."""
    found = Reenrolment.objects.filter(
        token_digest=tokens.digest_of(token), expires_at__gt=now, user__is_active=True
    )
    awaited = found.select_related("user").first()
    return awaited.user if awaited is not None else None


def may_enrol(user: User, token: str, *, now: datetime) -> bool:
    """Tell whether `user`, who has given the password and `token` if any, may enrol a factor."""
    return not is_awaited(user) or (bool(token) and find(token, now=now) == user)


def finish(user: User, factor: Factor, *, now: datetime) -> None:
    """Note that `factor` is enrolled: the link is void, and the person is told.

    Nothing for somebody of whom it was not awaited.
    """
    with transaction.atomic():
        if Reenrolment.objects.filter(user=user).delete()[0]:
            changes.note(user, Kind.FACTOR_ADDED, factor.name, now=now)


def _write(user: User, *, now: datetime) -> None:
    token = tokens.new()
    with transaction.atomic():
        Reenrolment.objects.filter(user=user).update(
            token_digest=tokens.digest_of(token), expires_at=now + AGE_MAX
        )
        link = f"{settings.PUBLIC_URL}/enrol/again/{token}"
        writing.write(user, "enrol_again", now=now, lasts=AGE_MAX, at=now, link=link)
