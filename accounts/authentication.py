"""Who is asking: a program with an API key, or a browser that is signed in.

Both answers are kept in this process for at most a second, so that a warm one costs
microseconds and a key that is revoked, an account that is closed or a person who signs
out is refused by every process within that second.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final, Generic, TypeVar
from uuid import UUID

from django.contrib import auth
from django.http import HttpRequest

from accounts import services, sessions
from accounts.models import SignIn
from accounts.sessions import SignedIn
from foundation import bulk

CACHE_SECONDS: Final = 1.0
CACHE_ENTRIES_MAX: Final = 10_000
TOGETHER_MAX: Final = 1_000


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
        self._wanted_at: dict[str, float] = {}

    def get(self, name: str) -> Answer | None:
        found = self._answers.get(name)
        if found is None:
            return None
        self._wanted_at[name] = now = time.monotonic()
        return found[1] if now - found[0] < CACHE_SECONDS else None

    def put(self, name: str, answer: Answer, *, asked_at: float) -> None:
        """Keep an answer to a question that was put to the database at `asked_at`."""
        with self._lock:
            if len(self._answers) >= CACHE_ENTRIES_MAX:
                self._answers.clear()
                self._wanted_at.clear()
            self._answers[name] = (asked_at, answer)

    def names(self, seconds: float) -> list[str]:
        """Return those who were asked for within so many seconds; forget the others."""
        with self._lock:
            since = time.monotonic() - seconds
            for name in [name for name, at in self._wanted_at.copy().items() if at < since]:
                self._wanted_at.pop(name, None)
                self._answers.pop(name, None)
            return [name for name in self._answers if name in self._wanted_at]

    def drop(self, name: str) -> None:
        with self._lock:
            self._answers.pop(name, None)
            self._wanted_at.pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()
            self._wanted_at.clear()


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
    in_use = _keys.names(CACHE_SECONDS * 2)[:TOGETHER_MAX]
    rows = bulk.execute(_VALID_KEYS, [[key_id, *in_use]])
    valid = {name: (digest, Principal(account_id, name)) for name, digest, account_id in rows}
    _keep_in_use(in_use, valid, asked_at)
    # Compared even when there is no such key, so that both take the same time.
    digest, principal = valid.get(key_id, ("0" * 64, None))
    is_right = hmac.compare_digest(digest, services.digest_of_secret(secret))
    if principal is None or not is_right:
        return None
    _keys.put(key_id, (digest, principal), asked_at=asked_at)
    return principal


def _keep_in_use(
    in_use: Sequence[str], valid: Mapping[str, tuple[str, Principal]], asked_at: float
) -> None:
    """Take note of the keys at work here, whose secrets were proved before, as they are now.

    They are asked for with whichever of them is due, so that one question a second serves all.
    """
    for name in in_use:
        if name in valid:
            _keys.put(name, valid[name], asked_at=asked_at)
        else:
            _keys.drop(name)


# A restricted account may look and cancel; risk denies its new orders.
_VALID_KEYS: Final = """
    SELECT k.key_id, k.secret_digest, k.account_id
      FROM accounts_apikey k
      JOIN accounts_account a ON a.id = k.account_id
      JOIN accounts_user u ON u.id = a.user_id
     WHERE k.key_id = ANY(%s) AND k.revoked_at IS NULL AND u.is_active AND a.status <> 'closed'
"""


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
