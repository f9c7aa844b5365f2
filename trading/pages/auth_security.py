"""How one signs in: the factors, the password, the recovery codes, and where one is signed in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import selectors
from accounts.models import User
from trading.pages import now
from trading.pages.now import signed_in


@never_cache
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show a person how they sign in and from where; staff without an account have it too."""
    return render(request, "pages/security.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    found = signed_in(request)
    user = User.objects.get(pk=found.user_id)
    frame = now.context(found.account_id, page="account") if found.account_id else {}
    return {
        **frame,
        "layout": "workspace.html" if found.account_id else "base.html",
        "person": user,
        "factors": selectors.authenticators(user),
        "sign_ins": selectors.sign_ins(user),
        "this_sign_in": found.sign_in_id,
        "is_demo": settings.DEMO,
        "now": timezone.now(),
    }
