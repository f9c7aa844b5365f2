"""Joining: an address, a letter with a link, then a password and the terms. Nobody is registered
before the link was used.

Whoever asks learns nothing of who is registered: the answer is the same, only the letter tells,
and that goes to the owner of the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts import selectors, services
from accounts.letters import writing
from accounts.models import Account, Joining, Letter, TermsAcceptance, User
from accounts.sessions import security_log, throttles
from accounts.sessions.events import Kind
from accounts.sessions.origins import Origin
from accounts.sessions.throttles import Subject
from foundation import tokens

AGE_MAX: Final = timedelta(hours=24)
PENDING: Final = "Not open yet: some answers are missing."


class LinkGone(LookupError):
    """The link was used, is too old, or never was."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was written to somebody who wants an account. `token` is in the letter's link; "" when
    the letter says that there is an account already."""

    letter: Letter
    token: str


def ask(*, email: str, origin: Origin, now: datetime) -> Asked:
    """Write to `email` how to open an account, or that there is one already.

    Raises services.InvalidEmail, and throttles.TooManyAttempts: five letters for an address, and
    twenty for whom they are asked from.
    """
    email = services.checked_email(email)
    throttles.charge(
        (
            *throttles.registration_subjects(address=origin.address or "unknown"),
            Subject(f"join {email}", free=5),
        ),
        now=now,
    )
    user = selectors.user_by_email(email)
    token = tokens.new()
    with transaction.atomic():
        if user is not None:
            return Asked(writing.write(user, "already_registered", now=now, at=now), "")
        Joining.objects.filter(email=email, used_at=None).delete()  # the newest letter counts
        Joining.objects.create(
            email=email,
            token_digest=tokens.digest_of(token),
            created_at=now,
            expires_at=now + AGE_MAX,
            address=origin.address,
        )
        link = f"{settings.PUBLIC_URL}/join/{token}"
        letter = writing.write(None, "verify_email", now=now, to=email, lasts=AGE_MAX, link=link)
    return Asked(letter, token)


def find(token: str, *, now: datetime) -> Joining | None:
    """Return whose address the link confirms if it still does; looking uses nothing up."""
    return _usable(token, now=now).first()


def join(
    token: str, *, name: str, password: str, version: str, origin: Origin, now: datetime
) -> User:
    """Register the owner of the link's address, who has agreed to `version` of the terms.

    Their account is pending: it is opened when their profile is whole. Raises LinkGone, and
    services.InvalidName and passwords.PasswordRefused, which leave the link as it is.
    """
    with transaction.atomic():
        found = _usable(token, now=now).select_for_update().first()
        if found is None:
            raise LinkGone
        try:
            user = services.register(email=found.email, name=name, password=password)
        except services.EmailTaken:
            raise LinkGone from None  # somebody at a terminal was faster
        found.used_at = now
        found.save(update_fields=["used_at"])
        services.open_account(user, status=Account.Status.PENDING, reason=PENDING)
        TermsAcceptance.objects.create(
            user=user, version=version, accepted_at=now, address=origin.address
        )
        security_log.note(
            user, Kind.JOINED, now=now, origin=origin, about=f"agreed to the terms of {version}"
        )
    return user


def agree(user: User, *, version: str, origin: Origin, now: datetime) -> None:
    """Note that `user` agrees to `version` of the terms. Again: no effect."""
    with transaction.atomic():
        _, is_new = TermsAcceptance.objects.get_or_create(
            user=user,
            version=version,
            defaults={"accepted_at": now, "address": origin.address},
        )
        if is_new:
            security_log.note(user, Kind.TERMS_AGREED, now=now, origin=origin, about=version)


def _usable(token: str, *, now: datetime) -> QuerySet[Joining]:
    return Joining.objects.filter(
        token_digest=tokens.digest_of(token), used_at=None, expires_at__gt=now
    )
