"""Asking for a second factor at a phone, to sign in and to step up alike.

An app shows the choices of its person and brings a proof of one of them: a code that an
authenticator shows, that we have sent or that stands on a sheet, or what a security key signed.
What it was asked is bound to its halfway sign-in or to the signed-in phone, as at a browser to
its session. Who works with the firm's tools is asked at a browser alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.utils.crypto import salted_hmac

from accounts.factors import proving, recovery, roster, security_keys, sent_codes
from accounts.factors.models import Factor
from accounts.factors.roster import Means
from accounts.models import MessageFactor, User
from accounts.sessions import security_log
from accounts.sessions.events import Kind
from accounts.sessions.origins import Origin

ID_LENGTH: Final = 32


class Way(StrEnum):
    """How a second factor is proved; the value is what an app reads."""

    AUTHENTICATOR = "authenticator"
    SECURITY_KEY = "security_key"
    SMS = "sms"
    EMAIL = "email"
    RECOVERY_CODE = "recovery_code"


SENT: Final = frozenset({Way.SMS, Way.EMAIL})


@dataclass(frozen=True, slots=True)
class Choice:
    """A way in which a person can prove a second factor now.

    `id` says nothing to others and is of this person alone; `target` is enough of a telephone
    number or e-mail address for its owner to know it, "" where nothing is sent.
    """

    id: str
    way: Way
    target: str = ""
    place: MessageFactor | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What an app brings: the code, or the JSON of a security key's answer, for a choice.

    A code for no choice is one of an authenticator or of the sheet of recovery codes.
    """

    code: str = ""
    key_answer: str = ""
    choice_id: str = ""


class BoundToKeys(PermissionError):
    """This person signs in with a security key, at a browser."""


class UnknownChoice(LookupError):
    """This person cannot prove a factor in this way; another may."""


class WrongCode(PermissionError):
    """This proves nothing now."""


def choices(user: User) -> tuple[Choice, ...]:
    """Return by what `user` can prove a second factor at a phone; staff, in production, by nothing:
    they do so at a browser."""
    if roster.is_bound_to_keys(user):
        return ()
    return tuple(_choices(user, roster.means(user)))


def send(user: User, choice_id: str, *, bound_to: str, now: datetime) -> Choice:
    """Send a code to the telephone or mailbox that was chosen; the code before it is void.

    Raises BoundToKeys, UnknownChoice, throttles.TooManyAttempts.
    """
    chosen = _chosen(user, choice_id)
    if chosen.place is None:
        raise UnknownChoice
    if sent_codes.send(user, chosen.place.pk, bound_to=bound_to, now=now) is None:
        raise UnknownChoice  # it was removed a moment ago
    return chosen


def key_options(user: User, *, bound_to: str, now: datetime) -> dict[str, Any]:
    """Return what the phone's keys are to sign (PublicKeyCredentialRequestOptions, as JSON).

    Raises BoundToKeys, UnknownChoice.
    """
    _no_staff(user)
    if not roster.means(user).has_key:
        raise UnknownChoice
    return security_keys.proof_options(user, bound_to=bound_to, now=now)


def proved(user: User, proof: Proof, *, bound_to: str, origin: Origin, now: datetime) -> Factor:
    """Return the factor of `user` that was proved; the proof is used up by that.

    Raises BoundToKeys, UnknownChoice and WrongCode, of which the owner reads in their log.
    """
    _no_staff(user)
    chosen = _chosen(user, proof.choice_id) if proof.choice_id else None
    factor = _proved(user, proof, chosen, bound_to=bound_to, now=now)
    if factor is None:
        security_log.note(user, Kind.WRONG_CODE, now=now, origin=origin)
        raise WrongCode
    return factor


def _proved(
    user: User, proof: Proof, chosen: Choice | None, *, bound_to: str, now: datetime
) -> Factor | None:
    if chosen is None and not proof.key_answer:
        return proving.verify_code(user, proof.code) or recovery.verify(user, proof.code, now=now)
    match chosen.way if chosen else Way.SECURITY_KEY:
        case Way.SECURITY_KEY:
            return security_keys.verify(
                user, proof.key_answer, bound_to=bound_to, now=now, is_from_app=True
            )
        case Way.AUTHENTICATOR:
            return proving.verify_code(user, proof.code)
        case Way.RECOVERY_CODE:
            return recovery.verify(user, proof.code, now=now)
        case Way.SMS | Way.EMAIL:
            factor = sent_codes.verify(user, proof.code, bound_to=bound_to, now=now)
            return factor if chosen and factor == chosen.place else None


def _no_staff(user: User) -> None:
    if roster.is_bound_to_keys(user):
        raise BoundToKeys


def _chosen(user: User, choice_id: str) -> Choice:
    _no_staff(user)
    for choice in choices(user):
        if choice.id == choice_id:
            return choice
    raise UnknownChoice


def _choices(user: User, means: Means) -> Iterator[Choice]:
    if means.has_app:
        yield Choice(_id_of(user, Way.AUTHENTICATOR), Way.AUTHENTICATOR)
    if means.has_key:
        yield Choice(_id_of(user, Way.SECURITY_KEY), Way.SECURITY_KEY)
    for place in means.places:
        target = sent_codes.shown_address(place)
        yield Choice(_id_of(user, place.persistent_id), Way(place.way), target, place)
    if means.has_recovery:
        yield Choice(_id_of(user, Way.RECOVERY_CODE), Way.RECOVERY_CODE)


def _id_of(user: User, what: str) -> str:
    said = salted_hmac("openfloor.choice", f"{user.pk} {what}", algorithm="sha256")
    return said.hexdigest()[:ID_LENGTH]
