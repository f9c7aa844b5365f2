"""The tokens of a phone: how they are made, and how long they last. Pure.

A refresh token makes its successors itself, with a salt that is kept beside its digest: so whoever
asks again because the answer was lost gets the same answer, and nobody who reads the database gets
any. The salt goes when the successor is first used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from foundation.tokens import digest_of as digest_of
from foundation.tokens import new as new

HALFWAY_LASTS: Final = timedelta(minutes=5)
HALFWAY_ATTEMPTS_MAX: Final = 5
ACCESS_LASTS: Final = timedelta(minutes=10)
IDLE_MAX: Final = timedelta(days=7)
AGE_MAX: Final = timedelta(days=30)
GRACE: Final = timedelta(seconds=10)
"""Within which a used refresh token is answered once more, as its answer may have been lost."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What a phone holds from now on."""

    access: str
    refresh: str


def new_pair() -> Pair:
    return Pair(access=new(), refresh=new())


def successors(refresh: str, *, salt: str) -> Pair:
    """Return what follows a refresh token: the same for the same salt."""
    return Pair(
        access=_derived(refresh, f"access {salt}"), refresh=_derived(refresh, f"refresh {salt}")
    )


def is_over(*, started_at: datetime, seen_at: datetime, now: datetime) -> bool:
    """Tell whether a phone has been signed in, or silent, for too long."""
    return now - started_at >= AGE_MAX or now - seen_at >= IDLE_MAX


def _derived(refresh: str, purpose: str) -> str:
    found = hmac.new(refresh.encode(), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode()
