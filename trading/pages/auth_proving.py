"""Step-up: a second factor proved again, by somebody who is signed in, before what is dear."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.factors import roster, security_keys
from accounts.factors.strength import Strength
from accounts.models import User
from accounts.sessions import proof
from accounts.sessions.gate import NEEDS
from trading.pages import auth, auth_factors, now


@never_cache
@require_http_methods(["GET", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Ask for a second factor; with it the person goes back to where they came from."""
    at = timezone.now()
    goal = auth.safe_goal(request, request.GET.get("next", ""))
    user = User.objects.get(pk=now.signed_in(request).user_id)
    # Only what is offered here depends on it: the gate asks again for what is not enough.
    need = NEEDS.get(request.GET.get("need", ""), Strength.WEAK)
    means = roster.means(user, need=need)
    asked = auth_factors.ask(request, user, means, now=at)
    if asked.factor is not None:
        proof.renew(request, factor=asked.factor, now=at)
        return redirect(goal)
    context = {
        **asked.context,
        "need": need.name.lower(),
        "has_factor": bool(roster.factors(user)),
        "is_demo": settings.DEMO,
        "act": "Go on",
        "key_options": "/prove/key",
    }
    return render(request, "auth/prove.html", context, status=asked.status)


@never_cache
@require_POST
def key_options(request: HttpRequest) -> HttpResponse:
    """Answer what a page asks of a security key, for whoever is signed in."""
    user = User.objects.get(pk=now.signed_in(request).user_id)
    here = auth_factors.bound_to(request)
    return JsonResponse(security_keys.proof_options(user, bound_to=here, now=timezone.now()))
