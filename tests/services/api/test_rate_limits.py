"""How many calls a caller may make: in one process, in several, and while Redis is silent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live_server import free_port
from tests.redis_server import needs_redis, redis_url
from trading.api import rate_limits
from trading.api.rate_limits import Calls, InRedis, TooManyCalls

__all__ = ["redis_url"]

NOW = 1_800_000_000.0  # a whole minute


@pytest.fixture
def patient_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A Redis that is waited for, however long the machine stands still."""
    monkeypatch.setattr(rate_limits, "ANSWER_SECONDS_MAX", 300.0)
    return redis_url


def let_through(calls: Calls, attempts: int, *, limit: int, now: float = NOW) -> int:
    """Return how many of so many calls are let through."""
    count = 0
    for _ in range(attempts):
        try:
            calls.spend("PK1", limit=limit, now=now)
        except TooManyCalls:
            continue
        count += 1
    return count


@pytest.mark.parametrize("limit", [1, 63, 64, 65, 1000])
def test_as_many_calls_as_the_limit_are_let_through_and_the_next_minute_as_many_again(limit):
    calls = Calls(None)
    assert let_through(calls, limit + 5, limit=limit) == limit
    assert let_through(calls, 1, limit=limit, now=NOW + 59.9) == 0
    assert let_through(calls, limit + 5, limit=limit, now=NOW + 60) == limit


def test_a_caller_is_told_where_it_stands_and_another_is_no_part_of_it():
    calls = Calls(None)
    told = [calls.spend("PK1", limit=200, now=NOW).remaining for _ in range(200)]
    assert told == list(range(199, -1, -1))
    with pytest.raises(TooManyCalls) as refused:
        calls.spend("PK1", limit=200, now=NOW)
    assert (refused.value.allowance.remaining, refused.value.allowance.reset) == (0, NOW + 60)
    assert calls.spend("PK2", limit=200, now=NOW).remaining == 199


@needs_redis
def test_processes_together_let_no_more_through_than_the_limit(patient_redis):
    processes = [Calls(InRedis(patient_redis)) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        # Each goes on until it is turned away: who stops before keeps the rest of a portion.
        counts = list(threads.map(lambda calls: let_through(calls, 501, limit=500), processes))
    assert sum(counts) == 500
    assert [let_through(calls, 3, limit=500) for calls in processes] == [0] * 4
    fresh = Calls(InRedis(patient_redis))
    assert let_through(fresh, 3, limit=500) == 0
    assert let_through(fresh, 3, limit=500, now=NOW + 60) == 3


@needs_redis
def test_calls_are_asked_for_in_portions_and_not_one_by_one(patient_redis, monkeypatch):
    asked = []
    hand_out = InRedis.hand_out
    monkeypatch.setattr(
        InRedis, "hand_out", lambda *args, **named: asked.append(1) or hand_out(*args, **named)
    )
    calls = Calls(InRedis(patient_redis))
    assert let_through(calls, 7000, limit=6400) == 6400
    assert len(asked) == rate_limits.PORTIONS + 1


def test_while_redis_is_silent_a_process_counts_for_itself():
    calls = Calls(InRedis(f"redis://127.0.0.1:{free_port()}/0"))
    assert let_through(calls, 70, limit=65) == 65
