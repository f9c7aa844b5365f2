"""Being signed in: begun with both factors, seen again, ended.

Limits are kept on the server. A customer is signed in for 12 hours at most and 30 minutes
without doing anything, at three browsers; staff for 8 hours and 15 minutes, at one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import django_otp
from django.contrib import auth
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from accounts import activity, locks, selectors
from accounts.chain import Event
from accounts.customers import terms
from accounts.factors import mailboxes
from accounts.factors.models import Factor
from accounts.factors.strength import Strength
from accounts.models import Account, SignIn, TermsAcceptance, User
from accounts.sessions import devices, judging, origins, security_log
from accounts.sessions.anomalies import Verdict
from accounts.sessions.events import Kind
from accounts.sessions.origins import Origin
from foundation import wakeups
from foundation.tokens import digest_of as digest_of

SEEN_EVERY: Final = timedelta(seconds=1)  # how exactly the last activity is known
_PROVED_WEAK: Final = "proved_weak"


@dataclass(frozen=True, slots=True)
class Limits:
    age_max: timedelta
    idle_max: timedelta
    count_max: int


CUSTOMER: Final = Limits(age_max=timedelta(hours=12), idle_max=timedelta(minutes=30), count_max=3)
STAFF: Final = Limits(age_max=timedelta(hours=8), idle_max=timedelta(minutes=15), count_max=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person at a browser, both factors proved, and the account they trade in, if any."""

    sign_in_id: UUID
    user_id: UUID
    account_id: UUID | None
    is_staff: bool
    proved_at: datetime
    strength: Strength
    owes_agreement: bool = False
    """They have agreed to terms of before, and not to those of now."""


def limits(*, is_staff: bool) -> Limits:
    return STAFF if is_staff else CUSTOMER


def ending(
    *, started_at: datetime, seen_at: datetime, is_staff: bool, now: datetime
) -> SignIn.Ending | None:
    """Return the limit that a sign-in has reached, or None."""
    limit = limits(is_staff=is_staff)
    if now - started_at >= limit.age_max:
        return SignIn.Ending.TOO_LONG
    if now - seen_at >= limit.idle_max:
        return SignIn.Ending.IDLE
    return None


def start(request: HttpRequest, *, user: User, device: Factor, now: datetime) -> SignIn:
    """Sign `user` in at this browser: both factors are proved, `device` being the second.

    Nothing of the session before survives, its key least of all (django-otp would keep it). The
    oldest sign-ins beyond the limit end, and the others are told of this one. Raises
    judging.SignInStopped and judging.StrongerFactorNeeded, which `accounts.sessions.door` answers.
    """
    origin = origins.of(request)
    verdict = _admit(request, user, device, origin=origin, now=now)
    end(request, why=SignIn.Ending.SIGNED_OUT, now=now)
    request.session.flush()
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    django_otp.login(request, device)
    request.session.cycle_key()
    request.session.save()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # one after the other
        sign_in = SignIn.objects.create(
            user=user,
            session_digest=digest_of(str(request.session.session_key)),
            password_stamp=_stamp(user),
            device=device.name,
            address=origin.address,
            place=origin.place,
            browser=origin.browser,
            started_at=now,
            seen_at=now,
            proved_at=now,
            strength=device.strength,
        )
        _end_oldest(user, now=now)
        mailboxes.note_proved(user, device)
        devices.remember(request, user, now=now)
        security_log.note(
            user, Kind.SIGNED_IN, now=now, origin=origin, about=_with(device, verdict)
        )
        judging.tell_of(user, verdict, origin, now=now)
        _tell_others(sign_in, origin, now=now)
    return sign_in


def _admit(
    request: HttpRequest, user: User, device: Factor, *, origin: Origin, now: datetime
) -> Verdict:
    """Have the sign-in judged; the session remembers a proof that was too weak."""
    try:
        return judging.admit(
            user,
            device,
            origin=origin,
            is_known_device=devices.is_known(request, user),
            has_proved_weak=bool(request.session.get(_PROVED_WEAK)),
            now=now,
        )
    except judging.StrongerFactorNeeded:
        request.session[_PROVED_WEAK] = True
        raise


def find(session_key: str, *, now: datetime, is_activity: bool) -> SignedIn | None:
    """Return who is signed in with this session, and note that they were seen.

    A sign-in that has reached a limit is ended and None.
    """
    digest = digest_of(session_key)
    sign_in = standing([digest], now=now).get(digest)
    if sign_in is None:
        return None
    user = sign_in.user
    if is_activity and now - sign_in.seen_at >= SEEN_EVERY:
        SignIn.objects.filter(pk=sign_in.pk, seen_at__lt=now).update(seen_at=now)
    return signed_in(sign_in, selectors.account_of(user))


def signed_in(sign_in: SignIn, account: Account | None) -> SignedIn:
    """Return who is signed in by `sign_in`, which stands, and trades in `account`."""
    return SignedIn(
        sign_in_id=sign_in.pk,
        user_id=sign_in.user_id,
        account_id=account.pk if account else None,
        is_staff=sign_in.user.is_staff,
        proved_at=sign_in.proved_at,
        strength=Strength(sign_in.strength),
        owes_agreement=getattr(sign_in, "owes_agreement", False),
    )


