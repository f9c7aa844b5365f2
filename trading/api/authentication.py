"""Who calls, and for which account: a program by its key, or a browser that is signed in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.keys.keyring import Principal
from accounts.sessions import authentication
from orders.tickets import Actor
from trading.api import errors

CREDENTIAL_LENGTH_MAX: Final = 200
CREDENTIAL_HEADERS: Final = frozenset(
    {b"apca-api-key-id", b"apca-api-secret-key", b"authorization"}
)
"""What `credentials` reads, as a server has it."""
CHALLENGE: Final = 'APCA-API-KEY realm="Openfloor"'


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose account a call acts, and who makes it."""

    account_id: UUID
    actor: Actor


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
    return Caller(account_id=principal.account_id, actor=Actor("api_key", principal.key_id))


def unauthorized() -> errors.ApiError:
    return errors.ApiError(401, "The API key or its secret is not valid.", reason="unauthorized")


class ApiKeyAuthentication(BaseAuthentication):
    """A program's key and secret; `request.auth` is the Caller."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Caller] | None:
        given = credentials({name.lower(): value for name, value in request.headers.items()})
        if given is None:
            return None
        principal = authentication.api_key(*given)
        if principal is None:
            raise AuthenticationFailed
        return AnonymousUser(), caller_of(principal)

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class SignedInAuthentication(SessionAuthentication):
    """A browser that the gate has let through, with the CSRF token on all that changes."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        signed_in = getattr(request._request, "signed_in", None)
        if signed_in is None:
            return None
        self.enforce_csrf(request)
        if signed_in.account_id is None:
            raise errors.ApiError(403, "You have no trading account.", reason="no_account")
        caller = Caller(signed_in.account_id, Actor("user", str(signed_in.user_id)))
        return request._request.user, caller

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class IsCaller(BasePermission):
    """Only a call that was authenticated for an account goes on."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Caller)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 2 * CREDENTIAL_LENGTH_MAX:
        return "", ""
    try:
        key_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key_id, secret
