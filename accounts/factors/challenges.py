"""What a browser is asked, and answers once: bound to its session, for five minutes.

A challenge is taken under the lock of its row, so that of eight answers at once one counts.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from accounts.models import Challenge, User

AGE_MAX: Final = timedelta(minutes=5)
FAILURES_MAX: Final = 5
CODE_DIGITS: Final = 6


def ask(
    user: User,
    kind: Challenge.Kind,
    *,
    bound_to: str,
    expected: str,
    now: datetime,
    device: str = "",
) -> None:
    """Ask the browser `bound_to` (the digest of its session's key); a former question is void."""
    Challenge.objects.update_or_create(
        bound_to=bound_to,
        kind=kind,
        defaults={
            "user": user,
            "expected": expected,
            "device": device,
            "failures": 0,
            "expires_at": now + AGE_MAX,
        },
    )


def take(user: User, kind: Challenge.Kind, *, bound_to: str, now: datetime) -> Challenge | None:
    """Return what this browser was asked and forget it: whatever it answers, it does so once."""
    with transaction.atomic():
        found = _locked(user, kind, bound_to=bound_to, now=now)
        if found is not None:
            Challenge.objects.filter(pk=found.pk).delete()
    return found


def answer_code(
    user: User, kind: Challenge.Kind, code: str, *, bound_to: str, now: datetime, about: str = ""
) -> str | None:
    """Return the device that `code` was sent to, if it is the code that this browser waits for.

    The code is used up by that, and by the fifth wrong one. `about` is what it confirms, if that
    is more than a device.
    """
    with transaction.atomic():
        found = _locked(user, kind, bound_to=bound_to, now=now)
        if found is None:
            return None
        is_right = hmac.compare_digest(
            found.expected, digest_of_code(code, bound_to=bound_to, about=about)
        )
        if is_right or found.failures + 1 >= FAILURES_MAX:
            found.delete()
        else:
            found.failures += 1
            found.save(update_fields=["failures"])
    return found.device if is_right else None


def digest_of_code(code: str, *, bound_to: str, about: str = "") -> str:
    """Return what is kept of a code: without SECRET_KEY nobody can try all million of them."""
    key = hashlib.sha256(f"openfloor sent codes {settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, f"{bound_to} {code} {about}".encode(), hashlib.sha256).hexdigest()


def _locked(user: User, kind: Challenge.Kind, *, bound_to: str, now: datetime) -> Challenge | None:
    waiting = Challenge.objects.select_for_update().filter(
        user=user, kind=kind, bound_to=bound_to, expires_at__gt=now
    )
    return waiting.first()
