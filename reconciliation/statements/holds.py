"""Legal holds: placed by one person, released by two. While one is on, nothing is thrown away.

They are in no activity: the customer reads those, and must not learn of an inquiry from us. The
rows themselves say who, when and why, and never change.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import approvals, locks
from accounts.models import Approval, User
from marketdata import calendars
from reconciliation.statements.models import LegalHold, LegalHoldRelease

APPROVAL: Final = "reconciliation.legal_hold"


class UnableToHold(ValueError):
    """The hold cannot be placed, or its release not be asked for; the message says why."""


def place(
    *, account_id: UUID, reason: str, until: date | None, by: User, now: datetime
) -> LegalHold:
    """Keep everything of the account from now on. Raises UnableToHold."""
    if not reason.strip():
        raise UnableToHold("Say why.")
    if until is not None and until < calendars.date_of(now):
        raise UnableToHold("That day is over.")
    with transaction.atomic():
        account = locks.lock(account_id)
        return LegalHold.objects.create(
            account=account, reason=reason.strip(), until=until, placed_by=by, placed_at=now
        )


def ask_for_release(hold: LegalHold, *, reason: str, by: User, now: datetime) -> Approval:
    """Ask for another person's agreement to release a hold. Raises UnableToHold."""
    with transaction.atomic():
        locks.lock(hold.account_id)
        if LegalHoldRelease.objects.filter(hold=hold).exists():
            raise UnableToHold("It was released before.")
        content = {
            "account": hold.account.number,
            "hold": hold.reason,
            "placed_at": hold.placed_at.isoformat(),
        }
        return approvals.ask_once(
            kind=APPROVAL,
            subject=str(hold.pk),
            content=content,
            reason=reason,
            by=by,
            now=now,
            refusal=UnableToHold,
        )


def release(approval_id: UUID, *, by: User, reason: str, now: datetime) -> LegalHoldRelease:
    """Agree to the release that another person has asked for. Raises approvals.UnableToApprove."""
    with transaction.atomic():
        approval = approvals.approve(approval_id, by=by, reason=reason, now=now)
        hold = LegalHold.objects.get(pk=approval.subject)
        locks.lock(hold.account_id)
        return LegalHoldRelease.objects.create(
            hold=hold, reason=approval.reason, asked_by=approval.asked_by, agreed_by=by, at=now
        )


def asked(hold: LegalHold, *, now: datetime) -> Approval | None:
    """Return what waits for another person's agreement, None if nothing does."""
    return approvals.waiting(now=now, kind=APPROVAL).filter(subject=str(hold.pk)).first()


def on(day: date) -> QuerySet[LegalHold]:
    """Return the holds that are on."""
    return LegalHold.objects.filter(Q(until=None) | Q(until__gte=day), release=None)
