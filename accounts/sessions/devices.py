"""The browsers and phones that a person is known by: each keeps a mark of its own, for 400 days.

The mark says nothing but a random number, signed, so that what nobody was ever given is not
looked for. It opens nothing: it only makes the next sign-in look less unusual. A browser keeps it
in a cookie and has it after every sign-in. An app keeps it as a text; it counts on the phone that
it was given to alone, comes anew with each strong proof, and goes when the phone is ended.
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
_PHONE_SALT: Final = "openfloor.phone"
_GIVEN: Final = "openfloor_device"


def is_known(request: HttpRequest, user: User) -> bool:
    """Say whether `user` has signed in at this browser before."""
    token = _token_of(request)
    return token is not None and _is_one_of(user, tokens.digest_of(token), device_digest="")


def remember(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Know this browser as one of `user`'s from now on; `give_cookie` tells it so."""
    token = _token_of(request) or _new_token()
    seen = {"last_seen_at": now, "browser": origins.of(request).browser}
    KnownDevice.objects.update_or_create(
        user=user,
        token_digest=tokens.digest_of(token),
        device_digest="",
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


def digest_of_mark(mark: str) -> str:
    """Return what is kept of a mark that an app has brought; "" if we gave none such."""
    token = _unsigned(mark, salt=_PHONE_SALT)
    return tokens.digest_of(token) if token is not None else ""


def is_known_phone(user: User, *, mark_digest: str, device_digest: str) -> bool:
    """Say whether this mark was given to this phone when `user` signed in there."""
    return mark_digest != "" and _is_one_of(user, mark_digest, device_digest=device_digest)


def mark_phone(user: User, *, device_digest: str, name: str, now: datetime) -> str:
    """Know this phone as one of `user`'s from now on; return the mark that it keeps, in place of
    the one before. Right only under a lock on the user's row."""
    token = _new_token()
    seen = {"token_digest": tokens.digest_of(token), "last_seen_at": now, "browser": name}
    KnownDevice.objects.update_or_create(
        user=user,
        device_digest=device_digest,
        defaults=seen,
        create_defaults={**seen, "first_seen_at": now},
    )
    return signing.TimestampSigner(salt=_PHONE_SALT).sign(token)


def forget_phone(user: User, *, device_digest: str) -> None:
    """Let this phone be unknown when somebody next signs in there as `user`."""
    KnownDevice.objects.filter(user=user, device_digest=device_digest).delete()


def _is_one_of(user: User, token_digest: str, *, device_digest: str) -> bool:
    found = KnownDevice.objects.filter(
        user=user, token_digest=token_digest, device_digest=device_digest
    )
    return found.exists()


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _unsigned(mark: str, *, salt: str) -> str | None:
    try:
        return str(signing.TimestampSigner(salt=salt).unsign(mark, max_age=AGE_MAX))
    except signing.BadSignature:
        return None


def _token_of(request: HttpRequest) -> str | None:
    given = getattr(request, _GIVEN, None)
    if given is not None:
        return str(given)
    return _unsigned(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT)
