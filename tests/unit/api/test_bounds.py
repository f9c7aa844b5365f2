"""A wait that lasts too long ends with a TimeoutError, and no other does."""

from __future__ import annotations

import asyncio

import pytest

from trading.api.bounds import Bounds

FOREVER = 3600


def bounds(seconds: float) -> Bounds:
    return Bounds(asyncio.get_running_loop(), seconds)


async def wait(bounds: Bounds, until: asyncio.Event) -> None:
    with bounds.begin():
        await until.wait()


async def test_what_is_in_time_goes_on() -> None:
    short = bounds(0.02)
    with short.begin():
        await asyncio.sleep(0)
    with short.begin():
        pass
    await asyncio.sleep(0.05)  # past the end of both, which is no longer theirs


async def test_what_lasts_too_long_ends_and_its_task_goes_on() -> None:
    with pytest.raises(TimeoutError):
        await wait(bounds(0.01), asyncio.Event())
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


async def test_every_wait_has_its_own_end() -> None:
    short, never, soon = bounds(0.05), asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(wait(short, never))
    second = asyncio.create_task(wait(short, soon))
    await asyncio.sleep(0.02)
    third = asyncio.create_task(wait(short, never))
    soon.set()
    await asyncio.wait({first})
    assert (second.done(), third.done()) == (True, False)
    await asyncio.wait({third})
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
