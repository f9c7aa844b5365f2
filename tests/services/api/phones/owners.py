"""Owners of phones: what they have, what they are let do, and what was written of it."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from accounts.factors import recovery, roster, security_keys
from accounts.factors.strength import Strength
from accounts.models import Letter, MessageFactor, SecurityEvent, User
from accounts.sessions.events import Kind
from tests.authenticator import SoftwareKey
from tests.phone_app import App

START = datetime.fromisoformat("2026-03-02T17:00:00+00:00")
VIENNA, TOKYO = "131.130.1.78", "133.11.0.1"
TABLET = {"id": "installation-0002", "name": "Pat's tablet"}
WEAK, STRONG, VERIFIED = Strength.WEAK, Strength.STRONG, Strength.VERIFIED


def add_place(user: User, way: str, address: str) -> MessageFactor:
    return MessageFactor.objects.create(user=user, way=way, address=address, name=f"my {way}")


def add_key(user: User, key: SoftwareKey | None = None) -> SoftwareKey:
    key, now, here = key or SoftwareKey(), timezone.now(), "a" * 64
    asked = security_keys.registration_options(user, bound_to=here, now=now)
    security_keys.register(user, key.create(asked), name="blue key", bound_to=here, now=now)
    return key


def keep_only(user: User, kind: str) -> None:
    """Take every factor but those of this kind."""
    for factor in roster.factors(user):
        if getattr(factor, "way", "") != kind:
            factor.delete()


def has_signed_in_before(user: User, *, address: str | None = None) -> None:
    """Let this not be the first sign-in of all, where nothing is unknown yet."""
    app = App(user, {"id": "installation-0000", "name": "an old phone"})
    app.address = address or app.address
    code, *_ = recovery.renew(user, now=timezone.now())
    app.gives_password()
    assert app.gives(code=code, factor_id=app.id_of("recovery_code")).status_code == 200
    recovery.renew(user, now=timezone.now())
    Letter.objects.all().delete()


def logged(user: User) -> list[str]:
    kinds = (Kind.SIGNED_IN, Kind.STRONGER_ASKED, Kind.SIGN_IN_STOPPED, Kind.WRONG_CODE)
    found = SecurityEvent.objects.filter(user=user, kind__in=kinds).order_by("pk")
    return list(found.values_list("kind", flat=True))


def letters() -> list[str]:
    return list(Letter.objects.exclude(kind="code").order_by("pk").values_list("kind", flat=True))
