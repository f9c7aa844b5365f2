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
    is_after_reset: bool = False,
    token: str = "",
) -> None:
    """Remember that `user` has given the password, and where they wanted to go.

    Whoever was signed in at this browser no longer is. `is_after_reset` says that the password
    was chosen a moment ago, by whoever reads the person's mail; `token` is of the link that they
    came by to enrol anew.
    """
    authentication.sign_out(request, now=now)
    request.session[_KEY] = {
        "user": str(user.pk),
        "at": now.isoformat(),
        "goal": goal,
        "is_after_reset": is_after_reset,
        "token": token,
    }


def user_of(request: HttpRequest, *, now: datetime) -> User | None:
    """Return who is halfway in at this browser, if anybody."""
    found = request.session.get(_KEY)
    if found is None or now - datetime.fromisoformat(found["at"]) >= AGE_MAX:
        return None
    return User.objects.filter(pk=found["user"], is_active=True).first()


def is_after_reset(request: HttpRequest) -> bool:
    """Say whether the password was reset by mail on the way in."""
    found = request.session.get(_KEY) or {}
    return bool(found.get("is_after_reset"))


def token_of(request: HttpRequest) -> str:
    """Return the token of the link that the person came by to enrol anew, "" if by none."""
    found = request.session.get(_KEY) or {}
    return str(found.get("token") or "")


def goal_of(request: HttpRequest) -> str:
    """Return the address that the person wanted to reach."""
    found = request.session.get(_KEY) or {}
    return str(found.get("goal") or "/")
