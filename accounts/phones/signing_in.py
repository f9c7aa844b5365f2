"""Signing a phone in: a password, then the second factor as a step of its own.

Between the two the phone holds a token that is good for five minutes, five attempts and one
success, and for nothing else. Who works with the firm's tools signs in at a browser, where a
security key can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest

from accounts.factors import proving, recovery, roster
from accounts.factors.models import Factor
from accounts.models import HalfwayPhone, Phone, RefreshToken, User
from accounts.phones import tokens
from accounts.phones.tokens import Pair
from accounts.sessions import judging, origins, security_log
from accounts.sessions.events import Kind


@dataclass(frozen=True, slots=True)
class Device:
    """What the app says of where it runs: the name it gave itself when it was installed, and one
    for people."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Halfway:
    """The token for the second step, and by what it can be taken; by nothing: enrol first."""

    token: str
    factors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignedInPhone:
    phone: Phone
    pair: Pair


class UnknownHalfway(PermissionError):
    """The token is of no halfway sign-in, or of one that is used, too old, or tried too often."""


class WrongCode(PermissionError):
    """This is no code of now. The same token may be tried again."""


class BoundToKeys(PermissionError):
    """This person signs in with a security key, at a browser."""


def begin(
    *, email: str, password: str, device: Device, address: str, now: datetime
) -> Halfway | None:
    """Return the token for the second step; None is all that is told of a wrong password.

    An unknown e-mail takes as long as a wrong password. Raises throttles.TooManyAttempts.
    """
    user = proving.verify_password(email=email, password=password, address=address, now=now)
    if user is None:
        return None
    token = tokens.new()
    HalfwayPhone.objects.create(
        token_digest=tokens.digest_of(token),
        user=user,
        name=device.name,
        device_digest=tokens.digest_of(device.id),
        begun_at=now,
    )
    means = roster.means(user)
    ways = {"authenticator": means.has_app, "recovery_code": means.has_recovery}
    return Halfway(token, tuple(way for way, is_there in ways.items() if is_there))


def finish(request: HttpRequest, *, token: str, code: str, now: datetime) -> SignedInPhone:
    """Sign the phone in with a code of an authenticator, or a recovery code.

    Raises UnknownHalfway, WrongCode, BoundToKeys, judging.SignInStopped and
    judging.StrongerFactorNeeded.
    """
    halfway = _attempted(token, now=now)
    user = halfway.user
    if roster.is_bound_to_keys(user):
        raise BoundToKeys
    factor = proved_by(user, code, now=now)
    if factor is None:
        raise WrongCode
    origin = origins.of(request)
    verdict = judging.admit(request, user=user, device=factor, origin=origin, now=now)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # one after the other
        if not HalfwayPhone.objects.filter(pk=halfway.pk, used_at=None).update(used_at=now):
            raise UnknownHalfway
        before = Phone.objects.filter(user=user, device_digest=halfway.device_digest, ended_at=None)
        before.update(ended_at=now, ending=Phone.Ending.AGAIN)
        pair = tokens.new_pair()
        phone = Phone.objects.create(
            user=user,
            name=halfway.name,
            device_digest=halfway.device_digest,
            password_stamp=tokens.digest_of(user.get_session_auth_hash()),
            factor=factor.name,
            address=origin.address,
            place=origin.place,
            started_at=now,
            seen_at=now,
            proved_at=now,
            strength=factor.strength,
            access_digest=tokens.digest_of(pair.access),
            access_until=now + tokens.ACCESS_LASTS,
        )
        RefreshToken.objects.create(
            digest=tokens.digest_of(pair.refresh), phone=phone, issued_at=now
        )
        about = f"{phone.name}, with {factor.name}"
        security_log.note(user, Kind.SIGNED_IN, now=now, origin=origin, about=about)
        judging.tell_of(user, verdict, origin, now=now)
    return SignedInPhone(phone, pair)


def proved_by(user: User, code: str, *, now: datetime) -> Factor | None:
    """Return the factor of `user` that `code` is of; it is used up then."""
    return proving.verify_code(user, code) or recovery.verify(user, code, now=now)


def step_up(user: User, phone_id: UUID, code: str, *, now: datetime) -> None:
    """Note that a second factor was proved again at this phone. Raises WrongCode, BoundToKeys."""
    if roster.is_bound_to_keys(user):
        raise BoundToKeys
    factor = proved_by(user, code, now=now)
    if factor is None:
        security_log.note(user, Kind.WRONG_CODE, now=now)
        raise WrongCode
    Phone.objects.filter(pk=phone_id, user=user, ended_at=None).update(
        proved_at=now, strength=factor.strength, factor=factor.name
    )


def _attempted(token: str, *, now: datetime) -> HalfwayPhone:
    """Return who is halfway in with this token, one attempt poorer. Raises UnknownHalfway."""
    with transaction.atomic():
        found = (
            HalfwayPhone.objects.select_for_update(of=("self",), no_key=True)
            .select_related("user")
            .filter(pk=tokens.digest_of(token), used_at=None, user__is_active=True)
            .filter(begun_at__gt=now - tokens.HALFWAY_LASTS)
            .filter(attempts__lt=tokens.HALFWAY_ATTEMPTS_MAX)
            .first()
        )
        if found is None:
            raise UnknownHalfway
        found.attempts += 1
        found.save(update_fields=["attempts"])
    return found
