"""The account's keys for programs: list, make, give another secret, revoke.

Making one and giving it another secret ask for a fresh second factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors as accounts
from accounts.keys import issuing
from accounts.keys.terms import ALL, InvalidTerms, Scope, Terms
from accounts.models import ApiKey
from accounts.sessions.gate import freshly_proved
from trading.api import errors, queries, wire
from trading.api.views.base import Call, account_of, fields

NAME_LENGTH_MAX: Final = 60
KEY_LENGTH_MAX: Final = 100
OVERLAP_HOURS: Final = 24
_KNOWN: Final = frozenset({"name", "scopes", "networks", "expires_at", "calls_per_minute"})


@freshly_proved("POST")
class Keys(Call):
    """The account's API keys. A new one's secret is in this one answer and nowhere else."""

    def get(self, request: Request) -> Response:
        return Response([_key(key) for key in accounts.api_keys(account_of(self))])

    def post(self, request: Request) -> Response:
        body = fields(request, _KNOWN)
        name = body.get("name", "")
        if not isinstance(name, str) or len(name) > NAME_LENGTH_MAX or not name.isprintable():
            raise errors.invalid(f"name must be a text of at most {NAME_LENGTH_MAX} characters.")
        try:
            key, secret = issuing.create(
                account_of(self),
                name.strip(),
                terms=_terms(body),
                actor=str(self.origin.actor),
                now=self.origin.received_at,
            )
        except InvalidTerms as error:
            raise errors.invalid(str(error), reason="invalid_key", field=error.field) from None
        except issuing.TooManyApiKeys as error:
            raise errors.invalid(str(error), reason="too_many_keys") from None
        except issuing.AccountNotActive as error:
            raise errors.ApiError(403, str(error), reason="account_restricted") from None
        return Response(_key(key) | {"secret_key": secret}, status=201)


class KeyOf(Call):
    def delete(self, request: Request, key_id: str) -> Response:
        """Revoke a key: refused everywhere within a second."""
        try:
            issuing.revoke(
                account_of(self),
                _named(key_id),
                actor=str(self.origin.actor),
                now=self.origin.received_at,
            )
        except issuing.UnknownApiKey:
            raise errors.not_found("The key") from None
        return Response(status=204)


@freshly_proved("POST")
class KeyRotation(Call):
    """Another secret for a key; the one before works on for `overlap_hours`, a day if unsaid."""

    def post(self, request: Request, key_id: str) -> Response:
        hours = fields(request, {"overlap_hours"}).get("overlap_hours", OVERLAP_HOURS)
        if isinstance(hours, bool) or not isinstance(hours, int) or not 0 <= hours <= 10_000:
            raise errors.invalid("overlap_hours must be a whole number.")
        try:
            key, secret = issuing.rotate(
                account_of(self),
                _named(key_id),
                overlap=timedelta(hours=hours),
                actor=str(self.origin.actor),
                now=self.origin.received_at,
            )
        except issuing.UnknownApiKey:
            raise errors.not_found("The key") from None
        except issuing.InvalidOverlap as error:
            raise errors.invalid(str(error)) from None
        except issuing.KeyEnded as error:
            raise errors.invalid(str(error), reason="key_ended") from None
        return Response(_key(key) | {"secret_key": secret})


def _named(key_id: str) -> str:
    if not key_id.isprintable() or len(key_id) > KEY_LENGTH_MAX:
        raise errors.not_found("The key")
    return key_id


def _terms(body: Mapping[str, Any]) -> Terms:
    """Return what a key is asked for to be. Raises ApiError."""
    scopes, networks = body.get("scopes", sorted(ALL)), body.get("networks", [])
    if not _are_texts(scopes) or not set(scopes) <= set(Scope):
        raise errors.invalid(f"scopes must be a list of {', '.join(Scope)}.")
    if not _are_texts(networks):
        raise errors.invalid("networks must be a list of addresses.")
    calls = body.get("calls_per_minute")
    if calls is not None and (isinstance(calls, bool) or not isinstance(calls, int)):
        raise errors.invalid("calls_per_minute must be a whole number.")
    return Terms(
        scopes=frozenset(map(Scope, scopes)),
        networks=tuple(networks),
        expires_at=_expires_at(body),
        calls_per_minute=calls,
    )


def _expires_at(body: Mapping[str, Any]) -> datetime | None:
    given = body.get("expires_at")
    if given is not None and not isinstance(given, str):
        raise errors.invalid("expires_at must be a time such as 2026-01-05T14:30:00Z.")
    return queries.moment({"expires_at": given}, "expires_at") if given else None


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _key(key: ApiKey) -> wire.Json:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": key.scopes,
        "networks": key.networks,
        "calls_per_minute": key.calls_per_minute,
        "created_at": wire.timestamp(key.created_at),
        "expires_at": wire.timestamp(key.expires_at),
        "revoked_at": wire.timestamp(key.revoked_at),
        "rotated_until": wire.timestamp(key.former_until),
        "last_used_at": wire.timestamp(key.last_used_at),
        "last_used_from": key.last_used_from,
    }