def standing(session_digests: Collection[str], *, now: datetime) -> dict[str, SignIn]:
    """Return those of the sign-ins with these sessions that stand, by digest, with their users.

    One that has reached a limit is ended.
    """
    agreed = TermsAcceptance.objects.filter(user=OuterRef("user"))
    found = SignIn.objects.filter(
        session_digest__in=session_digests, ended_at=None, user__is_active=True
    ).annotate(owes_agreement=Exists(agreed) & ~Exists(agreed.filter(version=terms.VERSION)))
    stand: dict[str, SignIn] = {}
    over = defaultdict(list)
    for sign_in in found.select_related("user"):
        why = _why_over(sign_in, now=now)
        if why is None:
            stand[sign_in.session_digest] = sign_in
        else:
            over[why].append(sign_in.pk)
    for why, keys in over.items():
        _end(SignIn.objects.filter(pk__in=keys), why=why, now=now)
    return stand


def renew_proof(former: str, *, session_key: str, factor: Factor, now: datetime) -> None:
    """Let the sign-in with the session `former` go on as `session_key`, `factor` being proved."""
    SignIn.objects.filter(session_digest=digest_of(former), ended_at=None).update(
        session_digest=digest_of(session_key),
        device=factor.name,
        proved_at=now,
        strength=factor.strength,
    )


def move(former: str, *, session_key: str) -> None:
    """Let the sign-in with the session `former` go on as `session_key`."""
    SignIn.objects.filter(session_digest=digest_of(former), ended_at=None).update(
        session_digest=digest_of(session_key)
    )


def end(request: HttpRequest, *, why: SignIn.Ending, now: datetime) -> None:
    """Note that this browser's sign-in is over, if it had one. The session itself is flushed
    by whoever calls (`django.contrib.auth.logout`)."""
    if request.session.session_key:
        _close(request.session.session_key, why=why, now=now)


def end_others(user: User, *, keep: UUID | None, why: SignIn.Ending, now: datetime) -> int:
    """End every sign-in of `user` but `keep`; return how many."""
    others = SignIn.objects.filter(user=user, ended_at=None)
    return _end(others.exclude(pk=keep) if keep is not None else others, why=why, now=now)


def end_one(user: User, sign_in_id: UUID, *, why: SignIn.Ending, now: datetime) -> bool:
    """End one sign-in of `user`; False if there is none to end."""
    return bool(_end(SignIn.objects.filter(user=user, pk=sign_in_id), why=why, now=now))


def keep_under_password(sign_in_id: UUID, *, user: User) -> None:
    """Let this sign-in go on under the password that `user` has now."""
    SignIn.objects.filter(pk=sign_in_id).update(password_stamp=_stamp(user))


def last_ending(session_key: str | None) -> SignIn.Ending | None:
    """Return why the sign-in with this session ended, if it did."""
    if not session_key:
        return None
    found = SignIn.objects.filter(session_digest=digest_of(session_key)).exclude(ended_at=None)
    ended = found.values_list("ending", flat=True).first()
    return SignIn.Ending(ended) if ended else None


def _close(session_key: str, *, why: SignIn.Ending, now: datetime) -> None:
    _end(SignIn.objects.filter(session_digest=digest_of(session_key)), why=why, now=now)


def _end(those: QuerySet[SignIn], *, why: SignIn.Ending, now: datetime) -> int:
    """End those of them that have not ended, log it, and hint at it: their sockets close."""
    with transaction.atomic():
        present = those.filter(ended_at=None).select_related("user").order_by("pk")
        ending_now = list(present.select_for_update(of=("self",), no_key=True))
        if not ending_now:
            return 0
        SignIn.objects.filter(pk__in=[each.pk for each in ending_now]).update(
            ended_at=now, ending=why
        )
        is_own = why is SignIn.Ending.SIGNED_OUT
        for each in ending_now:
            origin = Origin(address=each.address, place=each.place, browser=each.browser)
            kind = Kind.SIGNED_OUT if is_own else Kind.SIGN_IN_ENDED
            security_log.note(
                each.user, kind, now=now, origin=origin, about="" if is_own else why.label
            )
        wakeups.send(wakeups.Channel.SIGN_INS, [each.session_digest for each in ending_now])
    return len(ending_now)


def _why_over(sign_in: SignIn, *, now: datetime) -> SignIn.Ending | None:
    if sign_in.password_stamp != _stamp(sign_in.user):
        return SignIn.Ending.PASSWORD_CHANGED
    return ending(
        started_at=sign_in.started_at,
        seen_at=sign_in.seen_at,
        is_staff=sign_in.user.is_staff,
        now=now,
    )


def _end_oldest(user: User, *, now: datetime) -> None:
    """Let no more sign-ins stand than there may be: the newest of them."""
    present = SignIn.objects.filter(user=user, ended_at=None).order_by("-started_at", "-pk")
    beyond = list(present.values_list("pk", flat=True)[limits(is_staff=user.is_staff).count_max :])
    _end(SignIn.objects.filter(pk__in=beyond), why=SignIn.Ending.TOO_MANY, now=now)


def _tell_others(sign_in: SignIn, origin: Origin, *, now: datetime) -> None:
    """Let the person's other open pages hear of this sign-in, by the activities of the account."""
    user = sign_in.user
    others = SignIn.objects.filter(user=user, ended_at=None).exclude(pk=sign_in.pk)
    account = selectors.account_of(user)
    if account is None or not others.exists():
        return
    payload = {"place": origin.place, "browser": origin.browser, "with": sign_in.device}
    event = Event("security.signed_in", now, f"user:{user.pk}", payload)
    activity.record([(locks.lock(account.pk), event)])


def _with(device: Factor, verdict: Verdict) -> str:
    return f"{device.name}; {verdict.text}" if verdict.reasons else device.name


def _stamp(user: User) -> str:
    """Return what changes when the user's password does."""
    return hashlib.sha256(user.get_session_auth_hash().encode()).hexdigest()
