"""Adding a factor beside those that one has: each wants a proof of one of them first."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.factors import proving, roster, security_keys, sent_codes
from accounts.models import MessageFactor, User
from accounts.sessions import throttles
from accounts.sessions.gate import freshly_proved
from trading.pages import auth_factors, auth_forms
from trading.pages.auth_forms import AppForm, NameForm, PlaceForm, SentCodeForm
from trading.pages.auth_words import code_refused, wait_text
from trading.pages.now import signed_in

TOO_MANY = f"You have {roster.FACTORS_MAX} factors, the most there can be. Remove one first."
KEY_REFUSED = "This key could not be added. If it is one of yours already, it is listed."


@freshly_proved
@never_cache
@require_http_methods(["GET", "POST"])
def app(request: HttpRequest) -> HttpResponse:
    """Show the secret of a further authenticator and take a code as proof that the app has it."""
    now, (user, keep) = timezone.now(), _who(request)
    form = AppForm(request.POST or None)
    device = proving.begin_enrolment(user, beside=True)
    if request.method == "POST" and form.is_valid():
        name, code = _name(form), form.cleaned_data["code"]
        try:
            if name and roster.add(
                user,
                lambda: proving.confirm_enrolment(user, code, name=name, beside=True),
                keep=keep,
                now=now,
            ):
                return redirect("security")
            form.add_error("code", code_refused(None, now=now))
        except roster.TooManyFactors:
            form.add_error(None, TOO_MANY)
    auth_forms.first_focus(form)
    context = {"form": form, "person": user, **auth_factors.enrolment(device)}
    return render(request, "auth/add_app.html", context, status=422 if form.errors else 200)


@freshly_proved
@never_cache
@require_http_methods(["GET", "POST"])
def key(request: HttpRequest) -> HttpResponse:
    """Take a security key or passkey into use."""
    now, (user, keep) = timezone.now(), _who(request)
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, here = _name(form), auth_factors.bound_to(request)
        answer = request.POST.get("key_answer", "")
        try:
            if name:
                roster.add(
                    user,
                    lambda: security_keys.register(user, answer, name=name, bound_to=here, now=now),
                    keep=keep,
                    now=now,
                )
                return redirect("security")
        except security_keys.KeyRefused:
            form.add_error(None, KEY_REFUSED)
        except roster.TooManyFactors:
            form.add_error(None, TOO_MANY)
    auth_forms.first_focus(form)
    return render(request, "auth/add_key.html", {"form": form}, status=422 if form.errors else 200)


@freshly_proved
@never_cache
@require_POST
def key_options(request: HttpRequest) -> HttpResponse:
    """Answer what a page asks of a security key that is to be added."""
    user, _ = _who(request)
    here = auth_factors.bound_to(request)
    return JsonResponse(security_keys.registration_options(user, bound_to=here, now=timezone.now()))


@freshly_proved
@never_cache
@require_http_methods(["GET", "POST"])
def place(request: HttpRequest, way: str) -> HttpResponse:
    """Send a code to a telephone or mailbox, then take that code as proof that it arrives."""
    if way not in MessageFactor.Way or not sent_codes.is_offered(MessageFactor.Way(way)):
        raise Http404
    now, (user, keep) = timezone.now(), _who(request)
    context = {"way": way, "person": user}
    if "sent_code" in request.POST:
        code_form = SentCodeForm(request.POST)
        if code_form.is_valid() and _confirm(request, user, code_form, keep=keep, now=now):
            return redirect("security")
        context |= {"code_form": code_form}
        return render(request, "auth/add_place.html", context, status=422)
    initial = {"way": way, "address": user.email if way == MessageFactor.Way.EMAIL else ""}
    form = PlaceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _begin(request, user, form, way, now=now):
        context |= {"code_form": SentCodeForm(), "sent_to": form.cleaned_data["address"]}
        return render(request, "auth/add_place.html", context)
    auth_forms.first_focus(form)
    context |= {"form": form}
    return render(request, "auth/add_place.html", context, status=422 if form.errors else 200)


def _begin(request: HttpRequest, user: User, form: PlaceForm, way: str, *, now: datetime) -> bool:
    name, here = _name(form), auth_factors.bound_to(request)
    if not name:
        return False
    try:
        sent_codes.begin(
            user,
            MessageFactor.Way(way),
            form.cleaned_data["address"],
            name=name,
            bound_to=here,
            now=now,
        )
    except sent_codes.BadAddress as error:
        form.add_error("address", str(error))
    except sent_codes.TooManyPlaces:
        form.add_error(None, "You have as many as there can be. Remove one first.")
    except throttles.TooManyAttempts as error:
        form.add_error(None, f"Too many codes were sent. {wait_text(error.until, now=now)}")
    return not form.errors


def _confirm(
    request: HttpRequest, user: User, form: SentCodeForm, *, keep: UUID, now: datetime
) -> bool:
    code, here = form.cleaned_data["sent_code"], auth_factors.bound_to(request)
    try:
        if roster.add(
            user,
            lambda: sent_codes.confirm(user, code, bound_to=here, now=now),
            keep=keep,
            now=now,
        ):
            return True
        form.add_error("sent_code", "This code is wrong, was used or is too old.")
    except roster.TooManyFactors:
        form.add_error("sent_code", TOO_MANY)
    return False


def _name(form: NameForm | PlaceForm | AppForm) -> str:
    """Return the name that was given to a factor; "" after having said what is wrong with it."""
    try:
        return roster.checked_name(form.cleaned_data["name"])
    except roster.BadName as error:
        form.add_error("name", str(error))
        return ""


def _who(request: HttpRequest) -> tuple[User, UUID]:
    """Return who is signed in, and the sign-in that goes on."""
    found = signed_in(request)
    return User.objects.get(pk=found.user_id), found.sign_in_id
