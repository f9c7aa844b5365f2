"""What we know of a customer, which they keep true. Who they are changes by request."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.customers import profiles
from accounts.customers.answers import Answers, Home, Means
from accounts.models import Profile, User
from accounts.sessions.gate import freshly_proved
from trading.pages import auth_forms
from trading.pages.joining_forms import FORMS
from trading.pages.now import signed_in

PARTS: Final[dict[str, type[Answers]]] = {"home": Home, "means": Means}
"""What a customer changes without anybody's agreement."""


@never_cache
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show what we know of the person; of the tax number its end alone."""
    return render(request, "pages/profile.html", {"profile": _profile(request)})


@freshly_proved("POST")
@never_cache
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, part: str) -> HttpResponse:
    """Change where somebody lives, or what they do and have."""
    if part not in PARTS:
        raise Http404
    profile, step = _profile(request), FORMS[PARTS[part]]
    known = {name: getattr(profile, name) for name in step.base_fields}
    form = step(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            profiles.change(profile.user, form.answers(), now=timezone.now())
        except profiles.AnswersWrong as error:
            for each in error.wrong:
                form.add_error(each.field, each.message)
        else:
            return redirect("profile")
    auth_forms.first_focus(form)
    status = 422 if request.method == "POST" else 200
    return render(request, "pages/profile_change.html", {"form": form}, status=status)


def _profile(request: HttpRequest) -> Profile:
    """Return the whole profile of whoever asks. Who has none yet is still to open an account."""
    user = User.objects.get(pk=signed_in(request).user_id)
    profile = profiles.of(user)
    if profile is None or profiles.missing(profile):
        raise Http404
    return profile
