"""Each process measures itself: how long orders wait for their answer, and a commit for the disk.

Every five seconds a row is written, committed and read back, as an order is. Beside it lies how
such times, and those of the orders that this process has answered, were spread in the last five
minutes: `/status` adds up what all processes have written.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from foundation import metrics
from foundation.metrics import Spread
from foundation.models import Measured
from trading.api.order_entry import ACKNOWLEDGED

INTERVAL_SECONDS: Final = 5.0
BEAT_SECONDS: Final = 1.0
WINDOW_SECONDS: Final = 300.0
FORGOTTEN_AFTER: Final = timedelta(days=1)

COMMITS: Final = metrics.histogram(
    "openfloor_durable_commit_seconds",
    "From the beginning of a row's transaction until it lay on the disk: the probe of durability.",
)
LOST: Final = metrics.counter(
    "openfloor_durable_commits_lost_total",
    "Rows that were committed and could not be read back: never, or nothing is safe.",
)


class CommitLost(RuntimeError):
    """What was committed is not there."""


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Measure until `stop`."""
    measuring = Measuring(process=f"{socket.gethostname()}:{os.getpid()}")
    try:
        due_at = float("-inf")
        while not stop.is_set():
            if time.monotonic() >= due_at:
                due_at = time.monotonic() + INTERVAL_SECONDS
                measuring.measure(now=timezone.now(), moment=time.monotonic())
            beat()
            stop.wait(BEAT_SECONDS)
    finally:
        connection.close()


class Measuring:
    """What one process measures; it keeps what stood at the beginning of the window."""

    def __init__(self, *, process: str) -> None:
        self._process = process[:80]
        begun = float("-inf"), metrics.spread(COMMITS), metrics.spread(ACKNOWLEDGED)
        self._earlier: deque[tuple[float, Spread, Spread]] = deque([begun])

    def measure(self, *, now: datetime, moment: float) -> None:
        """Write a row and read it back, with what was measured until `moment`.

        `moment` is of `time.monotonic()`. Raises CommitLost.
        """
        token = uuid.uuid4()
        begun = time.perf_counter()
        with transaction.atomic():
            self._write({"at": now, "token": token})
        seconds = time.perf_counter() - begun
        COMMITS.observe(seconds)
        if not Measured.objects.filter(pk=self._process, token=token).exists():
            LOST.inc()
            raise CommitLost(f"{self._process} {token}")
        commits, acknowledged = metrics.spread(COMMITS), metrics.spread(ACKNOWLEDGED)
        then_commits, then_acknowledged = self._before(moment, commits, acknowledged)
        self._write(
            {
                "commit_ms": seconds * 1000,
                "is_durable": _is_durable(),
                "commits": list(commits.since(then_commits).counts),
                "acknowledgements": list(acknowledged.since(then_acknowledged).counts),
            },
            token=token,
            at=now,
        )
        Measured.objects.filter(at__lt=now - FORGOTTEN_AFTER).delete()

    def _write(self, changed: dict[str, object], **more: object) -> None:
        Measured.objects.update_or_create(
            pk=self._process, defaults=changed, create_defaults={**changed, **more}
        )

    def _before(
        self, moment: float, commits: Spread, acknowledged: Spread
    ) -> tuple[Spread, Spread]:
        """Return what stood at the beginning of the window, and keep what stands now."""
        while len(self._earlier) > 1 and self._earlier[1][0] <= moment - WINDOW_SECONDS:
            self._earlier.popleft()
        _, then_commits, then_acknowledged = self._earlier[0]
        self._earlier.append((moment, commits, acknowledged))
        return then_commits, then_acknowledged


def _is_durable() -> bool:
    """Tell whether a commit waits for the disk, as the database is set."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('synchronous_commit'), current_setting('fsync')")
        synchronous, fsync = cursor.fetchone()
    return (synchronous != "off", fsync) == (True, "on")
