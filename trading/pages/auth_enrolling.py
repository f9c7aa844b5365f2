"""The first second factor: all that somebody can do who has a password and nothing else."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.factors import proving, reenrolling, roster, security_keys
from accounts.factors.models import Factor
from accounts.models import SecurityKey, User
from accounts.sessions import halfway, sign_ins, throttles
from accounts.sessions.gate import half_signed_in, public
from trading.pages import auth, auth_factors, auth_forms
from trading.pages.auth_adding import KEY_REFUSED
from trading.pages.auth_forms import CodeForm, NameForm, PresentPasswordForm
from trading.pages.auth_words import code_refused, wait_text


@half_signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator and take a code as proof that the app has it."""
    now = timezone.now()
    user = halfway.user_of(request, now=now)
    if user is None:
        return redirect(settings.LOGIN_URL)
    if not _may_enrol(request, user, now=now):
        return redirect("enrol_awaited")
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
    context = {
        "form": form,
        "person": user,
        "is_demo": settings.DEMO,
        **auth_factors.enrolment(device),
    }
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
    if not _may_enrol(request, user, now=now):
        return redirect("enrol_awaited")
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
    if user is None or roster.factors(user) or not _may_enrol(request, user, now=now):
        return JsonResponse({"message": "Sign in first."}, status=401)
    here = auth_factors.bound_to(request)
    return JsonResponse(security_keys.registration_options(user, bound_to=here, now=now))


@half_signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def awaited(request: HttpRequest) -> HttpResponse:
    """Tell somebody whose factors were taken of the link in the letter, and write it again."""
    now = timezone.now()
    user = halfway.user_of(request, now=now)
    if user is None:
        return redirect(settings.LOGIN_URL)
    if not reenrolling.is_awaited(user):
        return redirect("code" if roster.factors(user) else "enrol")
    context = {"person": user, "is_written": False, "problem": ""}
    if request.method == "POST":
        try:
            reenrolling.write_again(user, now=now)
            context["is_written"] = True
        except throttles.TooManyAttempts as error:
            context["problem"] = f"Too many letters. {wait_text(error.until, now=now)}"
    status = 429 if context["problem"] else 200
    return render(request, "auth/enrol_awaited.html", context, status=status)


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def again(request: HttpRequest, token: str) -> HttpResponse:
    """Take the password of whoever follows the link to enrol anew, and lead on to enrolment."""
    now = timezone.now()
    user = reenrolling.find(token, now=now)
    if user is None:
        return render(request, "auth/enrol_again_gone.html", status=410)
    form = PresentPasswordForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["password"]
        try:
            known = proving.verify_password(
                email=user.email, password=given, address=auth.address(request), now=now
            )
        except throttles.TooManyAttempts as error:
            form.add_error(None, f"Too many attempts. {wait_text(error.until, now=now)}")
            status = 429
        else:
            if known is not None:
                halfway.begin(request, user=known, goal=reverse("security"), now=now, token=token)
                return redirect("enrol")
            form.add_error("password", "This is not your password. Try again.")
    auth_forms.first_focus(form)
    context = {"form": form, "person": user}
    return render(request, "auth/enrol_again.html", context, status=status)


def _may_enrol(request: HttpRequest, user: User, *, now: datetime) -> bool:
    return reenrolling.may_enrol(user, halfway.token_of(request), now=now)


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
    reenrolling.finish(user, factor, now=now)
    sign_ins.start(request, user=user, device=factor, now=now)
    return redirect(goal)
