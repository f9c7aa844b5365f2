"""Which of many sign-ins stand: a handful of queries, however many sockets wait on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.apps import apps
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from accounts import selectors
from accounts.models import SignIn
from accounts.sessions import sign_ins, store
from accounts.sessions.sign_ins import SignedIn


def browsers(session_digests: Collection[str], *, now: datetime) -> set[str]:
    """Return those of these sessions in which somebody is signed in, both factors proved, and the
    second of them still theirs. To be looked at is no activity."""
    return set(_stand(session_digests, now=now))


def signed_in(session_digests: Collection[str], *, now: datetime) -> dict[str, SignedIn]:
    """Return who is signed in with those of these sessions that stand as `browsers` says."""
    stand = _stand(session_digests, now=now)
    accounts = selectors.accounts_of({each.user_id for each in stand.values()})
    return {
        digest: sign_ins.signed_in(each, accounts.get(each.user_id))
        for digest, each in stand.items()
    }


def _stand(session_digests: Collection[str], *, now: datetime) -> dict[str, SignIn]:
    found = sign_ins.standing(session_digests, now=now)
    held = store.contents(found, now=now)
    factors = {digest: each.get(DEVICE_ID_SESSION_KEY, "") for digest, each in held.items()}
    owners = _owners(set(factors.values()))
    return {
        digest: found[digest]
        for digest, factor in factors.items()
        if owners.get(factor) == found[digest].user_id
    }


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
