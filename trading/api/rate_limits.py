"""How many calls one caller may make in a minute of the clock, in all processes together.

Where there is a Redis, processes take calls out of it in portions: a call costs nothing as a rule,
a caller's minute at most PORTIONS questions for each process, and what all of them hand out is
never more than the limit. Without one, or while it is silent, each process counts for itself.
The headers tell a client where it stands before it is turned away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

import redis
import structlog
from django.conf import settings

from trading.api import errors

log = structlog.get_logger(__name__)

WINDOW_SECONDS: Final = 60
PORTIONS: Final = 64
ANSWER_SECONDS_MAX: Final = 0.1
SILENCE_SECONDS: Final = 5.0
"""How long a Redis is left alone that did not answer: calls are not to wait for it one by one."""


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


class Unreachable(Exception):
    """What processes share does not answer now."""


class Shared(Protocol):
    """What is handed out to a caller in a window, whichever process hands it out."""

    def hand_out(self, caller: str, *, window: int, calls: int) -> int:
        """Add `calls` to what `caller` was handed out, and return how much that is by now.

        Raises Unreachable.
        """


class InRedis:
    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=ANSWER_SECONDS_MAX, socket_connect_timeout=ANSWER_SECONDS_MAX
        )
        self._silent_until = 0.0

    def hand_out(self, caller: str, *, window: int, calls: int) -> int:
        if time.monotonic() < self._silent_until:
            raise Unreachable
        name = f"openfloor:calls:{window}:{caller}"
        try:
            with self._redis.pipeline(transaction=False) as both:
                both.incrby(name, calls)
                both.expire(name, 2 * WINDOW_SECONDS)
                total = both.execute()[0]
        except redis.RedisError as error:
            self._silent_until = time.monotonic() + SILENCE_SECONDS
            log.warning("rate_limits_counted_alone", error=str(error))
            raise Unreachable from error
        return int(total)


@dataclass(slots=True)
class _Spent:
    """What one caller may still do in this process before more is asked for.

    `beyond` is what all processes together had left when it was last asked for.
    """

    left: int = 0
    beyond: int = 0
    is_over: bool = False
    alone: int = 0


class Calls:
    """The calls of this process's present minute. Without `shared` it counts for itself."""

    def __init__(self, shared: Shared | None) -> None:
        self._shared = shared
        self._lock = Lock()
        self._window = 0
        self._spent: dict[str, _Spent] = {}

    def spend(self, caller: str, *, limit: int, now: float) -> Allowance:
        """Count one call of `caller` and return where it stands. Raises TooManyCalls."""
        window = int(now // WINDOW_SECONDS)
        with self._lock:
            if window != self._window:  # a new minute: what was spent in the last is forgotten
                self._window = window
                self._spent.clear()
            spent = self._spent.get(caller)
            if spent is None:
                spent = self._spent[caller] = _Spent()
            if not spent.left and not spent.is_over:
                self._ask_for_more(caller, spent, limit=limit, window=window)
            is_within = spent.left > 0
            spent.left -= is_within
            remaining = spent.left + spent.beyond
        allowance = Allowance(limit, remaining, (window + 1) * WINDOW_SECONDS)
        if not is_within:
            raise TooManyCalls(allowance)
        return allowance

    def _ask_for_more(self, caller: str, spent: _Spent, *, limit: int, window: int) -> None:
        wanted = max(1, limit // PORTIONS)
        total = self._handed_out(caller, spent, window=window, calls=wanted)
        spent.left = min(max(limit - (total - wanted), 0), wanted)
        spent.beyond = max(limit - total, 0)
        spent.is_over = not spent.left

    def _handed_out(self, caller: str, spent: _Spent, *, window: int, calls: int) -> int:
        if self._shared is not None:
            try:
                return self._shared.hand_out(caller, window=window, calls=calls)
            except Unreachable:
                pass
        spent.alone += calls
        return spent.alone


_calls = Calls(InRedis(settings.REDIS_URL) if settings.REDIS_URL else None)


def spend(caller: str, *, limit: int | None = None, now: float | None = None) -> Allowance:
    """Count one call of `caller`, who may make `limit` (None: what everybody may) in a minute.

    Return where it stands. Raises TooManyCalls.
    """
    return _calls.spend(
        caller,
        limit=settings.API_CALLS_PER_MINUTE if limit is None else limit,
        now=time.time() if now is None else now,
    )
