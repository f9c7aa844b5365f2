"""The keys in use in this process, as the database had them moments ago. Pure.

A key that is here is believed for BELIEVED_SECONDS after the question to the database that found
it, and no longer, whoever uses it. So that nobody has to wait for the next question, all keys in
use are asked for again before that, in one.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final
from uuid import UUID

BELIEVED_SECONDS: Final = 1.0
ASKED_AGAIN_SECONDS: Final = 0.5
KEPT_SECONDS: Final = 60.0
KEYS_MAX: Final = 10_000

_NO_DIGEST: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Principal:
    """A program that proved its key, and the one account that it may act for."""

    account_id: UUID
    key_id: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may be used, with the digest of its secret."""

    secret_digest: str
    principal: Principal


@dataclass(slots=True)
class _Kept:
    key: Key
    asked_at: float
    wanted_at: float


def proved(key: Key | None, secret_digest: str) -> Principal | None:
    """Return whom the secret with this digest proves; None for a wrong one, or without a key.

    Compared even when there is no such key, so that both take the same time.
    """
    is_right = hmac.compare_digest(key.secret_digest if key else _NO_DIGEST, secret_digest)
    return key.principal if key is not None and is_right else None


class Keyring:
    """Times are of one clock that only rises, in seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}
        self._asked_at = float("-inf")

    def get(self, key_id: str, *, now: float) -> Key | None:
        """Return the key if it is to be believed now."""
        kept = self._kept.get(key_id)
        if kept is None:
            return None
        kept.wanted_at = now
        return kept.key if now - kept.asked_at < BELIEVED_SECONDS else None

    def is_due(self, *, now: float) -> bool:
        """Tell whether it is time to ask for all keys in use again."""
        return now - self._asked_at >= ASKED_AGAIN_SECONDS and bool(self._kept)

    def take_due(self, *, now: float) -> list[str]:
        """Return all keys in use when it is time, else none; those that nobody uses are forgotten.

        Whoever calls asks for them, and then calls `keep`.
        """
        with self._lock:
            if not self.is_due(now=now):
                return []
            self._asked_at = now
            since = now - KEPT_SECONDS
            self._kept = {name: kept for name, kept in self._kept.items() if kept.wanted_at > since}
            return list(self._kept)

    def keep(self, asked: Iterable[str], valid: Mapping[str, Key], *, asked_at: float) -> None:
        """Take note of what was asked for at `asked_at`, and which of it may be used."""
        with self._lock:
            for key_id in asked:
                if key_id not in valid:
                    self._kept.pop(key_id, None)
                elif kept := self._kept.get(key_id):
                    kept.key, kept.asked_at = valid[key_id], asked_at
                else:
                    self._make_room()
                    self._kept[key_id] = _Kept(valid[key_id], asked_at, asked_at)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._asked_at = float("-inf")

    def _make_room(self) -> None:
        if len(self._kept) >= KEYS_MAX:
            self._kept.clear()
