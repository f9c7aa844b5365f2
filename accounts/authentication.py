"""Who is asking: a program with an API key, or a browser that is signed in.

Both answers are kept in this process for at most a second, so that a warm one costs
microseconds and a key that is revoked, an account that is closed or a person who signs
out is refused by every process within that second.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final, Generic, TypeVar
from uuid import UUID

from django.contrib import auth
from django.http import HttpRequest

from accounts import services, sessions
from accounts.models import Account, ApiKey, SignIn
from accounts.sessions import SignedIn

CACHE_SECONDS: Final = 1.0
CACHE_ENTRIES_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Principal:
    """A program that proved its key, and the one account that it may act for."""

    account_id: UUID
    key_id: str


Answer = TypeVar("Answer")


class _Recent(Generic[Answer]):
    """Answers that are at most a second old, and never more than so many."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: dict[str, tuple[float, Answer]] = {}

    def get(self, name: str) -> Answer | None:
        found = self._answers.get(name)
        if found is None or time.monotonic() - found[0] >= CACHE_SECONDS:
            return None
        return found[1]

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


_keys: _Recent[tuple[str, Principal]] = _Recent()
_browsers: _Recent[SignedIn] = _Recent()


def api_key_cached(key_id: str, secret: str) -> Principal | None:
    """Return the principal if this key was verified within the last second; no database."""
    found = _keys.get(key_id)
    if found is None:
        return None
    digest, principal = found
    return principal if hmac.compare_digest(digest, services.digest_of_secret(secret)) else None


def api_key(key_id: str, secret: str) -> Principal | None:
    """Return whose key this is, or None: unknown, wrong, revoked, or of a closed account."""
    warm = api_key_cached(key_id, secret)
    if warm is not None:
        return warm
    if "\0" in key_id:
        return None  # PostgreSQL takes no such text
    asked_at = time.monotonic()
    key = (
        ApiKey.objects.filter(
            key_id=key_id,
            revoked_at=None,
            account__user__is_active=True,
        )
        # A restricted account may look and cancel; risk denies its new orders.
        .exclude(account__status=Account.Status.CLOSED)
        .only("key_id", "secret_digest", "account_id")
        .first()
    )
    # Compared even when there is no such key, so that both take the same time.
    digest = key.secret_digest if key else "0" * 64
    is_right = hmac.compare_digest(digest, services.digest_of_secret(secret))
    if key is None or not is_right:
        return None
    principal = Principal(account_id=key.account_id, key_id=key.key_id)
    _keys.put(key_id, (digest, principal), asked_at=asked_at)
    return principal


def browser_cached(session_key: str) -> SignedIn | None:
    """Return who is signed in with this session if it was seen within the last second."""
    return _browsers.get(sessions.digest_of(session_key))


def browser(session_key: str | None, *, now: datetime, is_activity: bool = True) -> SignedIn | None:
    """Return who is signed in, both factors proved, with this session cookie; or None.

    A request counts as activity and puts off the idle limit; a socket that only looks whether
    it may stay open passes `is_activity=False`.
    """
    if not session_key:
        return None
    name = sessions.digest_of(session_key)
    warm = _browsers.get(name)
    if warm is not None:
        return warm
    asked_at = time.monotonic()
    found = sessions.find(session_key, now=now, is_activity=is_activity)
    if found is not None:
        _browsers.put(name, found, asked_at=asked_at)
    return found


def sign_out(request: HttpRequest, *, now: datetime) -> None:
    """End what this browser has begun: signed in or halfway. Its session is gone at once here,
    within a second in other processes."""
    if request.session.session_key:
        sessions.end(request, why=SignIn.Ending.SIGNED_OUT, now=now)
        _browsers.drop(sessions.digest_of(request.session.session_key))
    auth.logout(request)


def forget() -> None:
    """Drop what this process remembers of anybody."""
    _keys.clear()
    _browsers.clear()
