"""Parts fail, return, hang and come back."""

from __future__ import annotations

import ctypes
import threading
import time

import pytest
from django.db import InterfaceError, OperationalError

from tests.patience import DEADLINE_SECONDS, until
from trading import supervisor
from trading.supervisor import Abandoned, Supervisor, Watch


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS_MIN", 0.01)
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(supervisor, "SILENCE_SECONDS_MAX", 0.3)


@pytest.fixture
def watched():
    """Watch a part under test, and end it afterwards."""
    watches = []

    def watch(run):
        watches.append(Watch(name="part", run=run))
        watches[-1].start()
        return watches[-1]

    yield watch
    for each in watches:
        each.tell_to_stop()
        assert each.join(DEADLINE_SECONDS)


def work(stop, beat):
    while not stop.wait(0.01):
        beat()


def stand_still(seconds):
    """Let nothing of this process run for so long, as when the machine stands still."""
    ctypes.PyDLL(None).usleep(round(seconds * 1_000_000))  # a call that keeps the lock of Python


def test_a_process_that_stands_still_has_no_part_that_hangs(watched):
    watch = watched(work)
    until(lambda: watch.beat_age is not None)

    for _ in range(5):
        stand_still(1.2 * supervisor.SILENCE_SECONDS_MAX)
        time.sleep(2 * supervisor.LOOK_SECONDS)

    assert watch.restarts == 0


def test_a_part_works_until_it_is_told_to_stop(watched):
    watch = watched(work)

    until(lambda: watch.beat_age is not None)
    watch.tell_to_stop()

    assert watch.join(DEADLINE_SECONDS)
    assert watch.restarts == 0


def test_a_part_that_fails_starts_again_and_says_why_it_failed(watched):
    attempts = []

    def fails_twice(stop, beat):
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("the wire is cut\nwith details")
        work(stop, beat)

    watch = watched(fails_twice)

    until(lambda: watch.restarts == 2 and watch.beat_age is not None)
    assert watch.detail == "ValueError: the wire is cut"


def test_a_part_that_returns_by_itself_starts_again(watched):
    watch = watched(lambda stop, beat: None)

    until(lambda: watch.restarts >= 2)
    assert watch.detail == "Ended: it returned by itself"


def test_a_part_that_hangs_is_replaced_and_its_late_beat_ends_it(watched):
    ended_by = []
    hang = threading.Event()
    attempts = []

    def hangs_once(stop, beat):
        attempts.append(1)
        beat()
        if len(attempts) == 1:
            hang.wait(DEADLINE_SECONDS)
            try:
                beat()
            except Abandoned as error:
                ended_by.append(error)
                raise
        work(stop, beat)

    watch = watched(hangs_once)

    until(lambda: len(attempts) == 2)
    hang.set()
    until(lambda: ended_by)
    assert watch.restarts == 1
    assert watch.detail == "it hung and was replaced"


def test_a_part_that_always_hangs_is_given_up_in_the_end(watched):
    release = threading.Event()

    def hangs(stop, beat):
        beat()
        release.wait(DEADLINE_SECONDS)

    watch = watched(hangs)

    until(lambda: watch.join(0))
    assert watch.restarts == supervisor.HANGS_MAX
    release.set()


def test_a_part_that_hangs_now_and_then_after_steady_work_is_never_given_up(watched, monkeypatch):
    monkeypatch.setattr(supervisor, "STEADY_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "SILENCE_SECONDS_MAX", 0.1)
    release = threading.Event()

    def hangs_after_work(stop, beat):
        for _ in range(20):  # by the clock it might have beaten once, and stood still since
            beat()
            time.sleep(0.005)
        release.wait(DEADLINE_SECONDS)

    watch = watched(hangs_after_work)

    until(lambda: watch.restarts > supervisor.HANGS_MAX + 1)
    release.set()


def test_a_long_silence_is_no_steady_work():
    attempt = supervisor._Attempt(begun_at=time.monotonic() - 2 * supervisor.STEADY_SECONDS)

    assert not attempt.was_steady
    attempt.beat()
    assert attempt.was_steady


@pytest.mark.parametrize("error", [InterfaceError(), OperationalError("gone\nfor good")])
def test_heartbeats_go_on_after_the_database_was_away(monkeypatch, error):
    written = []

    def write(watches, *, now):
        written.append(now)
        if len(written) == 1:
            raise error

    monkeypatch.setattr(supervisor, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "write_heartbeats", write)
    program = Supervisor([])
    program.start()

    until(lambda: len(written) > 2)
    program.stop(1)


def test_pauses_grow_to_a_bound_and_differ():
    pauses = [[supervisor._pause(failures) for _ in range(50)] for failures in range(1, 40)]

    assert max(pauses[0]) <= supervisor.PAUSE_SECONDS_MIN
    assert max(map(max, pauses)) <= supervisor.PAUSE_SECONDS_MAX
    assert min(pauses[-1]) >= supervisor.PAUSE_SECONDS_MIN * 2**10 / 2
    assert len(set(pauses[5])) > 25


def test_it_stops_although_a_part_does_not():
    release = threading.Event()
    program = Supervisor(
        [Watch(name="deaf", run=lambda stop, beat: release.wait(DEADLINE_SECONDS) and None)],
    )
    for watch in program.watches:
        watch.start()
    program._heart.start()

    program.stop(0.5)

    assert not program.watches[0].join(0)
    release.set()
