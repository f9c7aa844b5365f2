"""Step-up: what is dear asks for a second factor that was proved a moment ago."""

from __future__ import annotations

from datetime import datetime, timedelta

import django_otp
from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest

from accounts.factors.models import Factor
from accounts.factors.strength import Strength
from accounts.models import User
from accounts.sessions import authentication, sign_ins
from accounts.sessions.sign_ins import SignedIn


def is_fresh(signed_in: SignedIn, *, now: datetime, strength: Strength = Strength.WEAK) -> bool:
    """Say whether a second factor of at least `strength` was proved within five minutes, or what
    PROOF_AGE_SECONDS_MAX says."""
    age = now - signed_in.proved_at
    age_max = timedelta(seconds=settings.PROOF_AGE_SECONDS_MAX)
    return age < age_max and signed_in.strength >= strength


def renew(request: HttpRequest, *, factor: Factor, now: datetime) -> None:
    """Note that whoever is signed in at this browser has proved `factor` now.

    The session gets another key, as at every gain of rights; the former opens nothing from then
    on, in this process at once and in others within a second.
    """
    former = str(request.session.session_key)
    django_otp.login(request, factor)
    request.session.cycle_key()
    request.session.save()
    sign_ins.renew_proof(
        former, session_key=str(request.session.session_key), factor=factor, now=now
    )
    authentication.forget_browser(former)


def stay(request: HttpRequest, *, user: User) -> None:
    """Let this browser stay signed in after `user` chose another password; others do not."""
    former = str(request.session.session_key)
    auth.update_session_auth_hash(request, user)  # and the session gets another key
    request.session.save()
    sign_ins.move(former, session_key=str(request.session.session_key))
    authentication.forget_browser(former)
