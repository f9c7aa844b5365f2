"""Which of many sign-ins stand: a handful of queries, however many sockets wait on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.apps import apps
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from accounts.sessions import sign_ins, store


def browsers(session_digests: Collection[str], *, now: datetime) -> set[str]:
    """Return those of these sessions in which somebody is signed in, both factors proved, and the
    second of them still theirs. To be looked at is no activity."""
    signed_in = sign_ins.standing(session_digests, now=now)
    users = {digest: each.user_id for digest, each in signed_in.items()}
    return with_factors(users, now=now)


def with_factors(users: Mapping[str, UUID], *, now: datetime) -> set[str]:
    """Return those of these sessions whose second factor is still that of their user."""
    held = store.contents(users, now=now)
    factors = {digest: each.get(DEVICE_ID_SESSION_KEY, "") for digest, each in held.items()}
    owners = _owners(set(factors.values()))
    return {digest for digest, factor in factors.items() if owners.get(factor) == users[digest]}


def _owners(factors: Collection[str]) -> dict[str, UUID]:
    """Return whose each of these confirmed factors is, by their lasting ids."""
    kinds: dict[str, list[int]] = defaultdict(list)
    for factor in factors:
        kind, _, number = factor.rpartition("/")
        if number.isdecimal():
            kinds[kind].append(int(number))
    owners: dict[str, UUID] = {}
    for kind, numbers in kinds.items():
        with suppress(ValueError, LookupError):  # of a kind that there is no more
            model = apps.get_model(kind)
            if issubclass(model, Device):
                found = model.objects.filter(pk__in=numbers, confirmed=True)
                owners |= {f"{kind}/{pk}": user for pk, user in found.values_list("pk", "user_id")}
    return owners
