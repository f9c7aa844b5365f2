"""What we know of a customer: kept answer by answer, and the account opened once all are there."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from accounts import services
from accounts.customers import answers
from accounts.customers.answers import Answers, Home, Means, Person, Wrong
from accounts.factors import seeds
from accounts.models import Account, Profile, User
from accounts.services import NotInProduction
from accounts.sessions import security_log
from accounts.sessions.events import Kind

STEPS: Final = (Person, Home, Means)
TAX_ID_SHOWN: Final = 4
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
    """Keep these answers; with the last of them the pending accounts of `user` are opened.

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
        is_whole = not missing(profile) and profile.completed_at is None
        if is_whole:
            profile.completed_at = now
        profile.save()
        if is_whole:
            _open(user, now=now)
    return profile


def fill_with_examples(user: User, *, now: datetime) -> Profile:
    """Answer what is missing with made-up answers. Raises NotInProduction."""
    if not settings.DEMO:
        raise NotInProduction("In production customers answer for themselves.")
    with transaction.atomic():
        for step in missing(of(user)):
            keep(user, next(each for each in EXAMPLES if isinstance(each, step)), now=now)
        return Profile.objects.get(user=user)


def tax_id(profile: Profile) -> str:
    """Return the tax number, for what we must report. Raises seeds.SeedUnreadable."""
    return seeds.unseal(profile.sealed_tax_id).decode()


def _open(user: User, *, now: datetime) -> None:
    pending = Account.objects.filter(user=user, status=Account.Status.PENDING)
    for account_id in pending.order_by("pk").values_list("pk", flat=True):
        services.change_status(
            account_id,
            status=Account.Status.ACTIVE,
            reason=OPENED,
            actor=f"user:{user.pk}",
            now=now,
        )
    security_log.note(user, Kind.PROFILE_COMPLETED, now=now)
