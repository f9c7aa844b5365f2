"""The first second factor: all that somebody can do who has a password and nothing else."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.factors import proving, roster, security_keys
from accounts.factors.models import Factor
from accounts.models import SecurityKey, User
from accounts.sessions import halfway, sign_ins
from accounts.sessions.gate import half_signed_in
from trading.pages import auth_factors, auth_forms
from trading.pages.auth_adding import KEY_REFUSED
from trading.pages.auth_forms import CodeForm, NameForm
from trading.pages.auth_words import code_refused


@half_signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator and take a code as proof that the app has it."""
    now = timezone.now()
    user = halfway.user_of(request, now=now)
    if user is None:
        return redirect(settings.LOGIN_URL)
    if roster.is_bound_to_keys(user):
        return redirect("enrol_key")
    form = CodeForm(request.POST or None)
    try:
        device = proving.begin_enrolment(user)
        if request.method == "POST" and form.is_valid():
            confirmed = proving.confirm_enrolment(user, form.cleaned_data["code"])
            if confirmed is not None:
                return _go_on(request, user, confirmed, now=now)
            form.add_error("code", code_refused(None, now=now))
    except proving.AlreadyEnrolled:
        return redirect("code")
    auth_forms.first_focus(form)
    context = {"form": form, "person": user, **auth_factors.enrolment(device)}
    return render(request, "auth/enrol.html", context, status=422 if form.errors else 200)


@half_signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def enrol_key(request: HttpRequest) -> HttpResponse:
    """Take a security key or passkey as the first factor."""
    now = timezone.now()
    user = halfway.user_of(request, now=now)
    if user is None:
        return redirect(settings.LOGIN_URL)
    if roster.factors(user):
        return redirect("code")
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = _register(request, user, form.cleaned_data["name"], now=now)
            return _go_on(request, user, made, now=now)
        except proving.AlreadyEnrolled:
            return redirect("code")
        except roster.BadName as error:
            form.add_error("name", str(error))
        except security_keys.KeyRefused:
            form.add_error(None, KEY_REFUSED)
    auth_forms.first_focus(form)
    context = {"form": form, "person": user, "needs_key": roster.is_bound_to_keys(user)}
    return render(request, "auth/enrol_key.html", context, status=422 if form.errors else 200)


@half_signed_in
@never_cache
@require_POST
def key_options(request: HttpRequest) -> HttpResponse:
    """Answer what a page asks of the security key that is to be the first factor."""
    now = timezone.now()
    user = halfway.user_of(request, now=now)
    if user is None or roster.factors(user):
        return JsonResponse({"message": "Sign in first."}, status=401)
    here = auth_factors.bound_to(request)
    return JsonResponse(security_keys.registration_options(user, bound_to=here, now=now))


def _register(request: HttpRequest, user: User, name: str, *, now: datetime) -> SecurityKey:
    """Take the key that answered into use, if it is the first factor."""
    answer, here = request.POST.get("key_answer", ""), auth_factors.bound_to(request)
    with roster.changing(user) as present:
        if present:
            raise proving.AlreadyEnrolled
        return security_keys.register(
            user, answer, name=roster.checked_name(name), bound_to=here, now=now
        )


def _go_on(request: HttpRequest, user: User, factor: Factor, *, now: datetime) -> HttpResponse:
    goal = halfway.goal_of(request)
    sign_ins.start(request, user=user, device=factor, now=now)
    return redirect(goal)
