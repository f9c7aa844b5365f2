"""How one signs in: the factors, the password, the recovery codes, and where one is signed in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors
from accounts.factors import passwords, recovery, resets, roster, sent_codes
from accounts.factors.models import Factor
from accounts.models import MessageFactor, RecoveryCodes, SecurityKey, User
from accounts.sessions import proof, throttles
from accounts.sessions.gate import freshly_proved
from trading.pages import auth, auth_forms, now
from trading.pages.auth_forms import PasswordForm
from trading.pages.auth_words import wait_text
from trading.pages.now import signed_in

LAST = {
    True: "Members of staff keep one security key at least. Add another before you remove this.",
    False: "This is your last factor: without one nobody signs in. Add another first.",
}


@never_cache
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show a person how they sign in and from where; staff without an account have it too."""
    return _page(request)


@freshly_proved
@never_cache
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Remove a factor, never the last."""
    found = signed_in(request)
    user = User.objects.get(pk=found.user_id)
    try:
        roster.remove(
            user, request.POST.get("factor", ""), keep=found.sign_in_id, now=timezone.now()
        )
    except roster.LastFactor:
        return _page(request, problem=LAST[roster.is_bound_to_keys(user)], status=422)
    return redirect("security")


@never_cache
@require_POST
def rename(request: HttpRequest) -> HttpResponse:
    """Give a factor another name."""
    user = User.objects.get(pk=signed_in(request).user_id)
    try:
        roster.rename(user, request.POST.get("factor", ""), request.POST.get("name", ""))
    except roster.BadName as error:
        return _page(request, problem=str(error), status=422)
    return redirect("security")


@freshly_proved
@never_cache
@require_POST
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make ten new recovery codes and show them, this once."""
    user = User.objects.get(pk=signed_in(request).user_id)
    codes = roster.renew_recovery_codes(user, now=timezone.now())
    return render(request, "auth/recovery_codes.html", {"codes": codes, "person": user})


@freshly_proved
@never_cache
@sensitive_post_parameters("present", "password")
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Choose another password; other sign-ins end."""
    at, found = timezone.now(), signed_in(request)
    user = User.objects.get(pk=found.user_id)
    form = PasswordForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            resets.change(
                user, **form.cleaned_data, keep=found.sign_in_id,
                address=auth.address(request), now=at,
            )  # fmt: skip
        except resets.WrongPassword:
            form.add_error("present", "This is not your present password.")
        except passwords.PasswordRefused as error:
            form.add_error("password", error.reasons)
        except throttles.TooManyAttempts as error:
            form.add_error(None, f"Too many attempts. {wait_text(error.until, now=at)}")
            status = 429
        else:
            proof.stay(request, user=user)
            return redirect("security")
    auth_forms.first_focus(form)
    return render(request, "auth/password.html", {"form": form}, status=status)


def _page(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    found = signed_in(request)
    user = User.objects.get(pk=found.user_id)
    frame = now.context(found.account_id, page="account") if found.account_id else {}
    sheet = RecoveryCodes.objects.filter(user=user).first()
    context = {
        **frame,
        "layout": "workspace.html" if found.account_id else "base.html",
        "person": user,
        "factors": [_shown(factor) for factor in roster.factors(user)],
        "recovery": {"left": recovery.left(user), "made_at": sheet.created_at} if sheet else None,
        "offers_sms": sent_codes.is_offered(MessageFactor.Way.SMS),
        "needs_key": user.is_staff,
        "held_until": _held_until(user),
        "sign_ins": selectors.sign_ins(user),
        "this_sign_in": found.sign_in_id,
        "problem": problem,
        "is_demo": settings.DEMO,
    }
    return render(request, "pages/security.html", context, status=status)


def _shown(factor: Factor) -> dict[str, Any]:
    kind = str(factor._meta.verbose_name)
    about = ""
    if isinstance(factor, SecurityKey):
        kind = "passkey" if factor.is_synced else kind
    elif isinstance(factor, MessageFactor):
        kind, about = f"codes by {factor.get_way_display()}", factor.address
    return {
        "id": factor.persistent_id,
        "name": factor.name,
        "kind": kind,
        "about": about,
        "added_at": factor.created_at,
        "is_weak": isinstance(factor, MessageFactor),
    }


def _held_until(user: User) -> object:
    until = selectors.withdrawals_held_until(user)
    return until if until is not None and until > timezone.now() else None
