"""The one gate: nothing is reachable without a verified second factor, unless it says so.

Every view is closed by default. One that is not says so beside its own definition:

    @public                 anybody: sign-in pages, probes
    @half_signed_in         who has given a password: their second factor, or enrolling one
    @own_authentication     a handler that authenticates each request itself: API keys

The admin is for staff alone, to whom else it does not exist. Where a view stands is read from
the view itself and never inherited from a base class.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import auth
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.models import SignIn
from accounts.sessions import authentication, sign_ins

View = TypeVar("View", bound=Callable[..., Any])

PROGRAM_PATHS: Final = ("/api/", "/v1", "/v2")
_MARK: Final = "openfloor_access"


class Access(StrEnum):
    VERIFIED = "verified"
    HALF_SIGNED_IN = "half signed in"
    OWN_AUTHENTICATION = "own authentication"
    PUBLIC = "public"


def public(view: View) -> View:
    """Let anybody reach this view (a function, or a class of views)."""
    return _mark(view, Access.PUBLIC)


def half_signed_in(view: View) -> View:
    """Let whoever has given a password reach this view; the view itself looks that they have."""
    return _mark(view, Access.HALF_SIGNED_IN)


def own_authentication(view: View) -> View:
    """Leave it to this view to authenticate every request."""
    return _mark(view, Access.OWN_AUTHENTICATION)


def access_of(view: Callable[..., Any]) -> Access:
    """Return who may reach `view`, as it is found in the URL configuration."""
    owner = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    return Access(vars(owner).get(_MARK, Access.VERIFIED))


class VerifiedOnlyMiddleware:
    """Turn away every request whose view is not open to who makes it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_: object
    ) -> HttpResponse | None:
        if access_of(view) is not Access.VERIFIED:
            return None
        match = request.resolver_match
        now = timezone.now()
        # The cookie as it came: Django's session may be gone already, and ours says why.
        session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        signed_in = authentication.browser(session_key, now=now)
        if signed_in is None or not _is_verified(request):
            return _turn_away(request, session_key)
        if match is not None and "admin" in match.app_names:
            if not signed_in.is_staff:
                raise Http404
            if match.url_name == "login":
                return redirect("admin:index")  # signing in has its own page, with both factors
            if match.url_name == "logout" and request.method == "POST":
                authentication.sign_out(request, now=now)  # Django's would leave our record open
                return redirect(settings.LOGIN_URL)
        request.signed_in = signed_in  # type: ignore[attr-defined]
        return None


def _is_verified(request: HttpRequest) -> bool:
    user = request.user
    return user.is_authenticated and user.is_verified()  # type: ignore[attr-defined]


def _turn_away(request: HttpRequest, session_key: str | None) -> HttpResponse:
    why = sign_ins.last_ending(session_key)
    if request.user.is_authenticated:
        auth.logout(request)  # what is left of a sign-in that is over, or was never finished
    if request.path.startswith(PROGRAM_PATHS):
        return JsonResponse({"code": 40110000, "message": "Sign in first."}, status=401)
    query = {}
    if request.method == "GET" and request.path != "/":
        query["next"] = request.get_full_path()
    if why in (SignIn.Ending.IDLE, SignIn.Ending.TOO_LONG):
        query["ended"] = str(why)
    return redirect(f"{settings.LOGIN_URL}?{urlencode(query)}" if query else settings.LOGIN_URL)


def _mark(view: View, access: Access) -> View:
    setattr(view, _MARK, access)
    return view
