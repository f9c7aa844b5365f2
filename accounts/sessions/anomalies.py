"""Is a sign-in what we would expect of this person? Pure.

One function a rule, `(attempt, past) -> Reason or None`, listed in `RULES`. What is unknown says
nothing: an address without a place is neither a new country nor far away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from math import asin, cos, radians, sin, sqrt
from typing import Final

SPEED_KM_H_MAX: Final = 900.0
"""Of an airliner. Faster than that nobody has come here."""

APART_KM_MIN: Final = 100.0
"""What is nearer may be one place that is known under two."""

FAILURES_MAX: Final = 10
EARTH_RADIUS_KM: Final = 6371.0


class Outcome(IntEnum):
    """What becomes of a sign-in: the worst that a rule asks for."""

    ALLOW = 0
    STEP_UP = 1
    """A factor that cannot be read on its way: no e-mail, no SMS; or one more, if that is all."""

    BLOCK = 2


class Reason(StrEnum):
    """What is unusual; its value is what the person reads of it."""

    BAD_ADDRESS = "an address known for attacks"
    TOO_FAST = "a place too far from the last one"
    NEW_COUNTRY = "a country where you have not signed in before"
    NEW_DEVICE = "a device that you have not used here before"
    MANY_FAILURES = "many attempts that failed"


OUTCOMES: Final = {
    Reason.BAD_ADDRESS: Outcome.BLOCK,
    Reason.TOO_FAST: Outcome.STEP_UP,
    Reason.NEW_COUNTRY: Outcome.STEP_UP,
    Reason.NEW_DEVICE: Outcome.STEP_UP,
    Reason.MANY_FAILURES: Outcome.STEP_UP,
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A point on the earth in degrees, and how many kilometres around it are meant: those of a
    city, or those of a whole country where no more is known."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who has proved both factors, and wants to come in."""

    at: datetime
    country: str
    spot: Spot | None
    is_known_device: bool
    is_bad_address: bool


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the person's sign-ins before.

    `failures` are those since the last one that succeeded, within a day.
    """

    is_first: bool
    countries: frozenset[str]
    last_at: datetime | None
    last_spot: Spot | None
    failures: int


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reasons: tuple[Reason, ...]

    @property
    def text(self) -> str:
        return "; ".join(self.reasons)


Rule = Callable[[Attempt, Past], Reason | None]


def bad_address(attempt: Attempt, _past: Past) -> Reason | None:
    return Reason.BAD_ADDRESS if attempt.is_bad_address else None


def too_fast(attempt: Attempt, past: Past) -> Reason | None:
    """Somebody who was there cannot be here by now."""
    if attempt.spot is None or past.last_spot is None or past.last_at is None:
        return None
    apart = km_apart(attempt.spot, past.last_spot)
    if apart < APART_KM_MIN:
        return None
    took = max(attempt.at - past.last_at, timedelta(0)) / timedelta(hours=1)
    return Reason.TOO_FAST if apart > SPEED_KM_H_MAX * took else None


def new_country(attempt: Attempt, past: Past) -> Reason | None:
    if not attempt.country or not past.countries or attempt.country in past.countries:
        return None
    return Reason.NEW_COUNTRY


def new_device(attempt: Attempt, past: Past) -> Reason | None:
    """At the very first sign-in every browser is new, which says nothing."""
    return None if attempt.is_known_device or past.is_first else Reason.NEW_DEVICE


def many_failures(_attempt: Attempt, past: Past) -> Reason | None:
    return Reason.MANY_FAILURES if past.failures >= FAILURES_MAX else None


RULES: Final[tuple[Rule, ...]] = (bad_address, too_fast, new_country, new_device, many_failures)


def judge(attempt: Attempt, past: Past) -> Verdict:
    """Return what becomes of the attempt, and every reason for it, the gravest first."""
    found = [reason for rule in RULES if (reason := rule(attempt, past)) is not None]
    worst = max((OUTCOMES[reason] for reason in found), default=Outcome.ALLOW)
    return Verdict(worst, tuple(found))


def km_apart(one: Spot, other: Spot) -> float:
    """Return how far two spots are apart at the least: along the great circle (haversine), less
    the radius of each."""
    lat1, lat2 = radians(one.latitude), radians(other.latitude)
    across = radians(other.longitude - one.longitude)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin(across / 2) ** 2
    between = 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))
    return max(0.0, between - one.radius_km - other.radius_km)
