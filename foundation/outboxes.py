"""Sending what others have written down: by one process at a time, and again if it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from foundation import charge, wakeups

POLL_SECONDS: Final = 2.0
DOUBLINGS_MAX: Final = 16


def run(
    stop: threading.Event,
    beat: Callable[[], None],
    *,
    job: str,
    channel: wakeups.Channel,
    send_due: Callable[[], bool],
) -> None:
    """Call `send_due` until `stop`, while no other process does: when `channel` hints at something
    new, every two seconds, and at once as long as it returns that more may wait."""
    is_in_charge = False
    with wakeups.listener.event(channel) as written:
        try:
            while not stop.is_set():
                is_in_charge = is_in_charge or charge.take(job)
                written.clear()
                if not (is_in_charge and send_due()):
                    written.wait(POLL_SECONDS)
                beat()
        finally:
            charge.give_up(job)


def wait_after(attempts: int, *, first: timedelta, most: timedelta) -> timedelta:
    """Return how long to wait after so many attempts that failed: twice as long each time."""
    return min(first * (1 << min(max(attempts - 1, 0), DOUBLINGS_MAX)), most)
