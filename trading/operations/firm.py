"""The firm-wide risk page: it refreshes itself, and reads no more often however many look at it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.oversight import belonging
from foundation.reading import Reading
from risk import firm
from risk.firm import FirmRisk
from trading.operations.framed import enter, framed
from trading.operations.viewing import shows

PERMISSION: Final = "risk.view_marginstatus"
AGE_SECONDS_MAX: Final = 1.5
WAITS_SECONDS_MAX: Final = 60.0
"""Who asks while another reads is shown what was read before, unless it is older than that."""


class _Seen(NamedTuple):
    risk: FirmRisk
    at: datetime


def _read() -> _Seen:
    return _Seen(firm.firm_risk(), timezone.now())


_firm_risk: Final = Reading(
    _read, age_seconds_max=AGE_SECONDS_MAX, waits_seconds_max=WAITS_SECONDS_MAX
)
"""What the firm has at stake: it costs the more the more customers there are."""


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show what all customers have at stake."""
    enter(request, PERMISSION)
    seen = _shown(request)
    return framed(request, "operations/firm.html", title="Firm risk", risk=seen.risk, at=seen.at)


@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """Return the figures alone, as the page puts them in place of the older ones."""
    enter(request, PERMISSION)
    seen = _shown(request, renewed="operations:firm")
    return render(request, "operations/firm_now.html", {"risk": seen.risk, "at": seen.at})


def _shown(request: HttpRequest, *, renewed: str = "") -> _Seen:
    """Return the figures, and say whose accounts are among them."""
    seen = _firm_risk.latest()
    nearest = {each.account_id for each in seen.risk.nearest}
    largest = {each.account_id for each in seen.risk.concentrations}
    shows(request, belonging.of_accounts(nearest | largest), renewed=renewed)
    return seen
