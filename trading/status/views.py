"""`/status` for people, `/status.json` for programs: open to anybody, read once for all."""

from __future__ import annotations

from typing import Final

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.sessions.gate import public
from foundation.reading import Reading
from trading.status import standing
from trading.status.standing import Standing

_UNKNOWN: Final = {"status": "down", "says": "The database does not answer."}
_standing: Final = Reading(
    lambda: standing.standing(now=timezone.now()), age_seconds_max=2.0, waits_seconds_max=10.0
)
"""However many look, it is read once in two seconds."""


@public
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show how well it goes."""
    found = _found()
    shown = render(request, "pages/status.html", {"standing": found}, status=200 if found else 503)
    shown.headers["Cache-Control"] = "no-store"
    return shown


@public
@require_safe
def plain(_request: HttpRequest) -> JsonResponse:
    """Say the same to programs; 503 when the database does not answer."""
    found = _found()
    return JsonResponse(
        found.plain() if found else _UNKNOWN,
        status=200 if found else 503,
        headers={"Cache-Control": "no-store"},
    )


def _found() -> Standing | None:
    try:
        return _standing.latest()
    except Error:
        connection.close()
        return None
