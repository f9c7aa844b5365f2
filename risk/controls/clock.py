"""How right the clock of this host is: measured against whatever it can be measured against.

FINRA rule 4590 wants business clocks within 50 ms of UTC. Each source says by how many
milliseconds our clock is at least off, or nothing when it cannot tell; `CLOCK_SOURCES` chooses
which are asked. An alarm sounds above 25 ms and when nobody has measured for a minute; above
50 ms, measured, no order goes (`checks.clock_is_right`).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from foundation import bulk
from risk.checks.conduct import CLOCK_ALARM_MS, CLOCK_HALT_MS
from risk.controls.models import ClockReading
from risk.exposure import CLOCK_SECONDS_MAX
from risk.findings import Kind, Severity
from risk.surveillance import alerts

Source = Callable[[], float | None]

_STA_UNSYNC: Final = 0x0040
_STA_NANO: Final = 0x2000
_TIME_ERROR: Final = 5


def offset_at_least(sent: datetime, theirs: datetime, received: datetime) -> float:
    """Return by how many milliseconds at least our clock is ahead of theirs; negative if behind.

    Theirs was read between `sent` and `received` of ours: as long as it lies between them, the
    clocks may agree.
    """
    if theirs < sent:
        return (sent - theirs).total_seconds() * 1000
    if theirs > received:
        return (received - theirs).total_seconds() * 1000
    return 0.0


def of_database() -> float | None:
    """Measure against the database's host; on the same host that says nothing, and agrees."""
    sent = datetime.now(UTC)
    [[theirs]] = bulk.execute("SELECT clock_timestamp()")
    return offset_at_least(sent, theirs, datetime.now(UTC))


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), as far as we read it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def of_kernel() -> float | None:
    """Ask the kernel how far it is from the time servers that an NTP daemon follows.

    None where there is no such daemon, or no such kernel.
    """
    library = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    if not hasattr(library, "adjtimex"):
        return None
    timex = _Timex()
    if library.adjtimex(ctypes.byref(timex)) in (-1, _TIME_ERROR) or timex.status & _STA_UNSYNC:
        return None
    per_ms = 1e6 if timex.status & _STA_NANO else 1e3
    # The kernel's offset is what is still to be added to our clock.
    offset: float = -timex.offset / per_ms
    return offset


SOURCES: Final[Mapping[str, Source]] = {"kernel": of_kernel, "database": of_database}


def measure(sources: Mapping[str, Source] | None = None) -> None:
    """Measure with every source that is chosen, keep what they say, and raise the alarm."""
    host = socket.gethostname()[:80]
    chosen = sources or {name: SOURCES[name] for name in settings.CLOCK_SOURCES}
    for name, source in chosen.items():
        offset = source()
        if offset is None:
            continue
        now = timezone.now()
        ClockReading.objects.update_or_create(
            host=host, source=name, defaults={"offset_ms": offset, "at": now}
        )
        if abs(offset) > CLOCK_ALARM_MS:
            _alarm(host, name, offset, now)
    _notice_silence(host)


def _alarm(host: str, source: str, offset: float, now: datetime) -> None:
    is_halting = abs(offset) > CLOCK_HALT_MS
    alerts.raise_alert(
        kind=Kind.CLOCK_DRIFT,
        severity=Severity.SEVERE if is_halting else Severity.WARNING,
        account_id=None,
        summary=f"The clock of {host} is off by {offset:.1f} ms"
        + (": no order goes" if is_halting else ""),
        evidence={"host": host, "source": source, "offset_ms": f"{offset:.3f}"},
        key=f"{host}:{source}:{is_halting}:{now:%Y-%m-%dT%H}",
        now=now,
    )


def _notice_silence(host: str) -> None:
    now = timezone.now()
    latest = ClockReading.objects.order_by("-at").values_list("at", flat=True).first()
    if latest is not None and (now - latest).total_seconds() <= CLOCK_SECONDS_MAX:
        return
    alerts.raise_alert(
        kind=Kind.CLOCK_DRIFT,
        severity=Severity.WARNING,
        account_id=None,
        summary="Nobody has measured our clocks for a minute",
        evidence={"host": host, "latest": str(latest)},
        key=f"silence:{now:%Y-%m-%dT%H}",
        now=now,
    )
