"""Judging a sign-in: what is known of the person and the address, put before the rules.

The rules are in `anomalies`; what follows from their verdict is here: the log, the letter, and the
two refusals that `door` answers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from accounts.factors.models import Factor, RecoveryCodes, SignInLink
from accounts.factors.strength import Strength
from accounts.letters import writing
from accounts.models import SecurityEvent, SecurityKey, TotpDevice, User
from accounts.sessions import addresses, anomalies, events, places, security_log
from accounts.sessions.anomalies import Attempt, Outcome, Past, Verdict
from accounts.sessions.events import Kind
from accounts.sessions.origins import Origin

COUNTRIES_REMEMBERED: Final = timedelta(days=365)
FAILURES_REMEMBERED: Final = timedelta(days=1)


class SignInStopped(PermissionError):
    """Nobody is let in from where this came."""


class StrongerFactorNeeded(PermissionError):
    """This sign-in is unusual: another factor is wanted. `text` says why it is."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def admit(
    user: User,
    device: Factor,
    *,
    origin: Origin,
    is_known_device: bool,
    has_proved_weak: bool,
    now: datetime,
) -> Verdict:
    """Return what is unusual about this sign-in, at a browser or a phone, if it may go on.

    `has_proved_weak` says that StrongerFactorNeeded was raised on this way in before: whoever is
    halfway in notes it down. Raises SignInStopped, of which the person is told by mail, and
    StrongerFactorNeeded, which leaves them halfway in. To be called before anything has changed.
    """
    attempt = Attempt(
        at=now,
        country=origin.country,
        spot=places.of(origin.address).spot,
        is_known_device=is_known_device,
        is_bad_address=is_bad(origin.address),
    )
    verdict = anomalies.judge(attempt, _past(user, now=now))
    if verdict.outcome is Outcome.BLOCK:
        with transaction.atomic():
            security_log.note(
                user, Kind.SIGN_IN_STOPPED, now=now, origin=origin, about=verdict.text
            )
            _write(user, "sign_in_stopped", verdict, origin, now=now)
        raise SignInStopped
    if verdict.outcome is Outcome.STEP_UP and not _suffices(
        user, device, has_proved_weak=has_proved_weak
    ):
        security_log.note(user, Kind.STRONGER_ASKED, now=now, origin=origin, about=verdict.text)
        raise StrongerFactorNeeded(verdict.text)
    return verdict


def tell_of(user: User, verdict: Verdict, origin: Origin, *, now: datetime) -> None:
    """Write to the person if the sign-in that has just begun is unusual."""
    if verdict.reasons:
        _write(user, "new_sign_in", verdict, origin, now=now)


def is_bad(address: str | None) -> bool:
    """Say whether `address` is on the list of those that nobody signs in from."""
    path = settings.BAD_ADDRESSES
    if not path or not address:
        return False
    return address in _bad_addresses(path, Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _bad_addresses(path: str, _changed_at: int) -> addresses.AddressList:
    with Path(path).open() as lines:
        return addresses.AddressList(addresses.networks(lines))


def _suffices(user: User, device: Factor, *, has_proved_weak: bool) -> bool:
    """A link of the demonstration stands for both factors, and a recovery code comes from paper, at
    a new browser as a rule. Who has nothing stronger than a code that we send is asked for two."""
    if isinstance(device, SignInLink | RecoveryCodes) or device.strength >= Strength.STRONG:
        return True
    return has_proved_weak and not has_stronger(user)


def has_stronger(user: User) -> bool:
    """Say whether `user` has a factor that cannot be read on its way."""
    apps = TotpDevice.objects.filter(user=user, confirmed=True)
    keys = SecurityKey.objects.filter(user=user, confirmed=True)
    return bool(apps.exists() or keys.exists())


def _past(user: User, *, now: datetime) -> Past:
    theirs = SecurityEvent.objects.filter(user=user)
    good = theirs.filter(kind=Kind.SIGNED_IN).order_by("-at", "-pk")
    last = good.first()
    placed = good.exclude(country="").first()
    recent = good.exclude(country="").filter(at__gt=now - COUNTRIES_REMEMBERED)
    since = now - FAILURES_REMEMBERED
    if last is not None:
        since = max(since, last.at)
    return Past(
        is_first=last is None,
        countries=frozenset(recent.order_by().values_list("country", flat=True).distinct()),
        last_at=placed.at if placed else None,
        last_spot=places.of(placed.address).spot if placed else None,
        failures=theirs.filter(kind__in=events.FAILURES, at__gt=since).count(),
    )


def _write(user: User, kind: str, verdict: Verdict, origin: Origin, *, now: datetime) -> None:
    writing.write(
        user,
        kind,
        now=now,
        at=now,
        why=verdict.text,
        place=origin.place,
        address=origin.address or "unknown",
        browser=origin.browser,
    )
