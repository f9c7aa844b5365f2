"""Another password: by somebody who knows the present one, or by a link that we mail.

A link changes the password and nothing else: whoever follows it proves a second factor next,
as after any password. Known and unknown addresses are answered alike.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts import selectors
from accounts.factors import changes, passwords
from accounts.letters import writing
from accounts.models import ResetLink, User
from accounts.sessions import sign_ins, throttles
from accounts.sessions.events import Kind
from accounts.sessions.throttles import Subject
from foundation import tokens

AGE_MAX: Final = timedelta(minutes=30)


class WrongPassword(ValueError):
    """This is not the present password."""


class LinkGone(LookupError):
    """The link was used, is too old, or never was."""


def ask(*, email: str, address: str, now: datetime) -> None:
    """Write to `email` how to choose another password, if somebody is registered with it.

    `address` is where the request came from. Raises throttles.TooManyAttempts, by which nobody
    learns who is registered either.
    """
    subjects = (
        Subject(f"reset {email.strip().lower()}", free=5),
        Subject(f"reset {address}", free=20),
    )
    throttles.charge(subjects, now=now)
    user = selectors.user_by_email(email)
    if user is None or not user.is_active:
        return
    token = tokens.new()
    with transaction.atomic():
        ResetLink.objects.filter(user=user, used_at=None).delete()  # the newest letter counts
        ResetLink.objects.create(
            user=user, token_digest=tokens.digest_of(token), expires_at=now + AGE_MAX
        )
        writing.write(
            user,
            "password_reset",
            now=now,
            lasts=AGE_MAX,
            link=f"{settings.PUBLIC_URL}/sign-in/reset/{token}",
            address=address,
        )


def find(token: str, *, now: datetime) -> User | None:
    """Return whose password the link changes if it still does; looking uses nothing up."""
    link = _usable(token, now=now).select_related("user").first()
    return link.user if link is not None else None


def use(token: str, password: str, *, now: datetime) -> User:
    """Give the link's user this password; every sign-in of theirs ends.

    Raises LinkGone, and PasswordRefused, which leaves the link as it is.
    """
    with transaction.atomic():
        link = _usable(token, now=now).select_for_update().first()
        if link is None:
            raise LinkGone
        user = User.objects.select_for_update(no_key=True).get(pk=link.user_id)
        passwords.check(password, user=user)
        link.used_at = now
        link.save(update_fields=["used_at"])
        _set(user, password, is_mailed=True, keep=None, now=now)
    return user


def change(
    user: User, *, present: str, password: str, keep: UUID, address: str, now: datetime
) -> None:
    """Give `user` another password; the sign-in `keep` goes on, all others end.

    Raises WrongPassword, PasswordRefused, throttles.TooManyAttempts.
    """
    subjects = throttles.sign_in_subjects(email=user.email, address=address)
    throttles.charge(subjects, now=now)
    if not user.check_password(present):
        raise WrongPassword
    throttles.give_back(subjects, now=now)
    passwords.check(password, user=user)
    with transaction.atomic():
        _set(user, password, is_mailed=user.is_password_mailed, keep=keep, now=now)
        sign_ins.keep_under_password(keep, user=user)


def _set(user: User, password: str, *, is_mailed: bool, keep: UUID | None, now: datetime) -> None:
    user.set_password(password)
    user.is_password_mailed = is_mailed
    user.save(update_fields=["password", "is_password_mailed"])
    changes.note(user, Kind.PASSWORD_CHANGED, "", keep=keep, now=now)


def _usable(token: str, *, now: datetime) -> QuerySet[ResetLink]:
    return ResetLink.objects.filter(
        token_digest=tokens.digest_of(token), used_at=None, expires_at__gt=now, user__is_active=True
    )
