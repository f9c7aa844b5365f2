"""The page behind the link that an alert's message carries: "I have it", and the next is let be."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.sessions.gate import public
from risk.surveillance import acknowledging
from risk.surveillance.acknowledging import NoSuchLink


@public  # the link is signed, and all it does is stop others from being told
@require_http_methods(["GET", "HEAD", "POST"])
def acknowledge(request: HttpRequest, token: str) -> HttpResponse:
    """Show which alert this is, and acknowledge it when its reader says so.

    Looking does nothing: what reads mail for people follows links, too.
    """
    try:
        link = acknowledging.found(token)
    except NoSuchLink:
        return render(request, "pages/alert.html", {"is_gone": True}, status=410)
    if request.method == "POST":
        acknowledging.acknowledge(link, now=timezone.now())
        link = acknowledging.found(token)
    step = acknowledging.last_acknowledged(link.alert)
    return render(request, "pages/alert.html", {"alert": link.alert, "step": step})
