"""What we know of a customer: kept answer by answer. Once all are there, and the recovery codes in
a drawer, the account is opened."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from accounts import services
from accounts.customers import answers
from accounts.customers.answers import Answers, Home, Means, Person, Wrong
from accounts.factors import recovery, seeds
from accounts.letters import writing
from accounts.models import Account, Profile, User
from accounts.services import NotInProduction
from accounts.sessions import security_log
from accounts.sessions.events import Kind

STEPS: Final = (Person, Home, Means)
TAX_ID_SHOWN: Final = 4
NAME_LENGTH_MAX: Final = 120
OPENED: Final = "The profile is whole."

EXAMPLES: Final[tuple[Answers, ...]] = (
    Person("Sam Sample", date(1990, 4, 1), "US", "123-45-6789"),
    Home("US", "1 Example Street", "Springfield", "IL", "62701"),
    Means("student", "", "to_25k", "to_10k", "savings", False, False, "", False),
)


class AnswersWrong(ValueError):
    """Some answers will not do; `wrong` says which, and what to do."""

    def __init__(self, wrong: list[Wrong]) -> None:
        super().__init__("; ".join(each.message for each in wrong))
        self.wrong = wrong


def of(user: User) -> Profile | None:
    return Profile.objects.filter(user=user).first()


def missing(profile: Profile | None) -> list[type[Answers]]:
    """Return which kinds of answers are still to be given, in their order."""
    if profile is None:
        return list(STEPS)
    is_there = (
        bool(profile.legal_name and profile.born_on and profile.sealed_tax_id),
        bool(profile.country and profile.street),
        bool(profile.employment and profile.income and profile.wealth and profile.source_of_funds),
    )
    return [step for step, there in zip(STEPS, is_there, strict=True) if not there]


def keep(user: User, given: Answers, *, now: datetime) -> Profile:
    """Keep these answers; with the last of them the pending accounts of `user` are opened, if the
    recovery codes are kept.

    Raises AnswersWrong, and nothing is kept.
    """
    wrong = answers.wrong_in(given, today=now.date())
    if wrong:
        raise AnswersWrong(wrong)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        profile = of(user) or Profile(user=user)
        kept = asdict(given)
        if isinstance(given, Person):
            bare = answers.bare_tax_id(kept.pop("tax_id"))
            profile.sealed_tax_id = seeds.seal(bare.encode())
            profile.tax_id_end = bare[-TAX_ID_SHOWN:]
        for name, value in kept.items():
            setattr(profile, name, value)
        profile.updated_at = now
        if not missing(profile) and profile.completed_at is None:
            profile.completed_at = now
        profile.save()
        open_when_ready(user, now=now)
    return profile


def open_when_ready(user: User, *, now: datetime) -> bool:
    """Open the pending accounts of `user` if all is answered and their recovery codes are kept.

    Return whether that is so.
    """
    profile = of(user)
    is_ready = profile is not None and not missing(profile) and recovery.is_kept(user)
    if is_ready:
        _open(user, now=now)
    return is_ready


def change(user: User, given: Answers, *, now: datetime) -> Profile:
    """Keep other answers than those of before, and tell the person. The same: no effect.

    Who somebody is changes otherwise (`accounts.customers.naming`): a ValueError. Raises
    AnswersWrong, and nothing is kept.
    """
    if isinstance(given, Person):
        raise ValueError("who somebody is changes with papers")
    with transaction.atomic():
        known = Profile.objects.select_for_update(no_key=True).get(user=user)
        if all(getattr(known, name) == value for name, value in asdict(given).items()):
            return known
        profile = keep(user, given, now=now)
        _tell(user, "where you live" if isinstance(given, Home) else "what you do", now=now)
    return profile


def rename(profile: Profile, legal_name: str, *, now: datetime) -> Profile:
    """Write another legal name, which two people have agreed to, and tell the person."""
    with transaction.atomic():
        profile.legal_name, profile.updated_at = legal_name, now
        profile.save(update_fields=["legal_name", "updated_at"])
        user = profile.user
        user.name = legal_name
        user.save(update_fields=["name"])
        _tell(user, f"your name, to {legal_name}", now=now)
    return profile


def fill_with_examples(user: User, *, now: datetime) -> Profile:
    """Answer what is missing with made-up answers, and ask for no drawer.

    Raises NotInProduction.
    """
    if not settings.DEMO:
        raise NotInProduction("In production customers answer for themselves.")
    with transaction.atomic():
        for step in missing(of(user)):
            keep(user, next(each for each in EXAMPLES if isinstance(each, step)), now=now)
        _open(user, now=now)
        return Profile.objects.get(user=user)


def tax_id(profile: Profile) -> str:
    """Return the tax number, for what we must report. Raises seeds.SeedUnreadable."""
    return seeds.unseal(profile.sealed_tax_id).decode()


def _tell(user: User, what: str, *, now: datetime) -> None:
    security_log.note(user, Kind.PROFILE_CHANGED, now=now, about=what)
    writing.write(user, "profile_changed", now=now, what=what, at=now)


def _open(user: User, *, now: datetime) -> None:
    pending = Account.objects.filter(user=user, status=Account.Status.PENDING).order_by("pk")
    waiting = list(pending.values_list("pk", flat=True))
    for account_id in waiting:
        services.change_status(
            account_id,
            status=Account.Status.ACTIVE,
            reason=OPENED,
            actor=f"user:{user.pk}",
            now=now,
        )
    if waiting:
        security_log.note(user, Kind.PROFILE_COMPLETED, now=now)
