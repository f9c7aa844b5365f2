"""A person's second factors together: which there are, which of them count now, how they change.

Adding and removing is for whoever has just proved one of them; the views ask for that. Each
change tells the person, ends their other sign-ins and holds withdrawals back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.factors import changes, mailboxes, recovery, sent_codes
from accounts.factors.models import Factor
from accounts.factors.strength import Strength
from accounts.models import MessageFactor, SecurityKey, TotpDevice, User
from accounts.sessions.events import Kind

FACTORS_MAX: Final = 10
NAME_LENGTH_MAX: Final = 60


class LastFactor(RuntimeError):
    """Without this one there were none left, or for staff no security key."""


class TooManyFactors(RuntimeError):
    """The person has as many factors as anybody may have."""


class BadName(ValueError):
    """A factor's name is plain text of 1 to 60 characters."""


@dataclass(frozen=True, slots=True)
class Means:
    """By what a person can prove a second factor now."""

    has_app: bool = False
    has_key: bool = False
    places: tuple[MessageFactor, ...] = ()
    has_recovery: bool = False

    def __bool__(self) -> bool:
        return self.has_app or self.has_key or bool(self.places)


def factors(user: User) -> list[Factor]:
    """Return the factors that `user` has taken into use, the oldest first."""
    found: list[Factor] = [
        *TotpDevice.objects.filter(user=user, confirmed=True),
        *SecurityKey.objects.filter(user=user, confirmed=True),
        *MessageFactor.objects.filter(user=user, confirmed=True),
    ]
    return sorted(found, key=lambda factor: (factor.created_at, factor.persistent_id))


def means(user: User, *, need: Strength = Strength.WEAK) -> Means:
    """Return by what `user` can give a proof of at least the strength `need`.

    Staff who have a security key have nothing weaker, and never a weak factor; in the demo shape
    they have. After a password was reset by mail, the mailbox is no second factor beside itself,
    until another one was proved.
    """
    found = factors(user)
    has_key = any(isinstance(factor, SecurityKey) for factor in found)
    if need >= Strength.VERIFIED or (is_bound_to_keys(user) and has_key):
        return Means(has_key=has_key)
    has_app = any(isinstance(factor, TotpDevice) for factor in found)
    if need >= Strength.STRONG or is_bound_to_keys(user):
        return Means(has_app=has_app, has_key=has_key)
    places = tuple(
        factor
        for factor in found
        if isinstance(factor, MessageFactor)
        and sent_codes.is_offered(sent_codes.Way(factor.way))
        and mailboxes.counts(user, factor)
    )
    return Means(has_app, has_key, places, has_recovery=recovery.left(user) > 0)


def is_bound_to_keys(user: User) -> bool:
    """Say whether `user` works with the firm's tools, which a security key alone opens."""
    return user.is_staff and not settings.DEMO


@contextmanager
def changing(user: User) -> Iterator[list[Factor]]:
    """Let one change of the user's factors happen at a time; gives those that there are."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        yield factors(user)


def add(
    user: User, make: Callable[[], Factor | None], *, keep: UUID | None, now: datetime
) -> Factor | None:
    """Have `make` take a further factor into use, and tell of it; None if `make` refused.

    `keep` is the sign-in that goes on. Raises TooManyFactors, and what `make` raises.
    """
    with changing(user) as present:
        if len(present) >= FACTORS_MAX:
            raise TooManyFactors
        made = make()
        if made is not None:
            changes.note(user, Kind.FACTOR_ADDED, made.name, keep=keep, now=now)
    return made


def rename(user: User, persistent_id: str, name: str) -> None:
    """Give a factor another name. Raises BadName; of a factor that is gone, nothing happens."""
    for factor in factors(user):
        if factor.persistent_id == persistent_id:
            factor.name = checked_name(name)
            factor.save(update_fields=["name"])


def remove(user: User, persistent_id: str, *, keep: UUID | None, now: datetime) -> None:
    """Remove a factor, never the last; again: no effect. Raises LastFactor."""
    with changing(user) as present:
        rest = [factor for factor in present if factor.persistent_id != persistent_id]
        if len(rest) == len(present):
            return
        has_key = any(isinstance(factor, SecurityKey) for factor in rest)
        if not rest or (is_bound_to_keys(user) and not has_key):
            raise LastFactor
        gone = next(factor for factor in present if factor.persistent_id == persistent_id)
        gone.delete()
        changes.note(user, Kind.FACTOR_REMOVED, gone.name, keep=keep, now=now)


def renew_recovery_codes(user: User, *, now: datetime) -> list[str]:
    """Return ten new recovery codes, and tell the person that there are new ones."""
    with transaction.atomic():
        codes = recovery.renew(user, now=now)
        changes.tell(user, Kind.RECOVERY_CODES_MADE, "", now=now)
    return codes


def checked_name(name: str) -> str:
    """Return a factor's name as it is kept. Raises BadName."""
    text = name.strip()
    if not 0 < len(text) <= NAME_LENGTH_MAX or not text.isprintable():
        raise BadName(f"Give it a name of at most {NAME_LENGTH_MAX} characters.")
    return text
