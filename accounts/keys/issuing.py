"""Making keys for programs, giving them another secret, and revoking them.

Each is in the account's activity log, and the person is written a letter.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import activity, locks
from accounts.chain import Event
from accounts.keys import terms as rules
from accounts.keys.terms import Scope, Terms
from accounts.letters import writing
from accounts.locks import LockedAccount
from accounts.models import Account, ApiKey
from accounts.sessions import security_log
from accounts.sessions.events import Kind
from foundation import tokens

KEY_ID_PREFIX: Final = "PK"
KEY_ID_LENGTH: Final = 20
KEY_ID_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing read as something else
API_KEYS_MAX: Final = 20
OVERLAP: Final = timedelta(days=1)
OVERLAP_MAX: Final = timedelta(days=7)
ANYTHING: Final = Terms()


class AccountNotActive(ValueError):
    """The account is restricted or closed."""


class TooManyApiKeys(ValueError):
    """The account has as many keys as it may have."""


class UnknownApiKey(LookupError):
    """The account has no such key."""


class KeyEnded(ValueError):
    """The key is revoked or expired: another one is to be made."""


class InvalidOverlap(ValueError):
    """The old secret works on for seven days at most."""


def create(
    account: Account,
    name: str = "",
    *,
    terms: Terms = ANYTHING,
    actor: str = "",
    now: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create a key for programs; its secret is in the answer and nowhere else.

    Raises AccountNotActive, TooManyApiKeys, terms.InvalidTerms.
    """
    now = now or timezone.now()
    terms = rules.checked(terms, now=now)
    secret = tokens.new()
    with transaction.atomic():
        locked = locks.lock(account.pk)
        if locked.status != Account.Status.ACTIVE:
            raise AccountNotActive(f"Account {locked.number} is {locked.status}.")
        if ApiKey.objects.filter(account=locked, revoked_at=None).count() >= API_KEYS_MAX:
            raise TooManyApiKeys(f"Revoke a key first: {API_KEYS_MAX} are the most.")
        key = ApiKey.objects.create(
            key_id=_new_key_id(),
            secret_digest=tokens.digest_of(secret),
            account=locked,
            name=name,
            scopes=[scope.value for scope in Scope if scope in terms.scopes],
            networks=list(terms.networks),
            expires_at=terms.expires_at,
            calls_per_minute=terms.calls_per_minute,
            created_at=now,
        )
        _record(locked, "key.created", key, actor=actor, now=now)
        writing.write(
            locked.user,
            "key_created",
            now=now,
            key=f"{key.key_id} ({name})" if name else key.key_id,
            at=now,
            may="read and trade" if Scope.TRADE in terms.scopes else "read",
            networks=", ".join(terms.networks) or "anywhere",
            until=terms.expires_at or "revoked",
        )
    return key, secret


def rotate(
    account: Account,
    key_id: str,
    *,
    overlap: timedelta = OVERLAP,
    actor: str = "",
    now: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Give a key another secret, on the same terms; the one before works on for `overlap`.

    One that was still working from an earlier time stops now. Raises UnknownApiKey, KeyEnded,
    InvalidOverlap.
    """
    now = now or timezone.now()
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise InvalidOverlap(f"The old secret works on for {OVERLAP_MAX.days} days at most.")
    secret = tokens.new()
    with transaction.atomic():
        locked, key = _locked(account, key_id)
        is_over = key.expires_at is not None and key.expires_at <= now
        if key.revoked_at is not None or is_over:
            raise KeyEnded("This key has ended: make another one.")
        key.former_digest, key.former_until = key.secret_digest, now + overlap
        key.secret_digest = tokens.digest_of(secret)
        key.save(update_fields=["secret_digest", "former_digest", "former_until"])
        _record(locked, "key.rotated", key, actor=actor, now=now)
        writing.write(
            locked.user, "key_rotated", now=now, key=key.key_id, at=now, until=key.former_until
        )
    return key, secret


def revoke(
    account: Account, key_id: str, *, actor: str = "", now: datetime | None = None
) -> ApiKey:
    """Revoke a key of `account`: refused everywhere within a second. Again: no effect.

    Raises UnknownApiKey.
    """
    now = now or timezone.now()
    with transaction.atomic():
        locked, key = _locked(account, key_id)
        if key.revoked_at is None:
            key.revoked_at = now
            key.save(update_fields=["revoked_at"])
            _record(locked, "key.revoked", key, actor=actor, now=now)
    return key


def _locked(account: Account, key_id: str) -> tuple[LockedAccount, ApiKey]:
    locked = locks.lock(account.pk)
    try:
        return locked, ApiKey.objects.get(key_id=key_id, account=locked)
    except ApiKey.DoesNotExist:
        raise UnknownApiKey(key_id) from None


def _record(locked: LockedAccount, kind: str, key: ApiKey, *, actor: str, now: datetime) -> None:
    payload = {"key_id": key.key_id, "name": key.name}
    activity.record([(locked, Event(kind, now, actor or f"user:{locked.user_id}", payload))])
    about = f"{key.key_id} {key.name}".strip()
    security_log.note(locked.user, Kind(kind.replace(".", "_")), now=now, about=about)


def _new_key_id() -> str:
    length = KEY_ID_LENGTH - len(KEY_ID_PREFIX)
    return KEY_ID_PREFIX + "".join(secrets.choice(KEY_ID_ALPHABET) for _ in range(length))
