"""Joining: an account of one's own, then an authenticator before anything else."""

from __future__ import annotations

import segno
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.factors import passwords, proving
from accounts.models import User
from accounts.sessions import halfway, sign_ins, throttles
from accounts.sessions.gate import half_signed_in, public
from trading.pages import auth, auth_forms
from trading.pages.auth_forms import CodeForm, RegistrationForm


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Register a customer, open an account, and lead on to enrolment."""
    now = timezone.now()
    if request.method == "GET" and auth.is_signed_in(request, now=now):
        return redirect("/")
    form = RegistrationForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            throttles.charge(
                throttles.registration_subjects(address=auth.address(request)), now=now
            )
            user = _join(**form.cleaned_data)
        except throttles.TooManyAttempts as error:
            form.add_error(None, f"Too many attempts. {auth.wait_text(error.until, now=now)}")
            status = 429
        except services.EmailTaken:
            form.add_error("email", "Somebody is registered with this address. Sign in instead.")
        except services.InvalidEmail as error:
            form.add_error("email", str(error))
        except services.InvalidName as error:
            form.add_error("name", str(error))
        except passwords.PasswordRefused as error:
            form.add_error("password", error.reasons)
        else:
            halfway.begin(request, user=user, goal="/", now=now)
            return redirect("enrol")
    auth_forms.first_focus(form)
    return render(request, "auth/register.html", {"form": form}, status=status)


@half_signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator and take a code as proof that the app has it."""
    now = timezone.now()
    user = halfway.user_of(request, now=now)
    if user is None:
        return redirect(settings.LOGIN_URL)
    form = CodeForm(request.POST or None)
    try:
        device = proving.begin_enrolment(user)
        if request.method == "POST" and form.is_valid():
            confirmed = proving.confirm_enrolment(user, form.cleaned_data["code"])
            if confirmed is not None:
                goal = halfway.goal_of(request)
                sign_ins.start(request, user=user, device=confirmed, now=now)
                return redirect(goal)
            form.add_error("code", auth.code_refused(None, now=now))
    except proving.AlreadyEnrolled:
        return redirect("code")
    auth_forms.first_focus(form)
    secret = proving.secret_text(device)
    context = {
        "form": form,
        "person": user,
        "picture": segno.make(proving.enrolment_address(device), error="m").svg_data_uri(
            border=3, dark="#000", light="#fff", omitsize=True
        ),
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }
    return render(request, "auth/enrol.html", context, status=422 if form.errors else 200)


def _join(*, email: str, name: str, password: str) -> User:
    with transaction.atomic():
        user = services.register(email=email, name=name, password=password)
        services.open_account(user)
    return user
