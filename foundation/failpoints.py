"""Named places where a test can make the program fail.

They do nothing unless OPENFLOOR_FAILPOINTS names them, and production refuses to start with
it set. `OPENFLOOR_FAILPOINTS="gateway.sent=kill,intake.committed=raise*2"`: `kill` ends the
process as kill -9 does, `raise` raises FailpointReached; `*N` fires on the Nth arrival only.
"""

from __future__ import annotations

import os
import signal
import threading

_lock = threading.Lock()
_arrivals: dict[str, int] = {}


class FailpointReached(RuntimeError):
    """A failpoint set to `raise` was reached."""


def _parse(setting: str) -> dict[str, tuple[str, int]]:
    points: dict[str, tuple[str, int]] = {}
    for entry in filter(None, setting.split(",")):
        name, _, action = entry.partition("=")
        action, _, arrival = action.partition("*")
        if action not in ("kill", "raise"):
            raise ValueError(f"OPENFLOOR_FAILPOINTS: {entry!r} is not NAME=kill or NAME=raise")
        points[name] = (action, int(arrival or 1))
    return points


_points = _parse(os.environ.get("OPENFLOOR_FAILPOINTS", ""))


def reach(name: str) -> None:
    """Fail here if a test has asked for it."""
    if not _points or name not in _points:
        return
    action, arrival = _points[name]
    with _lock:
        _arrivals[name] = _arrivals.get(name, 0) + 1
        if _arrivals[name] != arrival:
            return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise FailpointReached(name)
