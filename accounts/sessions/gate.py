"""The one gate: nothing is reachable without a verified second factor, unless it says so.

Every view is closed by default. One that is not says so beside its own definition:

    @public                 anybody: sign-in pages, probes
    @half_signed_in         who has given a password: their second factor, or enrolling one
    @own_authentication     a handler that authenticates each request itself: API keys

A view of what is dear asks for more than being signed in, for all it does or for some methods:

    @freshly_proved                   a second factor, proved within five minutes (step-up)
    @freshly_proved("POST", "DELETE") the same, where looking needs none
    @freshly_proved(strong=True)      and neither a code by SMS or e-mail nor a recovery code

The admin is for staff alone, to whom else it does not exist, and in production for those alone
who came by a security key that knew them. Where a view stands is read from
the view itself and never inherited from a base class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar, overload
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import auth
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import ResolverMatch
from django.utils import timezone

from accounts.factors.strength import Strength
from accounts.models import SignIn, User
from accounts.sessions import authentication, proof, sign_ins
from accounts.sessions.bearers import bearer_of
from accounts.sessions.sign_ins import SignedIn

View = TypeVar("View", bound=Callable[..., Any])

PROGRAM_PATHS: Final = ("/api/", "/v1", "/v2")
PHONE_PATHS: Final = ("/api/",)
PROVE_PATH: Final = "/prove"
AGREE_PATH: Final = "/terms/agree"
PROOF_NEEDED: Final = 40310020
NEEDS: Final = {"strong": Strength.STRONG, "verified": Strength.VERIFIED}
"""What `need` in an address of the page that asks for a proof means."""
_MARK: Final = "openfloor_access"
_PROOF_MARK: Final = "openfloor_proof"


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


@dataclass(frozen=True, slots=True)
class ProofWanted:
    """Of which methods a fresh proof is wanted (of all if none is named), and how strong."""

    methods: frozenset[str]
    strength: Strength

    def concerns(self, method: str | None) -> bool:
        return not self.methods or ("GET" if method == "HEAD" else method) in self.methods


@overload
def freshly_proved(view: View, /) -> View: ...


@overload
def freshly_proved(*methods: str, strong: bool = False) -> Callable[[View], View]: ...


def freshly_proved(*given: Any, strong: bool = False) -> Any:
    """Ask whoever reaches this view (a function, or a class of views) for a fresh second factor."""
    if len(given) == 1 and callable(given[0]):
        return freshly_proved()(given[0])
    strength = Strength.STRONG if strong else Strength.WEAK
    wanted = ProofWanted(frozenset(given), strength)

    def mark(view: View) -> View:
        setattr(view, _PROOF_MARK, wanted)
        return view

    return mark


def proof_wanted(view: Callable[..., Any]) -> ProofWanted | None:
    """Return the proof that `view` asks for, as it is found in the URL configuration.

    Unlike an open door it is inherited: a view that is derived from a dear one is dear.
    """
    owner = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    return getattr(owner, _PROOF_MARK, None)


def access_of(view: Callable[..., Any]) -> Access:
    """Return who may reach `view`, as it is found in the URL configuration."""
    owner = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    return Access(vars(owner).get(_MARK, Access.VERIFIED))


def person_of(request: HttpRequest) -> User:
    """Return who is signed in, for a view that this gate lets nobody else reach."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


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
        token = bearer_of(request)
        if token is not None and request.path.startswith(PHONE_PATHS):
            signed_in = authentication.phone(token, now=now)
            if signed_in is None:
                return _sign_in_first()
            request.signed_in = signed_in  # type: ignore[attr-defined]
            return _ask_for_proof(request, view, signed_in, now=now)
        signed_in = authentication.browser(session_key, now=now)
        if signed_in is None or not _is_verified(request):
            return _turn_away(request, session_key)
        if match is not None and "admin" in match.app_names:
            elsewhere = _keep_to_staff(request, match, signed_in, now=now)
            if elsewhere is not None:
                return elsewhere
        request.signed_in = signed_in  # type: ignore[attr-defined]
        if signed_in.owes_agreement and _is_page_to_read(request):
            return redirect(_address(AGREE_PATH, {"next": request.get_full_path()}))
        return _ask_for_proof(request, view, signed_in, now=now)


