"""The firm-wide risk page: it refreshes itself, and reads no more often however many look at it."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Final, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from risk import firm
from risk.firm import FirmRisk
from trading.operations.framed import enter, framed

PERMISSION: Final = "risk.view_marginstatus"
AGE_SECONDS_MAX: Final = 1.5


class _Seen(NamedTuple):
    risk: FirmRisk
    at: datetime
    read_at: float


_lock = threading.Lock()
_seen: _Seen | None = None


def _latest() -> _Seen:
    """Return what the firm has at stake, read at most AGE_SECONDS_MAX ago."""
    global _seen  # noqa: PLW0603  what this process knows, under its lock
    with _lock:
        if _seen is None or time.monotonic() - _seen.read_at > AGE_SECONDS_MAX:
            _seen = _Seen(firm.firm_risk(), timezone.now(), time.monotonic())
        return _seen


def forget() -> None:
    """Read anew the next time."""
    global _seen  # noqa: PLW0603
    with _lock:
        _seen = None


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show what all customers have at stake."""
    enter(request, PERMISSION)
    seen = _latest()
    return framed(request, "operations/firm.html", title="Firm risk", risk=seen.risk, at=seen.at)


@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """Return the figures alone, as the page puts them in place of the older ones."""
    enter(request, PERMISSION)
    seen = _latest()
    return render(request, "operations/firm_now.html", {"risk": seen.risk, "at": seen.at})
