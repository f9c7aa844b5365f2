"""In which state a connection to a provider is, what ended it, and when to try again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class State(StrEnum):
    """From the first attempt to the next one; REFUSED is for good, until people have acted."""

    CONNECTING = "connecting"
    PROVING = "proving"
    SUBSCRIBING = "subscribing"
    LIVE = "live"
    LOST = "lost"
    REFUSED = "refused"

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(each.value, each.value) for each in cls]


class Cause(StrEnum):
    """Why there is no connection."""

    UNREACHABLE = "unreachable"
    CLOSED = "closed"
    SILENT = "silent"
    SLOW = "slow"
    TOO_MANY = "too_many_connections"
    KEY_REFUSED = "key_refused"
    TOO_MANY_SYMBOLS = "too_many_symbols"
    MISUNDERSTOOD = "misunderstood"


CAUSES: Final[Mapping[int, Cause]] = {
    400: Cause.MISUNDERSTOOD,
    401: Cause.KEY_REFUSED,
    402: Cause.KEY_REFUSED,
    404: Cause.CLOSED,  # we were too slow to say who we are: the network was
    405: Cause.TOO_MANY_SYMBOLS,
    406: Cause.TOO_MANY,
    407: Cause.SLOW,
    409: Cause.KEY_REFUSED,  # a subscription that does not have this
    500: Cause.CLOSED,
}
"""By the codes of the provider's errors. 403 is none: what is proved already is proved."""


class Lost(Exception):
    """The connection is no use any more; the message says more of the cause."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(detail or cause.value)
        self.cause = cause


FOR_GOOD: Final = frozenset({Cause.KEY_REFUSED, Cause.TOO_MANY_SYMBOLS})
"""To try the same again would end the same, and annoy: a person has to change something."""


@dataclass(frozen=True, slots=True)
class Pause:
    """How long to wait, in seconds: `first`, doubled with each failure in a row, to `most`."""

    first: float
    most: float


PAUSES: Final[Mapping[Cause, Pause]] = {
    Cause.UNREACHABLE: Pause(0.5, 30),
    Cause.CLOSED: Pause(0.5, 30),
    Cause.SILENT: Pause(0.5, 30),
    Cause.SLOW: Pause(1, 60),
    # Our own earlier connection may still count there; every attempt may make that last.
    Cause.TOO_MANY: Pause(10, 300),
    Cause.MISUNDERSTOOD: Pause(30, 600),
}
STEADY_SECONDS: Final = 30.0
"""A connection that was live for so long had nothing wrong with it: the next failure is a first."""
_DOUBLINGS_MAX: Final = 16


def pause(cause: Cause, *, failures: int, random: Random) -> float | None:
    """Return the seconds to wait after the failure number `failures` in a row, None for ever.

    Between half and the whole of what has doubled, so that many who lost the same provider do
    not come back together.
    """
    if cause in FOR_GOOD:
        return None
    of = PAUSES[cause]
    whole = min(of.most, of.first * 2.0 ** min(failures - 1, _DOUBLINGS_MAX))
    return whole * random.uniform(0.5, 1.0)
