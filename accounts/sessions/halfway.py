"""Halfway in: a browser whose person has given a password, and no second factor yet.

Nobody is `request.user` at that point; the session merely remembers who is to prove the rest,
for ten minutes, so that code which forgets to ask for a factor finds nobody signed in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest

from accounts.models import User
from accounts.sessions import authentication

AGE_MAX: Final = timedelta(minutes=10)
_KEY: Final = "halfway"


def begin(
    request: HttpRequest,
    *,
    user: User,
    goal: str,
    now: datetime,
    token: str = "",
) -> None:
    """Remember that `user` has given the password, and where they wanted to go.

    Whoever was signed in at this browser no longer is. `token` is of the link that they came by to
    enrol anew.
    """
    authentication.sign_out(request, now=now)
    request.session[_KEY] = {
        "user": str(user.pk),
        "at": now.isoformat(),
        "goal": goal,
        "token": token,
    }


def user_of(request: HttpRequest, *, now: datetime) -> User | None:
    """Return who is halfway in at this browser, if anybody."""
    found = request.session.get(_KEY)
    if found is None or now - datetime.fromisoformat(found["at"]) >= AGE_MAX:
        return None
    return User.objects.filter(pk=found["user"], is_active=True).first()


def token_of(request: HttpRequest) -> str:
    """Return the token of the link that the person came by to enrol anew, "" if by none."""
    found = request.session.get(_KEY) or {}
    return str(found.get("token") or "")


def goal_of(request: HttpRequest) -> str:
    """Return the address that the person wanted to reach."""
    found = request.session.get(_KEY) or {}
    return str(found.get("goal") or "/")
