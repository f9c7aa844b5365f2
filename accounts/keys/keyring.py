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

from accounts.keys import terms
from accounts.keys.terms import Scope
from foundation.tokens import digest_of as digest_of

BELIEVED_SECONDS: Final = 1.0
ASKED_AGAIN_SECONDS: Final = 0.5
KEPT_SECONDS: Final = 60.0
USE_NOTED_SECONDS: Final = 60.0
NEVER: Final = float("-inf")
KEYS_MAX: Final = 10_000

_NO_DIGEST: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Principal:
    """A program that proved its key, the one account that it may act for, and what it may there.

    It may do nothing that is not among `scopes`, and nothing at all from outside `networks`.
    """

    account_id: UUID
    key_id: str
    scopes: frozenset[Scope] = frozenset()
    networks: tuple[str, ...] = ()
    calls_per_minute: int | None = None

    def may(self, scope: Scope | None) -> bool:
        """Tell whether a call that needs `scope` is within what the key is for; None never is."""
        return scope in self.scopes

    def is_admitted(self, address: str) -> bool:
        return terms.admits(self.networks, address)


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may be used, with the digest of its secret, and of the one before if that works.

    `unused_seconds` is how long ago its last use was that the database knows of.
    """

    secret_digest: str
    principal: Principal
    former_digest: str = ""
    unused_seconds: float = float("inf")


@dataclass(frozen=True, slots=True)
class Use:
    """The first use of a key in a minute, by the ring's clock."""

    key_id: str
    at: float
    address: str


@dataclass(slots=True)
class _Kept:
    key: Key
    asked_at: float
    wanted_at: float
    used_at: float


def proved(key: Key | None, secret_digest: str) -> Principal | None:
    """Return whom the secret with this digest proves; None for a wrong one, or without a key.

    Compared even when there is no such key, so that both take the same time.
    """
    is_right = hmac.compare_digest(key.secret_digest if key else _NO_DIGEST, secret_digest)
    if key is None:
        return None
    if not is_right and key.former_digest:
        is_right = hmac.compare_digest(key.former_digest, secret_digest)
    return key.principal if is_right else None


class Keyring:
    """Times are of one clock that only rises, in seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}
        self._uses: dict[str, Use] = {}
        self._asked_at = NEVER

    def get(self, key_id: str, *, now: float) -> Key | None:
        """Return the key if it is to be believed now."""
        kept = self._kept.get(key_id)
        if kept is None:
            return None
        kept.wanted_at = now
        return kept.key if now - kept.asked_at < BELIEVED_SECONDS else None

    def note_use(self, key_id: str, *, now: float, address: str) -> None:
        """Take note that the key was proved; the first time in a minute, to be written down."""
        kept = self._kept.get(key_id)
        if kept is not None and now - kept.used_at >= USE_NOTED_SECONDS:
            with self._lock:
                kept.used_at = now
                self._uses[key_id] = Use(key_id, now, address)

    @property
    def has_uses(self) -> bool:
        """Tell whether there is anything for `take_uses`."""
        return bool(self._uses)

    def take_uses(self) -> list[Use]:
        """Return the uses that were noted since the last call; whoever calls writes them down."""
        with self._lock:
            taken, self._uses = self._uses, {}
        return list(taken.values())

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
                    continue
                used_at = asked_at - valid[key_id].unused_seconds
                if kept := self._kept.get(key_id):
                    kept.key, kept.asked_at = valid[key_id], asked_at
                    kept.used_at = max(kept.used_at, used_at)
                else:
                    self._make_room()
                    self._kept[key_id] = _Kept(valid[key_id], asked_at, asked_at, used_at)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._uses.clear()
            self._asked_at = NEVER

    def _make_room(self) -> None:
        if len(self._kept) >= KEYS_MAX:
            self._kept.clear()
