"""How many calls one caller may make in a minute.

Counted in this process, for whole minutes of the clock. The headers tell a client where it
stands before it is turned away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Final

from django.conf import settings

from trading.api import errors

WINDOW_SECONDS: Final = 60

_lock = Lock()
_window = 0
_spent: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Allowance:
    """Where a caller stands: `reset` is the end of this minute in epoch seconds."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return `headers` as a server takes them."""
        return (
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset),
        )


class TooManyCalls(errors.ApiError):
    """The caller has used up this minute's calls."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(
            429,
            f"More than {allowance.limit} calls in a minute. Wait until X-RateLimit-Reset.",
            reason="rate_limited",
        )
        self.allowance = allowance


def spend(caller: str, *, now: float | None = None) -> Allowance:
    """Count one call of `caller` and return where it stands. Raises TooManyCalls."""
    global _window  # noqa: PLW0603
    now = time.time() if now is None else now
    limit = settings.API_CALLS_PER_MINUTE
    window = int(now // WINDOW_SECONDS)
    with _lock:
        if window != _window:  # a new minute: what was spent in the last one is forgotten
            _window = window
            _spent.clear()
        spent = _spent[caller] = _spent.get(caller, 0) + 1
    allowance = Allowance(limit, max(limit - spent, 0), (window + 1) * WINDOW_SECONDS)
    if spent > limit:
        raise TooManyCalls(allowance)
    return allowance
