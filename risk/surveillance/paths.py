"""The path that an alert takes through people until one of them acknowledges it. Pure.

    severe=0:mail+desk|15:lead|45:chief

A severe alert is told on the channels `mail` and `desk` at once; 15 minutes later, unless somebody
has acknowledged it, on `lead`, and after 45 minutes on `chief`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from risk.findings import Severity

STEPS_MAX: Final = 10
MINUTES_MAX: Final = 7 * 24 * 60
HEARD_FOR: Final = timedelta(hours=1)
"""For so long who has acknowledged an alert is taken to follow it: news of it wakes nobody else."""
QUIET_FIRST: Final = timedelta(minutes=1)
QUIET_MOST: Final = timedelta(minutes=15)
"""How long news of an alert that was just told waits, so that what flaps does not deafen."""


class UnusablePath(ValueError):
    """The settings of paths cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told, so long after the alert was first told, unless it is acknowledged."""

    after: timedelta
    channels: tuple[str, ...]


Paths = Mapping[Severity, tuple[Step, ...]]


def read(told: Mapping[str, str], *, channels: Collection[str]) -> Paths:
    """Return the path of each severity that has one. Raises UnusablePath."""
    return {_severity(name): _steps(text, channels) for name, text in told.items()}


def due_after(path: tuple[Step, ...], steps_told: int, *, now: datetime) -> datetime | None:
    """Return when the step after `steps_told` is due, if the last of them is told now."""
    if not 0 < steps_told < len(path):
        return None
    return now + path[steps_told].after - path[steps_told - 1].after


def is_heard(acknowledged_at: datetime | None, *, now: datetime) -> bool:
    """Tell whether somebody who has acknowledged an alert still follows it."""
    return acknowledged_at is not None and now - acknowledged_at <= HEARD_FOR


def _severity(name: str) -> Severity:
    try:
        return Severity[name.strip().upper()]
    except KeyError:
        known = ", ".join(each.name.lower() for each in Severity)
        raise UnusablePath(f"ALERT_PATHS: {name!r} is no severity ({known}).") from None


def _steps(text: str, channels: Collection[str]) -> tuple[Step, ...]:
    steps = tuple(_step(part, channels) for part in text.split("|"))
    times = [step.after for step in steps]
    if times[0] or times != sorted(set(times)) or len(steps) > STEPS_MAX:
        raise UnusablePath(
            f"ALERT_PATHS: {text!r} must begin with minute 0 and have up to {STEPS_MAX} steps, "
            "each later than the one before."
        )
    return steps


def _step(text: str, channels: Collection[str]) -> Step:
    minutes, _, names = text.partition(":")
    if not (minutes.strip().isdecimal() and int(minutes) <= MINUTES_MAX and names):
        raise UnusablePath(f"ALERT_PATHS: {text!r} is not like 15:mail+desk.")
    named = tuple(name.strip() for name in names.split("+"))
    for name in named:
        if name not in channels:
            raise UnusablePath(f"ALERT_PATHS: there is no channel {name!r} in ALERT_CHANNELS.")
    return Step(timedelta(minutes=int(minutes)), named)
