"""The security log in a template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django import template

from accounts.models import User
from accounts.sessions import events, security_log

register = template.Library()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log, as its person reads it."""

    at: datetime
    title: str
    about: str
    place: str
    address: str
    browser: str
    is_bad: bool


@register.simple_tag
def security_log_of(person: User) -> list[Entry]:
    """Return the newest events of `person`, the newest first."""
    return [
        Entry(
            at=each.at,
            title=events.title(each.kind),
            about=each.about,
            place=each.place,
            address=each.address or "",
            browser=each.browser,
            is_bad=each.kind in events.FAILURES,
        )
        for each in security_log.latest(person)
    ]
