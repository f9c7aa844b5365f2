"""Who is asking: a program with an API key, or a browser that is signed in.

Both answers are believed in this process for at most a second, so that a warm one costs
microseconds and a key that is revoked, an account that is closed or a person who signs
out is refused by every process within that second.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime
from threading import Lock
from typing import Final, Generic, TypeVar

from django.contrib import auth
from django.http import HttpRequest

from accounts import services
from accounts.keys import keyring
from accounts.keys.keyring import Key, Keyring, Principal
from accounts.models import SignIn
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


def api_key_cached(key_id: str, secret: str) -> Principal | None:
    """Return the principal if this key was found valid within the last second; no database."""
    found = _keys.get(key_id, now=time.monotonic())
    return None if found is None else keyring.proved(found, services.digest_of_secret(secret))


def api_key(key_id: str, secret: str) -> Principal | None:
    """Return whose key this is, or None: unknown, wrong, revoked, or of a closed account."""
    warm = api_key_cached(key_id, secret)
    return warm or proved(look_up([key_id]).get(key_id), secret)


def proved(key: Key | None, secret: str) -> Principal | None:
    """Return whom the secret proves; `key` is what `look_up` found."""
    return keyring.proved(key, services.digest_of_secret(secret))


def is_look_due() -> bool:
    """Tell whether it is time to `look_up` the keys in use, so that none of them turns cold."""
    return _keys.is_due(now=time.monotonic())


def look_up(key_ids: Collection[str]) -> dict[str, Key]:
    """Ask the database for these keys, and for all in use here when that is due.

    Returns those that may be used, by id.
    """
    asked_at = time.monotonic()
    # PostgreSQL takes no text with a NUL.
    asked = {*_keys.take_due(now=asked_at), *(name for name in key_ids if "\0" not in name)}
    rows = bulk.execute(_VALID_KEYS, [list(asked)]) if asked else []
    valid = {name: Key(digest, Principal(account_id, name)) for name, digest, account_id in rows}
    _keys.keep(asked, valid, asked_at=asked_at)
    return valid


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
    return _browsers.get(sign_ins.digest_of(session_key))


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
