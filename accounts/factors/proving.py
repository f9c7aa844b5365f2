"""Both factors: the password proved, the second one enrolled and proved.

A code or a link is accepted once. django-otp's devices promise that only if whoever verifies
holds a lock on the device's row, which `django_otp.verify_token` takes and the devices' own
methods do not; so everything that is proved is proved here.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

import django_otp
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.utils import timezone

from accounts import selectors
from accounts.factors import roster
from accounts.models import SignInLink, TotpDevice, User
from accounts.services import NotInProduction
from accounts.sessions import origins, security_log, throttles
from accounts.sessions.events import Kind
from foundation import tokens

ISSUER = "Openfloor"
DEVICE_NAME = "authenticator app"
WAITING_MAX = timedelta(hours=1)


class AlreadyEnrolled(RuntimeError):
    """The user has a factor; another is added by someone who has proved that one."""


class NoAuthenticator(LookupError):
    """The user has no authenticator app."""


def verify_password(*, email: str, password: str, address: str, now: datetime) -> User | None:
    """Return whose e-mail and password these are; None is all that is told of why not.

    An unknown e-mail takes as long as a wrong password. Raises throttles.TooManyAttempts.
    """
    subjects = throttles.sign_in_subjects(email=email, address=address)
    throttles.charge(subjects, now=now)
    user = ModelBackend().authenticate(None, username=email, password=password)
    if user is None:
        _note_failure(email, address, now=now)
        return None
    throttles.give_back(subjects, now=now)
    return User.objects.get(pk=user.pk)


def _note_failure(email: str, address: str, *, now: datetime) -> None:
    """Let the owner of `email`, if there is one, read of a wrong password."""
    known = selectors.user_by_email(email)
    if known is not None:
        origin = origins.of_address(address)
        security_log.note(known, Kind.WRONG_PASSWORD, now=now, origin=origin)


def begin_enrolment(user: User, *, beside: bool = False) -> TotpDevice:
    """Return the device that `user` is about to confirm: the same until they do, for an hour.

    Raises AlreadyEnrolled, so that a password alone never adds a factor beside the real one;
    `beside` is for whoever has proved that one a moment ago.
    """
    with transaction.atomic():
        _lock(user)
        if not beside and roster.factors(user):
            raise AlreadyEnrolled
        # Whoever looked at its secret in another hour may not have been the owner.
        stale = timezone.now() - WAITING_MAX
        TotpDevice.objects.filter(user=user, confirmed=False, created_at__lt=stale).delete()
        device: TotpDevice = TotpDevice.objects.get_or_create(
            user=user, confirmed=False, defaults={"name": DEVICE_NAME}
        )[0]
    return device


def confirm_enrolment(
    user: User, code: str, *, name: str = DEVICE_NAME, beside: bool = False
) -> TotpDevice | None:
    """Take the device into use if `code` is its code; otherwise None.

    Raises AlreadyEnrolled, and NoAuthenticator when none was begun.
    """
    with transaction.atomic():
        _lock(user)
        if not beside and roster.factors(user):
            raise AlreadyEnrolled
        waiting = TotpDevice.objects.select_for_update().filter(user=user, confirmed=False)
        device: TotpDevice | None = waiting.first()
        if device is None:
            raise NoAuthenticator
        if not device.verify_token(code):
            return None
        device.confirmed, device.name = True, name
        device.save(update_fields=["confirmed", "name"])
    return device


def enrol_unseen(user: User) -> TotpDevice:
    """Give `user` a confirmed authenticator whose codes `manage.py code` prints.

    Raises NotInProduction, AlreadyEnrolled.
    """
    if not settings.DEMO:
        raise NotInProduction("In production people enrol their own authenticator.")
    with transaction.atomic():
        device = begin_enrolment(user)
        device.confirmed = True
        device.save(update_fields=["confirmed"])
    return device


def verify_code(user: User, code: str) -> TotpDevice | None:
    """Return the user's authenticator that `code` is of, now and unused; otherwise None."""
    for device in selectors.authenticators(user):
        verified: TotpDevice | None = django_otp.verify_token(user, device.persistent_id, code)
        if verified is not None:
            return verified
    return None


def codes_refused_until(user: User) -> datetime | None:
    """Return until when no code of `user` is looked at, after too many wrong ones."""
    for device in selectors.authenticators(user):
        is_allowed, why = device.verify_is_allowed()
        if not is_allowed and why:
            until: datetime = why["locked_until"]
            return until
    return None


def find_link(token: str, *, now: datetime) -> SignInLink | None:
    """Return the link with this token if it can still be used; looking uses nothing up."""
    link = (
        SignInLink.objects.filter(token_digest=tokens.digest_of(token), user__is_active=True)
        .select_related("user")
        .first()
    )
    return link if settings.DEMO and link is not None and link.is_usable(now=now) else None


def use_link(token: str, *, now: datetime) -> SignInLink | None:
    """Use the link with this token up, and return it; None if it is used, too old or unknown."""
    link = find_link(token, now=now)
    if link is None:
        return None
    used: SignInLink | None = django_otp.verify_token(link.user, link.persistent_id, token)
    return used


def current_code(user: User, *, now: datetime) -> str:
    """Return the code that the user's authenticator shows now, or, if that one was used, the next,
    which is accepted already. Without one, the code of the app that is about to be confirmed.

    Raises NotInProduction, NoAuthenticator.
    """
    if not settings.DEMO:
        raise NotInProduction("Codes are printed in the demo shape only.")
    begun = TotpDevice.objects.filter(user=user, confirmed=False)
    for device in selectors.authenticators(user) or begun:
        generator = device.totp(at=now.timestamp())
        if generator.t() <= device.step_last:
            generator.time += device.STEP_SECONDS
        return f"{generator.token():0{generator.digits}}"
    raise NoAuthenticator(f"{user.email} has no authenticator app.")


def secret_text(device: TotpDevice) -> str:
    """Return the seed in base 32, to be typed into an app that cannot scan."""
    return base64.b32encode(device.totp(at=0).key).decode()


def enrolment_address(device: TotpDevice) -> str:
    """Return the otpauth:// address that authenticator apps scan (Google's Key Uri Format)."""
    label = quote(f"{ISSUER}:{device.user.email}", safe=":@")
    query = urlencode({"secret": secret_text(device), "issuer": ISSUER})  # the rest is the default
    return f"otpauth://totp/{label}?{query}"


def _lock(user: User) -> None:
    """Let one enrolment of this user happen at a time."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
