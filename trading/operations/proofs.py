"""Seals and proofs, for auditors: what each day was sealed with, and whether it still holds."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from foundation.admin import actor_of
from reconciliation.proof import runs, selectors
from reconciliation.proof.runs import UnableToProve
from trading.operations.framed import enter, framed
from trading.operations.viewing import shows

VIEW: Final = "reconciliation.view_seal"
VERIFY: Final = "reconciliation.add_proofrun"
SEALS_SHOWN: Final = 30
RUNS_SHOWN: Final = 10


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the last proof and the latest seals, or those before the one that `before` names."""
    enter(request, VIEW)
    before = request.GET.get("before", "")
    below = int(before) if before.isdecimal() and len(before) < 10 else None
    seals = selectors.recent_seals(SEALS_SHOWN, below=below)
    is_more = bool(seals) and seals[-1].before is not None
    return framed(
        request,
        "operations/proofs.html",
        title="Seals and proofs",
        seals=seals,
        older=seals[-1].number if is_more else None,
        **_runs(request),
    )


@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """Return the proofs alone, as the page puts them in place of the older ones."""
    enter(request, VIEW)
    shows(request, (), renewed="operations:proofs")  # every few seconds the page that was noted
    return render(request, "operations/proofs_now.html", _runs(request))


@require_GET
def seal(request: HttpRequest, number: int) -> HttpResponse:
    """Show all that a seal says."""
    enter(request, VIEW)
    found = selectors.seal(number) if number < 2**31 else None
    if found is None:
        raise Http404
    title = f"Seal {number} of {found.day}"
    return framed(request, "operations/seal.html", title=title, seal=found)


@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a proof; a worker does it."""
    enter(request, VERIFY)
    try:
        runs.ask(by=actor_of(request), now=timezone.now())
        messages.success(request, "It is verified in the background, within a minute from now on.")
    except UnableToProve as error:
        messages.error(request, str(error))
    return redirect("operations:proofs")


def _runs(request: HttpRequest) -> dict[str, Any]:
    found = selectors.recent_runs(RUNS_SHOWN)
    over = [each for each in found if each.is_over]
    return {
        "runs": found,
        "current": found[0] if found and not found[0].is_over else None,
        "last": over[0] if over else None,
        "may_verify": request.user.has_perm(VERIFY),
    }
