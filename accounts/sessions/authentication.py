"""Who is asking: a program with an API key, a browser that is signed in, or a phone.

All answers are believed in this process for at most a second, so that a warm one costs
microseconds and a key that is revoked, an account that is closed or a person who signs
out is refused by every process within that second.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Generic, TypeVar
from uuid import UUID

from django.contrib import auth
from django.http import HttpRequest
from django.utils import timezone

from accounts import selectors
from accounts.factors.strength import Strength
from accounts.keys import keyring
from accounts.keys.keyring import Key, Keyring, Principal
from accounts.keys.terms import Scope
from accounts.models import Phone, SignIn
from accounts.phones import staying, tokens
from accounts.sessions import sign_ins
from accounts.sessions.sign_ins import SignedIn
from foundation import bulk

CACHE_SECONDS: Final = 1.0
CACHE_ENTRIES_MAX: Final = 10_000


Answer = TypeVar("Answer")


class _Recent(Generic[Answer]):
    """Answers that are at most a second old, and never more than so many."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: dict[str, tuple[float, Answer]] = {}

    def get(self, name: str) -> Answer | None:
        found = self._answers.get(name)
        if found is None:
            return None
        return found[1] if time.monotonic() - found[0] < CACHE_SECONDS else None

    def put(self, name: str, answer: Answer, *, asked_at: float) -> None:
        """Keep an answer to a question that was put to the database at `asked_at`."""
        with self._lock:
            if len(self._answers) >= CACHE_ENTRIES_MAX:
                self._answers.clear()
            self._answers[name] = (asked_at, answer)

    def drop(self, name: str) -> None:
        with self._lock:
            self._answers.pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()


_keys = Keyring()
_browsers: _Recent[SignedIn] = _Recent()
_phones: _Recent[SignedIn] = _Recent()


def api_key_cached(key_id: str, secret: str, *, address: str = "") -> Principal | None:
    """Return the principal if this key was found valid within the last second; no database.

    `address` is where the call came from, which is noted as the key's last use.
    """
    now = time.monotonic()
    found = _keys.get(key_id, now=now)
    if found is None:
        return None
    principal = keyring.proved(found, keyring.digest_of(secret))
    if principal is not None:
        _keys.note_use(key_id, now=now, address=address)
    return principal


def api_key(key_id: str, secret: str, *, address: str = "") -> Principal | None:
    """Return whose key this is, or None: unknown, wrong, revoked, expired, of a closed account."""
    warm = api_key_cached(key_id, secret, address=address)
    if warm is None:
        warm = proved(look_up([key_id]).get(key_id), secret, address=address)
    if _keys.has_uses:
        write_uses()
    return warm


def proved(key: Key | None, secret: str, *, address: str = "") -> Principal | None:
    """Return whom the secret proves; `key` is what `look_up` found."""
    principal = keyring.proved(key, keyring.digest_of(secret))
    if principal is not None:
        _keys.note_use(principal.key_id, now=time.monotonic(), address=address)
    return principal


def is_look_due() -> bool:
    """Tell whether it is time to `look_up` the keys in use, so that none of them turns cold."""
    return _keys.is_due(now=time.monotonic()) or _keys.has_uses


def look_up(key_ids: Collection[str]) -> dict[str, Key]:
    """Ask the database for these keys, and for all in use here when that is due.

    Returns those that may be used, by id. Uses that were noted meanwhile are written down.
    """
    if _keys.has_uses:
        write_uses()
    asked_at, now = time.monotonic(), timezone.now()
    # PostgreSQL takes no text with a NUL.
    asked = {*_keys.take_due(now=asked_at), *(name for name in key_ids if "\0" not in name)}
    rows = bulk.execute(_VALID_KEYS, [now, list(asked), now]) if asked else []
    valid = {row[0]: _key(*row, now=now) for row in rows}
    _keys.keep(asked, valid, asked_at=asked_at)
    return valid


