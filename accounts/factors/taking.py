"""Taking the factors of somebody who has lost every one of them: asked for by one member of staff
who has seen who they are, agreed to by another.

From that moment nothing of before opens anything: browsers, phones and keys are ended, withdrawals
wait for 72 hours, and the person is written to. They enrol anew with their password and a link
that is mailed (`accounts.factors.reenrolling`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import approvals
from accounts.factors import changes, reenrolling, roster
from accounts.keys import issuing
from accounts.models import (
    ApiKey,
    Approval,
    Challenge,
    HalfwayPhone,
    KnownDevice,
    MessageFactor,
    Phone,
    RecoveryCodes,
    ResetLink,
    SecurityKey,
    SignInLink,
    TotpDevice,
    User,
)
from accounts.phones import staying
from accounts.sessions.events import Kind

APPROVAL: Final = "accounts.lost_factors"
IDENTITY_LENGTH_MAX: Final = 500


class UnableToTake(ValueError):
    """The factors cannot be taken; the message says why."""


def ask(user: User, *, identity: str, reason: str, by: User, now: datetime) -> Approval:
    """Ask another person to agree that the factors of `user` are taken.

    `identity` says how they have shown who they are: which papers, seen where and by whom. Raises
    UnableToTake.
    """
    seen = identity.strip()
    if not 0 < len(seen) <= IDENTITY_LENGTH_MAX:
        raise UnableToTake("Say how they have shown who they are, in 500 characters at most.")
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        _check(user, by=by)
        content = {
            "user": str(user.pk),
            "email": user.email,
            "name": user.get_full_name(),
            "identity": seen,
            "ways of signing in": ", ".join(each.name for each in roster.factors(user)),
        }
        return approvals.ask_once(
            kind=APPROVAL,
            subject=str(user.pk),
            content=content,
            reason=reason,
            by=by,
            now=now,
            refusal=UnableToTake,
        )


def approve(approval_id: UUID, *, by: User, reason: str = "", now: datetime) -> User:
    """Agree to what another person has asked for, and take the factors.

    Raises approvals.UnableToApprove, and UnableToTake when it cannot be done any more.
    """
    with transaction.atomic():
        approval = approvals.approve(approval_id, by=by, reason=reason, now=now)
        if approval.kind != APPROVAL:
            raise approvals.UnableToApprove("That is not about lost factors.")
        user = User.objects.select_for_update(no_key=True).get(pk=approval.subject)
        _check(user, by=by)
        if user.email != approval.content["email"]:
            raise UnableToTake("Their address has changed since this was asked for: ask again.")
        _take(user, actor=f"operator:{approval.asked_by_id}", now=now)
    return user


def _check(user: User, *, by: User) -> None:
    if user.pk == by.pk:
        raise UnableToTake("Nobody takes their own factors.")
    if not user.is_active:
        raise UnableToTake("This person does not sign in any more.")
    if not roster.factors(user):
        raise UnableToTake("This person has no factor.")


def _take(user: User, *, actor: str, now: datetime) -> None:
    for kept in (TotpDevice, SecurityKey, MessageFactor, RecoveryCodes, SignInLink):
        kept.objects.filter(user=user).delete()
    for begun in (Challenge, ResetLink, HalfwayPhone, KnownDevice):
        begun.objects.filter(user=user).delete()
    for phone in Phone.objects.filter(user=user, ended_at=None).order_by("pk"):
        staying.end(user, phone.pk, why=Phone.Ending.SECURITY_CHANGED, now=now)
    keys = ApiKey.objects.filter(account__user=user, revoked_at=None).select_related("account")
    for key in keys.order_by("account_id", "pk"):
        issuing.revoke(key.account, key.key_id, actor=actor, now=now)
    # Operations know who it is: what they enrol now counts, be it a mailbox.
    User.objects.filter(pk=user.pk).update(is_password_mailed=False)
    changes.note(user, Kind.FACTORS_TAKEN, "", now=now)
    reenrolling.begin(user, now=now)
