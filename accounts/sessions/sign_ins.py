"""Being signed in: begun with both factors, seen again, ended.

Limits are kept on the server. A customer is signed in for 12 hours at most and 30 minutes
without doing anything; staff for 8 hours and 15 minutes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import django_otp
from django.contrib import auth
from django.http import HttpRequest

from accounts import selectors
from accounts.factors.models import Factor
from accounts.factors.strength import Strength
from accounts.models import SignIn, User

SEEN_EVERY: Final = timedelta(seconds=1)  # how exactly the last activity is known


@dataclass(frozen=True, slots=True)
class Limits:
    age_max: timedelta
    idle_max: timedelta


CUSTOMER: Final = Limits(age_max=timedelta(hours=12), idle_max=timedelta(minutes=30))
STAFF: Final = Limits(age_max=timedelta(hours=8), idle_max=timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person at a browser, both factors proved, and the account they trade in, if any."""

    sign_in_id: UUID
    user_id: UUID
    account_id: UUID | None
    is_staff: bool
    proved_at: datetime
    strength: Strength


def limits(*, is_staff: bool) -> Limits:
    return STAFF if is_staff else CUSTOMER


def ending(
    *, started_at: datetime, seen_at: datetime, is_staff: bool, now: datetime
) -> SignIn.Ending | None:
    """Return the limit that a sign-in has reached, or None."""
    limit = limits(is_staff=is_staff)
    if now - started_at >= limit.age_max:
        return SignIn.Ending.TOO_LONG
    if now - seen_at >= limit.idle_max:
        return SignIn.Ending.IDLE
    return None


def start(request: HttpRequest, *, user: User, device: Factor, now: datetime) -> SignIn:
    """Sign `user` in at this browser: both factors are proved, `device` being the second.

    Nothing of the session before survives, its key least of all (django-otp would keep it).
    """
    end(request, why=SignIn.Ending.SIGNED_OUT, now=now)
    request.session.flush()
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    django_otp.login(request, device)
    request.session.cycle_key()
    request.session.save()
    return SignIn.objects.create(
        user=user,
        session_digest=digest_of(str(request.session.session_key)),
        password_stamp=_stamp(user),
        device=device.name,
        address=request.META.get("REMOTE_ADDR") or None,
        browser=request.headers.get("User-Agent", "").replace("\0", "")[:200],
        started_at=now,
        seen_at=now,
        proved_at=now,
        strength=device.strength,
    )


def find(session_key: str, *, now: datetime, is_activity: bool) -> SignedIn | None:
    """Return who is signed in with this session, and note that they were seen.

    A sign-in that has reached a limit is ended and None.
    """
    sign_in = (
        SignIn.objects.filter(
            session_digest=digest_of(session_key), ended_at=None, user__is_active=True
        )
        .select_related("user")
        .first()
    )
    if sign_in is None:
        return None
    user = sign_in.user
    why = ending(
        started_at=sign_in.started_at, seen_at=sign_in.seen_at, is_staff=user.is_staff, now=now
    )
    if sign_in.password_stamp != _stamp(user):
        why = SignIn.Ending.PASSWORD_CHANGED
    if why is not None:
        _close(session_key, why=why, now=now)
        return None
    if is_activity and now - sign_in.seen_at >= SEEN_EVERY:
        SignIn.objects.filter(pk=sign_in.pk, seen_at__lt=now).update(seen_at=now)
    account = selectors.account_of(user)
    return SignedIn(
        sign_in_id=sign_in.pk,
        user_id=user.pk,
        account_id=account.pk if account else None,
        is_staff=user.is_staff,
        proved_at=sign_in.proved_at,
        strength=Strength(sign_in.strength),
    )


def renew_proof(former: str, *, session_key: str, factor: Factor, now: datetime) -> None:
    """Let the sign-in with the session `former` go on as `session_key`, `factor` being proved."""
    SignIn.objects.filter(session_digest=digest_of(former), ended_at=None).update(
        session_digest=digest_of(session_key),
        device=factor.name,
        proved_at=now,
        strength=factor.strength,
    )


def end(request: HttpRequest, *, why: SignIn.Ending, now: datetime) -> None:
    """Note that this browser's sign-in is over, if it had one. The session itself is flushed
    by whoever calls (`django.contrib.auth.logout`)."""
    if request.session.session_key:
        _close(request.session.session_key, why=why, now=now)


def last_ending(session_key: str | None) -> SignIn.Ending | None:
    """Return why the sign-in with this session ended, if it did."""
    if not session_key:
        return None
    found = SignIn.objects.filter(session_digest=digest_of(session_key)).exclude(ended_at=None)
    ended = found.values_list("ending", flat=True).first()
    return SignIn.Ending(ended) if ended else None


def digest_of(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()


def _close(session_key: str, *, why: SignIn.Ending, now: datetime) -> None:
    SignIn.objects.filter(session_digest=digest_of(session_key), ended_at=None).update(
        ended_at=now, ending=why
    )


def _stamp(user: User) -> str:
    """Return what changes when the user's password does."""
    return hashlib.sha256(user.get_session_auth_hash().encode()).hexdigest()
