"""The first page: put together for whoever looks, and renewed while they do."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.oversight import belonging
from accounts.sessions.gate import person_of
from risk import firm_measured
from trading.operations.framed import enter
from trading.operations.landing import cards, health
from trading.operations.landing.cards import Asked
from trading.operations.viewing import shows
from venues import backlog

STAKE: Final = "risk.view_marginstatus"
_WIRE: Final = ("venues.view_parkedreport", "venues.view_outboxmessage")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what waits to the context of the admin's first page (django-unfold calls this)."""
    context["title"] = "What waits"
    context.update(_shown(request))
    return context


@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """Return the same alone, as the page puts it in place of the older one."""
    enter(request)
    return render(request, "operations/landing_now.html", _shown(request, renewed="admin:index"))


def _shown(request: HttpRequest, *, renewed: str = "") -> dict[str, Any]:
    """Return what this member of staff may see; what they may not is not read."""
    by = person_of(request)
    moment = timezone.now()
    wire = backlog.backlogs() if any(by.has_perm(each) for each in _WIRE) else []
    stake = firm_measured.last() if by.has_perm(STAKE) else None
    if stake is not None and stake.largest:
        whose = belonging.of_accounts({each.account_id for each in stake.largest})
        shows(request, whose, renewed=renewed)
    return {
        "at": moment,
        "cards": cards.cards(Asked(by, moment, wire)),
        "groups": health.groups(by, now=moment, wire=wire),
        "may_see_stake": by.has_perm(STAKE),
        "stake": stake,
        "stake_age": moment - stake.at if stake else None,
    }
