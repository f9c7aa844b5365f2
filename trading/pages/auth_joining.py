"""Joining: an address, the link in a letter, a name and a password; then a second factor
(`auth_enrolling`), and what a broker has to know (`opening`)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from accounts import services
from accounts.customers import joining, terms
from accounts.customers.joining import Asked
from accounts.factors import passwords
from accounts.letters import writing
from accounts.models import User
from accounts.sessions import authentication, halfway, origins, throttles
from accounts.sessions.gate import public
from trading.pages import auth, auth_forms
from trading.pages.auth_words import wait_text
from trading.pages.joining_forms import AddressForm, AgreeForm, JoinForm
from trading.pages.now import signed_in


@public
@never_cache
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Ask for an address and write to it; the answer is the same whoever is registered."""
    now = timezone.now()
    if request.method == "GET" and auth.is_signed_in(request, now=now):
        return redirect("/")
    form = AddressForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            asked = joining.ask(email=email, origin=origins.of(request), now=now)
        except throttles.TooManyAttempts as error:
            form.add_error(None, f"Too many attempts. {wait_text(error.until, now=now)}")
            status = 429
        except services.InvalidEmail as error:
            form.add_error("email", str(error))
        else:
            context = {"email": email, **_shown_in_a_demonstration(asked)}
            return render(request, "auth/register_sent.html", context)
    auth_forms.first_focus(form)
    return render(request, "auth/register.html", {"form": form}, status=status)


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Take name, password and agreement of whoever followed the link, and lead on to enrolment.

    Looking uses nothing up: programs that preview links look too.
    """
    now = timezone.now()
    found = joining.find(token, now=now)
    if found is None:
        return render(request, "auth/join_gone.html", status=410)
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = joining.join(
                token,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
                version=terms.VERSION,
                origin=origins.of(request),
                now=now,
            )
        except joining.LinkGone:
            return render(request, "auth/join_gone.html", status=410)
        except services.InvalidName as error:
            form.add_error("name", str(error))
        except passwords.PasswordRefused as error:
            form.add_error("password", error.reasons)
        else:
            halfway.begin(request, user=user, goal=reverse("opening"), now=now)
            return redirect("enrol")
    auth_forms.first_focus(form)
    context = {"form": form, "email": found.email}
    status = 422 if request.method == "POST" else 200
    return render(request, "auth/join.html", context, status=status)


@public
@require_GET
def show_terms(request: HttpRequest) -> HttpResponse:
    return render(request, "auth/terms.html", {"version": terms.VERSION})


@never_cache
@require_http_methods(["GET", "POST"])
def agree(request: HttpRequest) -> HttpResponse:
    """Ask somebody who has agreed to the terms of before to agree to those of now.

    Without it they read no page; they may leave, and programs go on.
    """
    found, now = signed_in(request), timezone.now()
    goal = auth.safe_goal(request, request.GET.get("next", ""))
    form = AgreeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = User.objects.get(pk=found.user_id)
        origin = origins.of(request)
        joining.agree(user, version=terms.VERSION, origin=origin, now=now)
        authentication.forget_browser(str(request.session.session_key))
        return redirect(goal)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "version": terms.VERSION}
    return render(request, "auth/agree.html", context, status=status)


def _shown_in_a_demonstration(asked: Asked) -> dict[str, str]:
    """In the demo shape nobody has a mailbox: the letter lies open on the page."""
    if not settings.DEMO:
        return {}
    link = reverse("join", kwargs={"token": asked.token}) if asked.token else reverse("sign_in")
    return {"letter": writing.read(asked.letter), "link": link}