def _is_page_to_read(request: HttpRequest) -> bool:
    """Tell whether a page was asked for: what it would do and ask for comes only after it."""
    return request.method == "GET" and not (
        _wants_json(request) or request.path.startswith((AGREE_PATH, PROVE_PATH))
    )


def _keep_to_staff(
    request: HttpRequest, match: ResolverMatch, signed_in: SignedIn, *, now: datetime
) -> HttpResponse | None:
    """Return where to go instead of this page of the admin, if not there."""
    if not signed_in.is_staff:
        raise Http404
    if match.url_name == "login":
        return redirect("admin:index")  # signing in has its own page, with both factors
    if match.url_name in ("password_change", "password_change_done"):
        return redirect("password")  # Django's would tell nobody and end no other sign-in
    if match.url_name == "logout" and request.method == "POST":
        authentication.sign_out(request, now=now)  # Django's would leave our record open
        return redirect(settings.LOGIN_URL)
    # A newcomer to the demo shape comes in by a link; members of staff by a key alone.
    if not settings.DEMO and signed_in.strength < Strength.VERIFIED:
        return _send_to_prove(request, Strength.VERIFIED)
    return None


def _ask_for_proof(
    request: HttpRequest, view: Callable[..., Any], signed_in: SignedIn, *, now: datetime
) -> HttpResponse | None:
    wanted = proof_wanted(view)
    if wanted is None or not wanted.concerns(request.method):
        return None
    if proof.is_fresh(signed_in, now=now, strength=wanted.strength):
        return None
    return _send_to_prove(request, wanted.strength)


def _send_to_prove(request: HttpRequest, strength: Strength) -> HttpResponse:
    named = [name for name, need in NEEDS.items() if need == strength]
    query = {"need": named[0]} if named else {}
    if _wants_json(request):
        body = {
            "code": PROOF_NEEDED,
            "message": "Prove a second factor again.",
            "reason": "proof_needed",
            "prove": _address(PROVE_PATH, query),
        }
        return JsonResponse(body, status=403)
    return redirect(_address(PROVE_PATH, {**query, "next": _page_of(request)}))


def _wants_json(request: HttpRequest) -> bool:
    """Say whether a program asks, or a page's script, to which a redirect says nothing."""
    is_script = request.headers.get("Accept") == "application/json"
    return is_script or request.path.startswith(PROGRAM_PATHS)


def _page_of(request: HttpRequest) -> str:
    """Return the page to come back to: what was asked for, or where the form stood."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = urlsplit(request.headers.get("Referer", ""))
    return came_from.path if came_from.netloc == request.get_host() else "/"


def _address(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _is_verified(request: HttpRequest) -> bool:
    user = request.user
    return user.is_authenticated and user.is_verified()  # type: ignore[attr-defined]


def _turn_away(request: HttpRequest, session_key: str | None) -> HttpResponse:
    why = sign_ins.last_ending(session_key)
    if request.user.is_authenticated:
        auth.logout(request)  # what is left of a sign-in that is over, or was never finished
    if request.path.startswith(PROGRAM_PATHS):
        return _sign_in_first()
    query = {}
    if request.method == "GET" and request.path != "/":
        query["next"] = request.get_full_path()
    if why not in (None, SignIn.Ending.SIGNED_OUT):
        query["ended"] = str(why)
    return redirect(_address(settings.LOGIN_URL, query))


def _sign_in_first() -> HttpResponse:
    return JsonResponse({"code": 40110000, "message": "Sign in first."}, status=401)


def _mark(view: View, access: Access) -> View:
    setattr(view, _MARK, access)
    return view
