"""Factors that people of tests are given, at one browser or another."""

from __future__ import annotations

from django.utils import timezone

from accounts.factors import security_keys
from accounts.factors.sent_codes import Way
from accounts.models import MessageFactor, SecurityKey, User
from tests.authenticator import SoftwareKey

NOW = timezone.now()
HERE, THERE = "a" * 64, "b" * 64  # two browsers


def registered(user: User, key: SoftwareKey, *, name: str = "blue key") -> SecurityKey:
    options = security_keys.registration_options(user, bound_to=HERE, now=NOW)
    answer = key.create(options)
    return security_keys.register(user, answer, name=name, bound_to=HERE, now=NOW)


def proved(user: User, key: SoftwareKey) -> SecurityKey | None:
    options = security_keys.proof_options(user, bound_to=HERE, now=NOW)
    return security_keys.verify(user, key.get(options), bound_to=HERE, now=NOW)


def place(user: User, way: Way = Way.EMAIL, address: str = "box@example.com") -> MessageFactor:
    return MessageFactor.objects.create(user=user, way=way, address=address, name="box")
