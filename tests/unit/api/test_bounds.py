"""A wait that lasts too long ends with a TimeoutError, and no other does."""

from __future__ import annotations

import asyncio
from math import ceil

import pytest

from trading.api.bounds import Bounds

FOREVER = 3600
LONG = 60.0


class Clock:
    """The clock of the running loop: it stands still, but when a test moves it on."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._now = float(ceil(loop.time()))  # whole seconds add up exactly
        loop.time = lambda: self._now  # type: ignore[method-assign]

    async def move(self, seconds: float) -> None:
        """Let so much time pass, and all happen that is due then."""
        self._now += seconds
        for _ in range(5):  # the timer, the task that it ends, and whoever waits for that one
            await asyncio.sleep(0)


@pytest.fixture
async def clock() -> Clock:
    return Clock()


def bounds(seconds: float) -> Bounds:
    return Bounds(asyncio.get_running_loop(), seconds)


async def wait(bounds: Bounds, until: asyncio.Event) -> None:
    with bounds.begin():
        await until.wait()


async def test_what_is_in_time_goes_on(clock: Clock) -> None:
    long = bounds(LONG)
    with long.begin():
        await clock.move(LONG - 1)
    with long.begin():
        pass
    await clock.move(2 * LONG)  # past the end of both, which is no longer theirs


async def test_what_lasts_too_long_ends_and_its_task_goes_on() -> None:
    with pytest.raises(TimeoutError):
        await wait(bounds(0.01), asyncio.Event())
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


async def test_every_wait_has_its_own_end(clock: Clock) -> None:
    long, never, soon = bounds(LONG), asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(wait(long, never))
    second = asyncio.create_task(wait(long, soon))
    await clock.move(0)
    await clock.move(20)
    third = asyncio.create_task(wait(long, never))
    soon.set()
    await clock.move(0)
    await clock.move(LONG - 20)
    assert [task.done() for task in (first, second, third)] == [True, True, False]
    await clock.move(20)
    assert third.done()
    assert second.exception() is None
    assert [type(task.exception()) for task in (first, third)] == [TimeoutError] * 2


async def test_who_is_cancelled_is_not_late() -> None:
    waiting = asyncio.create_task(wait(bounds(FOREVER), asyncio.Event()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_is_cancelled_as_the_time_ends_is_cancelled() -> None:
    begun = bounds(0.01)
    waiting = asyncio.create_task(wait(begun, asyncio.Event()))
    await asyncio.sleep(0)
    bound = begun._waits[0]
    bound.end()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_wait_that_fails_otherwise_says_so() -> None:
    begun = bounds(FOREVER)
    with pytest.raises(KeyError), begun.begin():
        raise KeyError


async def test_waits_that_are_over_are_forgotten() -> None:
    begun = bounds(FOREVER)
    for _ in range(100):
        with begun.begin():
            pass
    assert len(begun._waits) == 1
