"""Signing a phone in: a password, then the second factor as a step of its own.

Between the two the phone holds a token that is good for five minutes, five attempts and one
success, and for nothing else. Who works with the firm's tools signs in at a browser, where a
security key can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.factors import mailboxes, proving
from accounts.factors.models import Factor
from accounts.factors.strength import Strength
from accounts.models import HalfwayPhone, Phone, RefreshToken, User
from accounts.phones import asking, tokens
from accounts.phones.asking import Choice, Proof
from accounts.phones.tokens import Pair
from accounts.sessions import devices, judging, security_log
from accounts.sessions.anomalies import Verdict
from accounts.sessions.events import Kind
from accounts.sessions.origins import NOWHERE, Origin


@dataclass(frozen=True, slots=True)
class Device:
    """What the app says of where it runs: the name it gave itself when it was installed, one for
    people, and the mark that it is known by, if it has one."""

    id: str
    name: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Halfway:
    """The token for the second step, and by what it can be taken; by nothing: enrol first."""

    token: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class SignedInPhone:
    """A phone with its first tokens, and the mark that it is known by from now on: "" after one
    weak proof alone, where what it had before stands."""

    phone: Phone
    pair: Pair
    mark: str


class UnknownHalfway(PermissionError):
    """The token is of no halfway sign-in, or of one that is used, too old, or tried too often."""


class AnotherProofNeeded(PermissionError):
    """This sign-in is unusual, for which `text` says why: the same token takes a proof of one of
    `choices` beside the one that was given."""

    def __init__(self, text: str, choices: tuple[Choice, ...]) -> None:
        super().__init__(text)
        self.text, self.choices = text, choices


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
        mark_digest=devices.digest_of_mark(device.mark),
        begun_at=now,
    )
    return Halfway(token, asking.choices(user))


def send_code(token: str, choice_id: str, *, now: datetime) -> Choice:
    """Send a code for the second step to where was chosen.

    Raises UnknownHalfway, throttles.TooManyAttempts, and what `asking.send` raises.
    """
    halfway = _waiting(token, now=now)
    return asking.send(halfway.user, choice_id, bound_to=halfway.pk, now=now)


def ask_key(token: str, *, now: datetime) -> dict[str, Any]:
    """Return what a security key is to sign for the second step.

    Raises UnknownHalfway, and what `asking.key_options` raises.
    """
    halfway = _waiting(token, now=now)
    return asking.key_options(halfway.user, bound_to=halfway.pk, now=now)


def finish(token: str, proof: Proof, *, origin: Origin = NOWHERE, now: datetime) -> SignedInPhone:
    """Sign the phone in with a proof of a second factor.

    Raises UnknownHalfway, AnotherProofNeeded, judging.SignInStopped, and what `asking.proved`
    raises.
    """
    halfway = _attempted(token, now=now)
    user = halfway.user
    factor = asking.proved(user, proof, bound_to=halfway.pk, origin=origin, now=now)
    verdict = _admit(halfway, factor, origin=origin, now=now)
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
        mailboxes.note_proved(user, factor)
        mark = ""
        if factor.strength >= Strength.STRONG or _has_done_their_best(halfway):
            mark = devices.mark_phone(
                user, device_digest=phone.device_digest, name=phone.name, now=now
            )
        about = f"{phone.name}, with {factor.name}"
        if verdict.reasons:
            about = f"{about}; {verdict.text}"
        security_log.note(user, Kind.SIGNED_IN, now=now, origin=origin, about=about)
        judging.tell_of(user, verdict, origin, now=now)
    return SignedInPhone(phone, pair, mark)


def _admit(halfway: HalfwayPhone, factor: Factor, *, origin: Origin, now: datetime) -> Verdict:
    """Have the sign-in judged as at a browser; a proof that was too weak is noted down."""
    try:
        return judging.admit(
            halfway.user,
            factor,
            origin=origin,
            is_known_device=devices.is_known_phone(
                halfway.user,
                mark_digest=halfway.mark_digest,
                device_digest=halfway.device_digest,
            ),
            has_proved_weak=halfway.has_proved_weak,
            now=now,
        )
    except judging.StrongerFactorNeeded as error:
        HalfwayPhone.objects.filter(pk=halfway.pk).update(has_proved_weak=True)
        choices = asking.choices(halfway.user)
        if judging.has_stronger(halfway.user):
            choices = tuple(each for each in choices if each.way not in asking.SENT)
        raise AnotherProofNeeded(error.text, choices) from None


def _has_done_their_best(halfway: HalfwayPhone) -> bool:
    """Tell whether two weak proofs were given by somebody who has nothing stronger: asked for two
    every time, they would learn nothing but to type codes."""
    return halfway.has_proved_weak and not judging.has_stronger(halfway.user)


def _waiting(token: str, *, now: datetime) -> HalfwayPhone:
    """Return who is halfway in with this token. Raises UnknownHalfway."""
    found = _of_token(token, now=now).first()
    if found is None:
        raise UnknownHalfway
    return found


def _attempted(token: str, *, now: datetime) -> HalfwayPhone:
    """Return who is halfway in with this token, one attempt poorer. Raises UnknownHalfway."""
    with transaction.atomic():
        found = _of_token(token, now=now).select_for_update(of=("self",), no_key=True).first()
        if found is None:
            raise UnknownHalfway
        found.attempts += 1
        found.save(update_fields=["attempts"])
    return found


def _of_token(token: str, *, now: datetime) -> QuerySet[HalfwayPhone]:
    return HalfwayPhone.objects.select_related("user").filter(
        pk=tokens.digest_of(token),
        used_at=None,
        user__is_active=True,
        begun_at__gt=now - tokens.HALFWAY_LASTS,
        attempts__lt=tokens.HALFWAY_ATTEMPTS_MAX,
    )
