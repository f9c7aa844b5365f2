"""A forgotten password: a letter with a link, another password, then the second factor."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.factors import passwords, resets, roster
from accounts.sessions import halfway, throttles
from accounts.sessions.gate import public
from trading.pages import auth, auth_forms
from trading.pages.auth_forms import ForgottenForm, NewPasswordForm
from trading.pages.auth_words import wait_text


@public
@never_cache
@require_http_methods(["GET", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Take an address to write to; the answer is the same whether anybody has it."""
    now = timezone.now()
    form = ForgottenForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            resets.ask(**form.cleaned_data, address=auth.address(request), now=now)
        except throttles.TooManyAttempts as error:
            form.add_error(None, f"Too many attempts. {wait_text(error.until, now=now)}")
            status = 429
        else:
            return render(request, "auth/forgotten_sent.html", {"form": form})
    auth_forms.first_focus(form)
    return render(request, "auth/forgotten.html", {"form": form}, status=status)


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Choose another password; whoever does is halfway in, as after any password."""
    now = timezone.now()
    if resets.find(token, now=now) is None:
        return render(request, "auth/reset_gone.html", status=410)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = resets.use(token, form.cleaned_data["password"], now=now)
        except passwords.PasswordRefused as error:
            form.add_error("password", error.reasons)
        except resets.LinkGone:
            return render(request, "auth/reset_gone.html", status=410)
        else:
            halfway.begin(request, user=user, goal="/", now=now)
            return redirect("code" if roster.factors(user) else "enrol")
    auth_forms.first_focus(form)
    status = 422 if form.errors else 200
    return render(request, "auth/reset.html", {"form": form}, status=status)
