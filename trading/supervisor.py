"""Keeps the parts of this process running: each in a thread, started again when it fails.

A part that raises, returns too early or stops beating is started again after a pause that
doubles up to a bound, with jitter, so that parts which fail together do not return together.
A thread cannot be killed: one that hangs is told to stop, its beats count no longer and raise,
and a part that has hung too often stays down, for all to see in /readyz.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import Error, connection
from django.utils import timezone

from foundation.models import Heartbeat
from trading.parts import Run

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.2
SILENCE_SECONDS_MAX: Final = 20.0
FIRST_SILENCE_SECONDS_MAX: Final = 120.0  # a part may first recover its state
PAUSE_SECONDS_MIN: Final = 0.5
PAUSE_SECONDS_MAX: Final = 30.0
STEADY_SECONDS: Final = 60.0  # after this long at work, a failure or hang is the first again
HANGS_MAX: Final = 3
HEARTBEAT_SECONDS: Final = 1.0
DETAIL_LENGTH_MAX: Final = 200


class Abandoned(RuntimeError):
    """This run of a part hung, and another has taken its place: it must end."""


class Ended(RuntimeError):
    """A part returned although nobody had asked it to stop."""


@dataclass
class _Attempt:
    """One run of a part, in a thread of its own."""

    stop: threading.Event = field(default_factory=threading.Event)
    begun_at: float = field(default_factory=time.monotonic)
    beaten_at: float | None = None
    is_abandoned: bool = False
    error: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def beat(self) -> None:
        if self.is_abandoned:
            raise Abandoned
        self.beaten_at = time.monotonic()

    @property
    def silence_seconds_max(self) -> float:
        return FIRST_SILENCE_SECONDS_MAX if self.beaten_at is None else SILENCE_SECONDS_MAX

    @property
    def was_steady(self) -> bool:
        """Whether it had long been at work; silence counts for nothing."""
        return (self.beaten_at or self.begun_at) - self.begun_at > STEADY_SECONDS


class Watch:
    """One part under supervision."""

    def __init__(self, *, name: str, run: Run) -> None:
        self.name = name
        self.restarts = 0
        self.detail = ""
        self._run = run
        self._attempt: _Attempt | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name=f"watch-{name}", daemon=True)

    @property
    def beat_age(self) -> float | None:
        """Seconds since the part that runs now has beaten; None when it has not yet."""
        attempt = self._attempt
        if attempt is None or attempt.beaten_at is None:
            return None
        return time.monotonic() - attempt.beaten_at

    def start(self) -> None:
        self._thread.start()

    def tell_to_stop(self) -> None:
        self._stop.set()
        if self._attempt is not None:
            self._attempt.stop.set()

    def join(self, timeout: float) -> bool:
        """Wait for the part to end; say whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _supervise(self) -> None:
        failures = hangs = 0
        while not self._stop.is_set():
            attempt = self._begin()
            self._wait_for_end(attempt)
            if self._stop.is_set():
                return
            if attempt.was_steady:
                failures = hangs = 0
            failures += 1
            hangs += attempt.is_abandoned
            self._note(attempt)
            if hangs > HANGS_MAX:
                log.critical("part_given_up", part=self.name, hangs=hangs)
                return
            self._stop.wait(_pause(failures))
            self.restarts += 1

    def _begin(self) -> _Attempt:
        self._attempt = attempt = _Attempt()
        if self._stop.is_set():
            attempt.stop.set()
        threading.Thread(
            target=self._work, args=(attempt,), name=f"part-{self.name}", daemon=True
        ).start()
        return attempt

    def _work(self, attempt: _Attempt) -> None:
        try:
            self._run(attempt.stop, attempt.beat)
        except BaseException as error:  # noqa: BLE001  whatever ends the part is looked at above
            attempt.error = error
        finally:
            connection.close()
            attempt.ended.set()

    def _wait_for_end(self, attempt: _Attempt) -> None:
        """Wait until the attempt has ended, or hangs and is abandoned.

        Silence is counted in looks, not by the clock: on a machine that stands still for a minute
        nobody can beat, and nobody hangs.
        """
        heard, silence = attempt.beaten_at, 0.0
        while not attempt.ended.wait(LOOK_SECONDS):
            if attempt.beaten_at != heard:
                heard, silence = attempt.beaten_at, 0.0
            silence += LOOK_SECONDS
            if silence > attempt.silence_seconds_max and not self._stop.is_set():
                attempt.is_abandoned = True
                attempt.stop.set()
                return

    def _note(self, attempt: _Attempt) -> None:
        if attempt.is_abandoned:
            self.detail = "it hung and was replaced"
            log.error("part_hung", part=self.name)
            return
        error = attempt.error or Ended("it returned by itself")
        self.detail = f"{type(error).__name__}: {error}".splitlines()[0][:DETAIL_LENGTH_MAX]
        log.error("part_failed", part=self.name, restarts=self.restarts, exc_info=error)


class Supervisor:
    """All parts of this process, and the heartbeats that other processes see them by."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self.watches = tuple(watches)
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._write, name="heartbeats", daemon=True)

    def start(self) -> None:
        for watch in self.watches:
            watch.start()
        self._heart.start()

    def wait_until_all_beat(self, seconds_max: float) -> list[str]:
        """Wait for every part's first beat, and record it; return who has none by then."""
        deadline = time.monotonic() + seconds_max
        while silent := [w.name for w in self.watches if w.beat_age is None]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        write_heartbeats(self.watches, now=timezone.now())
        return silent

    def stop(self, seconds_max: float) -> None:
        """Tell every part to stop and wait for them; those that do not are named in the log."""
        self._stop.set()
        for watch in self.watches:
            watch.tell_to_stop()
        deadline = time.monotonic() + seconds_max
        slow = [w.name for w in self.watches if not w.join(max(0.0, deadline - time.monotonic()))]
        if slow:
            log.warning("parts_left_behind", parts=slow)
        self._heart.join(HEARTBEAT_SECONDS * 2)

    def _write(self) -> None:
        is_failing = False
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                write_heartbeats(self.watches, now=timezone.now())
                is_failing = False
            except Error as error:  # not DatabaseError: a lost connection is none
                connection.close()
                if not is_failing:
                    log.error("heartbeats_not_written", error=str(error).partition("\n")[0])
                is_failing = True
        connection.close()


def write_heartbeats(watches: Sequence[Watch], *, now: datetime) -> None:
    """Record when each part was last seen at work, in one statement."""
    beats = [
        Heartbeat(
            part=watch.name,
            at=now - timedelta(seconds=age),
            restarts=watch.restarts,
            detail=watch.detail,
        )
        for watch in watches
        if (age := watch.beat_age) is not None
    ]
    Heartbeat.objects.bulk_create(
        beats,
        update_conflicts=True,
        unique_fields=["part"],
        update_fields=["at", "restarts", "detail"],
    )


def _pause(failures: int) -> float:
    full = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2.0 ** min(failures - 1, 10))
    return full * random.uniform(0.5, 1.0)  # noqa: S311  nobody gains by guessing it
