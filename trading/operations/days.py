"""The close of day: each day as a timeline of its jobs, and doing one of them again."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from foundation.admin import actor_of
from reconciliation.day import selectors, services
from reconciliation.day.services import UnableToRerun
from trading.operations.framed import enter, framed
from trading.operations.viewing import shows

VIEW: Final = "reconciliation.view_dayrun"
RERUN: Final = "reconciliation.change_jobrun"
DAYS_SHOWN: Final = 14


@require_GET
def latest(request: HttpRequest) -> HttpResponse:
    """Lead to the latest day that is over and not closed, or else to the latest one."""
    enter(request, VIEW)
    days = selectors.recent(DAYS_SHOWN)
    if not days:
        return framed(request, "operations/day.html", title="Close of day", timeline=None)
    past = [each for each in days[1:] if each.left]
    chosen = past[0] if past else days[0]
    return redirect("operations:day", chosen.day)


@require_GET
def page(request: HttpRequest, day: date) -> HttpResponse:
    """Show a day."""
    enter(request, VIEW)
    shown = _shown(request, day)
    return framed(request, "operations/day.html", title=f"Close of {day}", **shown)


@require_GET
def now(request: HttpRequest, day: date) -> HttpResponse:
    """Return the timeline alone, as the page puts it in place of the older one."""
    enter(request, VIEW)
    shows(request, (), renewed="operations:day")  # every few seconds the page that was noted
    return render(request, "operations/day_now.html", _shown(request, day))


@require_POST
def rerun(request: HttpRequest, day: date, job: str) -> HttpResponse:
    """Have a job of a day done again, and say why."""
    enter(request, RERUN)
    try:
        services.rerun(
            day=day,
            job=job,
            by=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=timezone.now(),
        )
        messages.success(request, "It is done again within a minute.")
    except UnableToRerun as error:
        messages.error(request, str(error))
    return redirect("operations:day", day)


def _shown(request: HttpRequest, day: date) -> dict[str, Any]:
    found = selectors.timeline(day, now=timezone.now())
    if found is None:
        raise Http404
    return {
        "timeline": found,
        "days": selectors.recent(DAYS_SHOWN),
        "may_rerun": request.user.has_perm(RERUN),
    }
