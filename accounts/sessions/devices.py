"""The browsers that a person is known by: each has a cookie of its own, for 400 days.

The cookie says nothing but a random number, signed, so that what no browser was ever given is
not looked for. It opens nothing: it only makes the next sign-in look less unusual.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from accounts.models import KnownDevice, User
from accounts.sessions import origins
from foundation import tokens

AGE_MAX: Final = timedelta(days=400)
TOKEN_BYTES: Final = 24
_SALT: Final = "openfloor.device"
_GIVEN: Final = "openfloor_device"


def is_known(request: HttpRequest, user: User) -> bool:
    """Say whether `user` has signed in at this browser before."""
    token = _token_of(request)
    return (
        token is not None
        and KnownDevice.objects.filter(user=user, token_digest=tokens.digest_of(token)).exists()
    )


def remember(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Know this browser as one of `user`'s from now on; `give_cookie` tells it so."""
    token = _token_of(request) or secrets.token_urlsafe(TOKEN_BYTES)
    seen = {"last_seen_at": now, "browser": origins.of(request).browser}
    KnownDevice.objects.update_or_create(
        user=user,
        token_digest=tokens.digest_of(token),
        defaults=seen,
        create_defaults={**seen, "first_seen_at": now},
    )
    setattr(request, _GIVEN, token)


def give_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Let the browser keep what it is known by, if that was decided in this request."""
    token = getattr(request, _GIVEN, None)
    if token is not None:
        response.set_cookie(
            settings.DEVICE_COOKIE_NAME,
            signing.TimestampSigner(salt=_SALT).sign(token),
            max_age=AGE_MAX,
            secure=settings.SECURE_COOKIES,
            httponly=True,
            samesite="Lax",
        )


def _token_of(request: HttpRequest) -> str | None:
    given = getattr(request, _GIVEN, None)
    if given is not None:
        return str(given)
    cookie = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    try:
        return str(signing.TimestampSigner(salt=_SALT).unsign(cookie, max_age=AGE_MAX))
    except signing.BadSignature:
        return None