def _key(
    key_id: str,
    secret_digest: str,
    former_digest: str,
    account_id: UUID,
    scopes: list[str],
    networks: list[str],
    calls_per_minute: int | None,
    last_used_at: datetime | None,
    *,
    now: datetime,
) -> Key:
    principal = Principal(
        account_id, key_id, frozenset(map(Scope, scopes)), tuple(networks), calls_per_minute
    )
    unused = (now - last_used_at).total_seconds() if last_used_at else float("inf")
    return Key(secret_digest, principal, former_digest, unused)


def write_uses() -> None:
    """Write down when and from where keys were used, as it was noted, in one statement."""
    uses, now = _keys.take_uses(), time.monotonic()
    bulk.execute(
        _USED,
        [
            [use.key_id for use in uses],
            [timezone.now() - timedelta(seconds=now - use.at) for use in uses],
            [use.address or None for use in uses],
        ],
    )


# A restricted account may look and cancel; risk denies its new orders.
_VALID_KEYS: Final = """
    SELECT k.key_id, k.secret_digest,
           CASE WHEN k.former_until > %s THEN k.former_digest ELSE '' END,
           k.account_id, k.scopes, k.networks, k.calls_per_minute, k.last_used_at
      FROM accounts_apikey k
      JOIN accounts_account a ON a.id = k.account_id
      JOIN accounts_user u ON u.id = a.user_id
     WHERE k.key_id = ANY(%s) AND k.revoked_at IS NULL AND u.is_active AND a.status <> 'closed'
       AND (k.expires_at IS NULL OR k.expires_at > %s)
"""
# Whoever changes a key right now has it locked: its use is noted again in a minute.
_USED: Final = """
    WITH used AS (
        SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::inet[]) AS u (key_id, at, address)
    ), free AS (
        SELECT k.key_id FROM accounts_apikey k WHERE k.key_id IN (SELECT key_id FROM used)
           FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE accounts_apikey k SET last_used_at = used.at, last_used_from = used.address
      FROM used JOIN free USING (key_id)
     WHERE k.key_id = used.key_id
"""


def browser(session_key: str | None, *, now: datetime, is_activity: bool = True) -> SignedIn | None:
    """Return who is signed in, both factors proved, with this session cookie; or None.

    A request counts as activity and puts off the idle limit; a socket that only looks whether
    it may stay open passes `is_activity=False`.
    """
    if not session_key:
        return None
    name = sign_ins.digest_of(session_key)
    warm = _browsers.get(name)
    if warm is not None:
        return warm
    asked_at = time.monotonic()
    found = sign_ins.find(session_key, now=now, is_activity=is_activity)
    if found is not None:
        _browsers.put(name, found, asked_at=asked_at)
    return found


def phone(access_token: str, *, now: datetime) -> SignedIn | None:
    """Return who is signed in at the phone that holds this access token, or None."""
    name = tokens.digest_of(access_token)
    warm = _phones.get(name)
    if warm is not None:
        return warm
    asked_at = time.monotonic()
    found = staying.of_access(access_token, now=now)
    if found is None:
        return None
    signed_in = at_phone(found)
    _phones.put(name, signed_in, asked_at=asked_at)
    return signed_in


def at_phone(phone: Phone) -> SignedIn:
    """Return who is signed in at a phone, as somebody at a browser is."""
    account = selectors.account_of(phone.user)
    return SignedIn(
        sign_in_id=phone.pk,
        user_id=phone.user_id,
        account_id=account.pk if account else None,
        is_staff=phone.user.is_staff,
        proved_at=phone.proved_at,
        strength=Strength(phone.strength),
    )


def forget_phones() -> None:
    """Drop what this process remembers of phones: one of them has proved more, or has ended."""
    _phones.clear()


def sign_out(request: HttpRequest, *, now: datetime) -> None:
    """End what this browser has begun: signed in or halfway. Its session is gone at once here,
    within a second in other processes."""
    if request.session.session_key:
        sign_ins.end(request, why=SignIn.Ending.SIGNED_OUT, now=now)
        _browsers.drop(sign_ins.digest_of(request.session.session_key))
    auth.logout(request)


def forget_browser(session_key: str) -> None:
    """Drop what this process remembers of the session: its key was changed."""
    _browsers.drop(sign_ins.digest_of(session_key))


def forget() -> None:
    """Drop what this process remembers of anybody."""
    _keys.clear()
    _browsers.clear()
    _phones.clear()
