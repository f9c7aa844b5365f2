"""Staying signed in at a phone: exchanging its refresh token, and ending it.

A refresh token is used once. It is answered again, with the same answer, within ten seconds and
as long as its successor lies unused: the first answer may have been lost. Any other second use
means that two hold it, and neither can be told from the other: the sign-in ends with all of its
tokens, and its owner is told.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.letters import writing
from accounts.models import Phone, RefreshToken, User
from accounts.phones import tokens
from accounts.phones.tokens import Pair
from accounts.sessions import devices, security_log
from accounts.sessions.events import Kind
from accounts.sessions.origins import NOWHERE, Origin
from foundation import wakeups

_NO_LONGER_KNOWN: Final = frozenset({Phone.Ending.ENDED, Phone.Ending.REUSED})
"""After these the phone may be in other hands."""


class UnknownToken(PermissionError):
    """It is no refresh token of ours, or of a phone that is no longer signed in."""


class TokenReused(PermissionError):
    """The token was used before, or on another device: the phone is signed out."""


def refresh(token: str, *, device_id: str, origin: Origin = NOWHERE, now: datetime) -> Pair:
    """Exchange a refresh token for new tokens. Raises UnknownToken, TokenReused."""
    with transaction.atomic():
        pair = _exchanged(token, device_id=device_id, origin=origin, now=now)
    if pair is None:  # after the commit: the end of the sign-in must not be undone
        raise TokenReused
    return pair


def phones(user: User, *, now: datetime) -> list[Phone]:
    """Return where `user` is signed in by phone now, the latest seen first."""
    found = Phone.objects.filter(user=user, ended_at=None).order_by("-seen_at", "pk")
    return [phone for phone in found if not _why_over(phone, user, now=now)]


def end(user: User, phone_id: UUID, *, why: Phone.Ending, now: datetime) -> bool:
    """End one phone of `user`; False if there is none to end."""
    with transaction.atomic():
        found = Phone.objects.select_for_update(no_key=True).filter(
            pk=phone_id, user=user, ended_at=None
        )
        phone = found.first()
        if phone is None:
            return False
        _end(phone, why=why, now=now)
        is_own = why is Phone.Ending.SIGNED_OUT
        kind = Kind.SIGNED_OUT if is_own else Kind.SIGN_IN_ENDED
        security_log.note(user, kind, now=now, about=phone.name)
    return True


def of_access(token: str, *, now: datetime) -> Phone | None:
    """Return the phone that this access token is of, if it is good now."""
    phone = (
        Phone.objects.filter(
            access_digest=tokens.digest_of(token), access_until__gt=now, ended_at=None
        )
        .select_related("user")
        .first()
    )
    return phone if phone is not None and not _why_over(phone, phone.user, now=now) else None


def standing(phone_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Return those of the phones that are signed in still, whatever tokens they have."""
    found = Phone.objects.filter(pk__in=phone_ids, ended_at=None).select_related("user")
    return {phone.pk for phone in found if not _why_over(phone, phone.user, now=now)}


def _exchanged(token: str, *, device_id: str, origin: Origin, now: datetime) -> Pair | None:
    """Return the new tokens; None if the token was used before, and all of them are over."""
    digest = tokens.digest_of(token)
    phone = (
        Phone.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .filter(refresh_tokens=digest, ended_at=None)
        .first()
    )
    if phone is None:
        raise UnknownToken
    why = _why_over(phone, phone.user, now=now)
    if why is not None:
        raise UnknownToken
    given = RefreshToken.objects.get(pk=digest)  # after the lock: what another has made of it
    is_here = tokens.digest_of(device_id) == phone.device_digest
    if not is_here or (given.used_at is not None and not _may_be_repeated(given, now=now)):
        _end(phone, why=Phone.Ending.REUSED, now=now)
        _tell_of_reuse(phone, origin, now=now)
        return None
    if given.used_at is not None:
        return tokens.successors(token, salt=given.salt)
    given.used_at, given.salt = now, tokens.new()
    given.save(update_fields=["used_at", "salt"])
    # The one before it was answered: nothing can be made of it any more.
    phone.refresh_tokens.exclude(pk=digest).exclude(salt="").update(salt="")
    pair = tokens.successors(token, salt=given.salt)
    RefreshToken.objects.create(digest=tokens.digest_of(pair.refresh), phone=phone, issued_at=now)
    phone.access_digest = tokens.digest_of(pair.access)
    phone.access_until = now + tokens.ACCESS_LASTS
    phone.seen_at = now
    phone.save(update_fields=["access_digest", "access_until", "seen_at"])
    return pair


def _may_be_repeated(given: RefreshToken, *, now: datetime) -> bool:
    """Tell whether the answer may have been lost: what came of it lies unused, for seconds yet."""
    return bool(given.salt) and given.used_at is not None and now - given.used_at < tokens.GRACE


def _why_over(phone: Phone, user: User, *, now: datetime) -> Phone.Ending | None:
    if not user.is_active:
        return Phone.Ending.ENDED
    is_changed = user.secured_at is not None and user.secured_at > phone.started_at
    if is_changed or phone.password_stamp != tokens.digest_of(user.get_session_auth_hash()):
        return Phone.Ending.SECURITY_CHANGED
    if tokens.is_over(started_at=phone.started_at, seen_at=phone.seen_at, now=now):
        return Phone.Ending.TOO_LONG
    return None


def _end(phone: Phone, *, why: Phone.Ending, now: datetime) -> None:
    phone.ended_at, phone.ending = now, why
    phone.save(update_fields=["ended_at", "ending"])
    if why in _NO_LONGER_KNOWN:
        devices.forget_phone(phone.user, device_digest=phone.device_digest)
    wakeups.send(wakeups.Channel.SIGN_INS, [tokens.digest_of(str(phone.pk))])  # sockets close


def _tell_of_reuse(phone: Phone, origin: Origin, *, now: datetime) -> None:
    about = f"{phone.name}: {Phone.Ending.REUSED.label}"
    security_log.note(phone.user, Kind.SIGN_IN_ENDED, now=now, origin=origin, about=about)
    writing.write(
        phone.user, "phone_ended", now=now, at=now, phone=phone.name,
        address=origin.address or "unknown", place=origin.place,
    )  # fmt: skip
