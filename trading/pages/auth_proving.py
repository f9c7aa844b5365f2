"""Step-up: a second factor proved again, by somebody who is signed in, before what is dear."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import selectors
from accounts.factors import proving
from accounts.models import User
from accounts.sessions import proof
from trading.pages import auth, auth_forms, now
from trading.pages.auth_forms import CodeForm


@never_cache
@require_http_methods(["GET", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Ask for a second factor; with it the person goes back to where they came from."""
    at = timezone.now()
    goal = auth.safe_goal(request, request.GET.get("next", ""))
    user = User.objects.get(pk=now.signed_in(request).user_id)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        factor = proving.verify_code(user, form.cleaned_data["code"])
        if factor is not None:
            proof.renew(request, factor=factor, now=at)
            return redirect(goal)
        form.add_error("code", auth.code_refused(proving.codes_refused_until(user), now=at))
    auth_forms.first_focus(form)
    context = {
        "form": form,
        "person": user,
        "has_factor": bool(selectors.authenticators(user)),
        "goal": goal,
        "is_demo": settings.DEMO,
    }
    return render(request, "auth/prove.html", context, status=422 if form.errors else 200)
