"""What is thrown away of signing in; accounts, keys and activities are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.sessions.models import Session

from accounts.models import (
    Challenge,
    HalfwayPhone,
    Joining,
    KnownDevice,
    Letter,
    Phone,
    RefreshToken,
    ResetLink,
    SignIn,
    SignInLink,
    TextMessage,
    Throttle,
)
from accounts.phones import tokens

SIGN_INS_KEPT: Final = timedelta(days=90)
LINKS_KEPT: Final = timedelta(days=1)
"""Longer than any session: a used link is the second factor of the one that it opened."""
DEVICES_KEPT: Final = timedelta(days=400)
JOININGS_KEPT: Final = timedelta(days=30)
LETTERS_KEPT: Final = timedelta(days=365)
THROTTLES_KEPT: Final = timedelta(days=2)


def drop(*, now: datetime) -> int:
    """Drop what is past its time; return how many rows. A second call finds none."""
    stale = (
        Session.objects.filter(expire_date__lt=now),
        SignIn.objects.filter(seen_at__lt=now - SIGN_INS_KEPT),
        Phone.objects.filter(seen_at__lt=now - SIGN_INS_KEPT),
        HalfwayPhone.objects.filter(begun_at__lt=now - tokens.HALFWAY_LASTS),
        RefreshToken.objects.filter(issued_at__lt=now - tokens.AGE_MAX),
        KnownDevice.objects.filter(last_seen_at__lt=now - DEVICES_KEPT),
        Joining.objects.filter(expires_at__lt=now - JOININGS_KEPT),
        Letter.objects.filter(written_at__lt=now - LETTERS_KEPT),
        SignInLink.objects.filter(expires_at__lt=now - LINKS_KEPT),
        ResetLink.objects.filter(expires_at__lt=now - LINKS_KEPT),
        Challenge.objects.filter(expires_at__lt=now),
        TextMessage.objects.filter(written_at__lt=now - LETTERS_KEPT),
        Throttle.objects.filter(last_at__lt=now - THROTTLES_KEPT, closed_until__isnull=True)
        | Throttle.objects.filter(last_at__lt=now - THROTTLES_KEPT, closed_until__lt=now),
    )
    return sum(rows.delete()[0] for rows in stale)
