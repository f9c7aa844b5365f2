"""The log of what members of staff have looked at: who, whose data, which page, when, from where.

It is written before the page goes out: what cannot be noted is not shown.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.models import User, Viewing
from accounts.sessions.origins import Origin

PATH_LENGTH_MAX: Final = 300
SUBJECT_LENGTH_MAX: Final = 120


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was shown: its name, its address, the row it is of, and whose data is on it."""

    name: str
    path: str
    subject: str
    people: Collection[UUID]


def note(by: User, page: Page, *, origin: Origin, now: datetime) -> Viewing:
    """Write down that `by` was shown `page`."""
    return Viewing.objects.create(
        at=now,
        by=by,
        page=page.name,
        path=page.path[:PATH_LENGTH_MAX],
        subject=page.subject[:SUBJECT_LENGTH_MAX],
        people=sorted(page.people),
        address=origin.address,
        browser=origin.browser if origin.address else "",
    )


def has_seen(by: User, page: Page) -> bool:
    """Tell whether the last that `by` was shown of this page had all of these people on it."""
    last = Viewing.objects.filter(by=by, page=page.name).order_by("-at", "-pk").first()
    return last is not None and set(page.people) <= set(last.people)
