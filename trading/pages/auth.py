"""Signing in and out: a password, then the second factor as a step of its own."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.factors import proving, roster, security_keys
from accounts.sessions import authentication, halfway, sign_ins, throttles
from accounts.sessions.gate import half_signed_in, public
from trading.pages import auth_factors, auth_forms
from trading.pages.auth_forms import SignInForm
from trading.pages.auth_words import wait_text

ENDINGS = {
    "idle": "You were signed out after a while without activity. Sign in to go on.",
    "too_long": "You were signed out because you had been signed in for long. Sign in to go on.",
    "password_changed": "You were signed out because your password was changed.",
    "factor_changed": "You were signed out because a way of signing in to your account changed.",
    "too_many": "You were signed out here because you signed in at a newer browser.",
    "elsewhere": "You were signed out here from another browser.",
}


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password; whoever knows them proves a second factor next."""
    now = timezone.now()
    goal = safe_goal(request, request.GET.get("next", ""))
    if request.method == "GET" and is_signed_in(request, now=now):
        return redirect(goal)
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                user = proving.verify_password(
                    **form.cleaned_data, address=address(request), now=now
                )
            except throttles.TooManyAttempts as error:
                form.add_error(None, f"Too many attempts. {wait_text(error.until, now=now)}")
                status = 429
            else:
                if user is not None:
                    halfway.begin(request, user=user, goal=goal, now=now)
                    return redirect("code" if roster.factors(user) else "enrol")
                form.add_error(None, "This e-mail and password do not belong together. Try again.")
        auth_forms.first_focus(form)
    ended = None if form.is_bound else ENDINGS.get(request.GET.get("ended", ""))
    context = {"form": form, "ended": ended, "is_demo": settings.DEMO}
    return render(request, "auth/sign_in.html", context, status=status)


@half_signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for a second factor; with it the person is signed in."""
    now = timezone.now()
    user = halfway.user_of(request, now=now)
    if user is None:
        return redirect(settings.LOGIN_URL)
    means = roster.means(user)
    asked = auth_factors.ask(request, user, means, now=now)
    if asked.factor is not None:
        goal = halfway.goal_of(request)
        sign_ins.start(request, user=user, device=asked.factor, now=now)
        return redirect(goal)
    context = {
        **asked.context,
        "is_demo": settings.DEMO,
        "act": "Sign in",
        "key_options": "/sign-in/key",
    }
    return render(request, "auth/code.html", context, status=asked.status)


@half_signed_in
@never_cache
@require_POST
def key_options(request: HttpRequest) -> HttpResponse:
    """Answer what a page asks of a security key, for whoever has given the password."""
    now = timezone.now()
    user = halfway.user_of(request, now=now)
    if user is None:
        return JsonResponse({"message": "Sign in first."}, status=401)
    here = auth_factors.bound_to(request)
    return JsonResponse(security_keys.proof_options(user, bound_to=here, now=now))


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Show whom this link signs in, and sign them in when they say so.

    Looking uses nothing up: programs that preview links look too.
    """
    now = timezone.now()
    if request.method == "POST":
        used = proving.use_link(token, now=now)
        if used is not None:
            sign_ins.start(request, user=used.user, device=used, now=now)
            return redirect("/")
        found = None
    else:
        found = proving.find_link(token, now=now)
    if found is None:
        return render(request, "auth/link_gone.html", status=410)
    return render(request, "auth/link.html", {"person": found.user})


@half_signed_in
@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this browser's sign-in, wherever it had got to."""
    authentication.sign_out(request, now=timezone.now())
    return redirect(settings.LOGIN_URL)


def is_signed_in(request: HttpRequest, *, now: datetime) -> bool:
    found = authentication.browser(request.session.session_key, now=now, is_activity=False)
    return found is not None and request.user.is_authenticated


def address(request: HttpRequest) -> str:
    """Return the address that the request came from."""
    return str(request.META.get("REMOTE_ADDR") or "unknown")


def safe_goal(request: HttpRequest, wanted: str) -> str:
    """Return `wanted` if it is a page of ours, otherwise the front page."""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours and wanted.startswith("/") else "/"
