"""Step-up at a phone: a second factor proved again, before what is dear."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Phone
from accounts.phones import asking, tokens
from accounts.phones.asking import Choice, Proof
from accounts.sessions.origins import NOWHERE, Origin


class UnknownPhone(LookupError):
    """Nobody is signed in there: it is a browser, or was ended a moment ago."""


def choices(phone_id: UUID) -> tuple[Choice, ...]:
    """Return by what whoever is signed in at this phone can prove again. Raises UnknownPhone."""
    return asking.choices(_phone(phone_id).user)


def send_code(phone_id: UUID, choice_id: str, *, now: datetime) -> Choice:
    """Send a code to where was chosen.

    Raises UnknownPhone, throttles.TooManyAttempts, and what `asking.send` raises.
    """
    phone = _phone(phone_id)
    return asking.send(phone.user, choice_id, bound_to=_bound_to(phone), now=now)


def ask_key(phone_id: UUID, *, now: datetime) -> dict[str, Any]:
    """Return what a security key is to sign.

    Raises UnknownPhone, and what `asking.key_options` raises.
    """
    phone = _phone(phone_id)
    return asking.key_options(phone.user, bound_to=_bound_to(phone), now=now)


def prove(phone_id: UUID, proof: Proof, *, origin: Origin = NOWHERE, now: datetime) -> None:
    """Note that a second factor was proved again at this phone, and how strong the proof was.

    Raises UnknownPhone, and what `asking.proved` raises.
    """
    phone = _phone(phone_id)
    factor = asking.proved(phone.user, proof, bound_to=_bound_to(phone), origin=origin, now=now)
    Phone.objects.filter(pk=phone.pk, ended_at=None).update(
        proved_at=now, strength=factor.strength, factor=factor.name
    )


def _phone(phone_id: UUID) -> Phone:
    found = Phone.objects.select_related("user").filter(pk=phone_id, ended_at=None).first()
    if found is None:
        raise UnknownPhone
    return found


def _bound_to(phone: Phone) -> str:
    """Return what questions to this phone are bound to; no token's digest is the same."""
    return tokens.digest_of(f"phone {phone.pk}")
