"""Who calls, and for which account: a program by its key, or a browser that is signed in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.keys.keyring import Principal
from accounts.keys.terms import Scope
from accounts.sessions import authentication
from accounts.sessions.bearers import bearer_of
from accounts.sessions.sign_ins import SignedIn
from orders.tickets import Actor
from trading.api import errors, scopes

CREDENTIAL_LENGTH_MAX: Final = 200
CREDENTIAL_HEADERS: Final = frozenset(
    {b"apca-api-key-id", b"apca-api-secret-key", b"authorization"}
)
"""What `credentials` reads, as a server has it."""
CHALLENGE: Final = 'APCA-API-KEY realm="Openfloor"'


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose account a call acts, and who makes it; a program with what its key lets it do."""

    account_id: UUID
    actor: Actor
    principal: Principal | None = None

    @property
    def calls_per_minute(self) -> int | None:
        """Return how many calls this one may make, if not what everybody may."""
        return self.principal.calls_per_minute if self.principal else None


def credentials(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return (key id, secret) from the headers of a request, None when it has none.

    From APCA-API-KEY-ID and APCA-API-SECRET-KEY, or from HTTP Basic.
    """
    key_id, secret = headers.get("apca-api-key-id"), headers.get("apca-api-secret-key")
    if not key_id or not secret:
        key_id, secret = _basic(headers.get("authorization", ""))
    if not key_id or not secret or len(key_id) + len(secret) > CREDENTIAL_LENGTH_MAX:
        return None
    return key_id, secret


def caller_of(principal: Principal) -> Caller:
    return Caller(principal.account_id, Actor("api_key", principal.key_id), principal)


def authorize(principal: Principal, *, scope: Scope | None, address: str) -> None:
    """Return if the key may make a call that needs `scope`, from `address`. Raises ApiError."""
    if not principal.is_admitted(address):
        raise errors.ApiError(
            403, f"This key may not be used from {address}.", reason="address_not_allowed"
        )
    if not principal.may(scope):
        raise errors.ApiError(403, "This key may not do this.", reason="scope_missing")


def unauthorized() -> errors.ApiError:
    return errors.ApiError(401, "The API key or its secret is not valid.", reason="unauthorized")


class ApiKeyAuthentication(BaseAuthentication):
    """A program's key and secret; `request.auth` is the Caller."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Caller] | None:
        given = credentials({name.lower(): value for name, value in request.headers.items()})
        if given is None:
            return None
        address = request.META.get("REMOTE_ADDR", "")
        principal = authentication.api_key(*given, address=address)
        if principal is None:
            raise AuthenticationFailed
        return AnonymousUser(), caller_of(principal)

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class PhoneAuthentication(BaseAuthentication):
    """A phone's access token where programs bring keys, and for the same calls."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Caller] | None:
        token = bearer_of(request._request)
        if token is None:
            return None
        signed_in = authentication.phone(token, now=timezone.now())
        if signed_in is None:
            raise AuthenticationFailed
        return AnonymousUser(), _caller_of_person(signed_in)

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class SignedInAuthentication(SessionAuthentication):
    """A person whom the gate has let through; from a browser, whose cookie comes of itself, with
    the CSRF token on all that changes."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        signed_in = getattr(request._request, "signed_in", None)
        if signed_in is None:
            return None
        if bearer_of(request._request) is None:
            self.enforce_csrf(request)
        return request._request.user, _caller_of_person(signed_in)

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class IsCaller(BasePermission):
    """Only a call that was authenticated for an account goes on; a program's, if its key may."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = request.auth
        if not isinstance(caller, Caller):
            return False
        if caller.principal is not None:
            method = str(request.method).lower()
            handler = getattr(view, method, None) if method in view.http_method_names else None
            if handler is None:
                return True  # there is no such call: the view says so
            address = request.META.get("REMOTE_ADDR", "")
            authorize(caller.principal, scope=scopes.scope_of(handler), address=address)
        return True


def signed_in_of(request: Request) -> SignedIn:
    """Return who makes a call that only people make."""
    signed_in: SignedIn = request._request.signed_in  # type: ignore[attr-defined]  # the gate's
    return signed_in


def _caller_of_person(signed_in: SignedIn) -> Caller:
    if signed_in.account_id is None:
        raise errors.ApiError(403, "You have no trading account.", reason="no_account")
    return Caller(signed_in.account_id, Actor("user", str(signed_in.user_id)))


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 2 * CREDENTIAL_LENGTH_MAX:
        return "", ""
    try:
        key_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key_id, secret
