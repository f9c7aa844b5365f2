"""The security log of a person: what happened to how they sign in, in the order in which it did.

Written in the transaction of what it tells of, never changed; the person reads it, and operations.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts.models import SecurityEvent, User
from accounts.sessions.events import Kind
from accounts.sessions.origins import NOWHERE, Origin

PAGE: Final = 50
ABOUT_LENGTH_MAX: Final = 200


def note(
    user: User, kind: Kind, *, now: datetime, origin: Origin = NOWHERE, about: str = ""
) -> SecurityEvent:
    """Write down an event of `user`; `origin` is where it came from, if from a request."""
    return SecurityEvent.objects.create(
        user=user,
        at=now,
        kind=kind,
        about=about[:ABOUT_LENGTH_MAX],
        address=origin.address,
        country=origin.country,
        place=origin.place if origin.address else "",
        browser=origin.browser if origin.address else "",
    )


def latest(user: User, *, size: int = PAGE) -> list[SecurityEvent]:
    """Return the newest events of `user`, the newest first."""
    return list(SecurityEvent.objects.filter(user=user).order_by("-at", "-pk")[:size])
