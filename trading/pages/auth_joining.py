"""Joining: an account of one's own; a second factor comes next, before anything else."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.factors import passwords
from accounts.models import User
from accounts.sessions import halfway, throttles
from accounts.sessions.gate import public
from trading.pages import auth, auth_forms
from trading.pages.auth_forms import RegistrationForm
from trading.pages.auth_words import wait_text


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
            form.add_error(None, f"Too many attempts. {wait_text(error.until, now=now)}")
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


def _join(*, email: str, name: str, password: str) -> User:
    with transaction.atomic():
        user = services.register(email=email, name=name, password=password)
        services.open_account(user)
    return user
