"""Waiting for what will come, however slow the machine is.

Patience is counted in looks, not by the clock: when the whole machine stands still for a minute,
which happens, that is one look, and what was waited for has lost nothing by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

LOOK_SECONDS_MIN: Final = 0.01
LOOK_SECONDS_MAX: Final = 0.1
PATIENCE_SECONDS: Final = 150.0
# For what is waited for by the clock, where nobody can look: an answer, the end of a process.
# Longer than a machine stands still; what comes in time is not held up by it.
DEADLINE_SECONDS: Final = 300


def until(seen: Callable[[], T]) -> T:
    """Wait until `seen` returns something true, and return it.

    Raises AssertionError once it has waited so long between looks; what a look itself takes is not
    counted.
    """
    waited, pause = 0.0, LOOK_SECONDS_MIN
    while waited < PATIENCE_SECONDS:
        found = seen()
        if found:
            return found
        time.sleep(pause)
        waited, pause = waited + pause, min(LOOK_SECONDS_MAX, 1.3 * pause)
    raise AssertionError(f"not seen in {PATIENCE_SECONDS:g} s of waiting")
