"""Another e-mail address to sign in with."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.factors import addresses, sent_codes
from accounts.models import User
from accounts.services import EmailTaken
from accounts.sessions import throttles
from accounts.sessions.gate import freshly_proved
from trading.pages import auth_factors, auth_forms
from trading.pages.auth_forms import NewEmailForm, SentCodeForm
from trading.pages.auth_words import wait_text
from trading.pages.now import signed_in

_KEY = "new_email"


@freshly_proved
@never_cache
@require_http_methods(["GET", "POST"])
def email(request: HttpRequest) -> HttpResponse:
    """Send a code to the new address, then take it as proof that mail arrives there."""
    now = timezone.now()
    if "sent_code" in request.POST:
        code_form = SentCodeForm(request.POST)
        if code_form.is_valid() and _confirm(request, code_form, now=now):
            return redirect("security")
        context = {"code_form": code_form, "sent_to": request.session.get(_KEY, "")}
        return render(request, "auth/email.html", context, status=422)
    form = NewEmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _begin(request, form, now=now):
        context = {"code_form": SentCodeForm(), "sent_to": request.session[_KEY]}
        return render(request, "auth/email.html", context)
    auth_forms.first_focus(form)
    return render(request, "auth/email.html", {"form": form}, status=422 if form.errors else 200)


def _begin(request: HttpRequest, form: NewEmailForm, *, now: datetime) -> bool:
    user, here = User.objects.get(pk=signed_in(request).user_id), auth_factors.bound_to(request)
    try:
        address = addresses.begin(user, form.cleaned_data["email"], bound_to=here, now=now)
    except sent_codes.BadAddress as error:
        form.add_error("email", str(error))
    except throttles.TooManyAttempts as error:
        form.add_error(None, f"Too many codes were sent. {wait_text(error.until, now=now)}")
    else:
        request.session[_KEY] = address
    return not form.errors


def _confirm(request: HttpRequest, form: SentCodeForm, *, now: datetime) -> bool:
    found = signed_in(request)
    user, here = User.objects.get(pk=found.user_id), auth_factors.bound_to(request)
    address, code = str(request.session.get(_KEY, "")), form.cleaned_data["sent_code"]
    try:
        if addresses.confirm(user, address, code, bound_to=here, keep=found.sign_in_id, now=now):
            del request.session[_KEY]
            return True
        form.add_error("sent_code", "This code is wrong, was used or is too old.")
    except EmailTaken:
        form.add_error("sent_code", "Another account signs in with this address.")
    return False
