"""Four eyes: what one person asks for is carried out when another has agreed.

Who may ask and who may agree is for the caller to see to; that they are two is seen to here. The
caller carries out what was approved in the transaction of the approval.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import CharField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast

from accounts.models import Approval, ApprovalDecision, User

LASTS: Final = timedelta(hours=24)

Outcome = ApprovalDecision.Outcome


class UnableToApprove(ValueError):
    """The step is not open to this person now; the message says why."""


def ask(
    *, kind: str, subject: str, content: dict[str, Any], reason: str, by: User, now: datetime
) -> Approval:
    """Ask for another person's agreement. Raises UnableToApprove without a reason."""
    if not reason.strip():
        raise UnableToApprove("Say why.")
    return Approval.objects.create(
        kind=kind,
        subject=subject,
        content=content,
        reason=reason.strip(),
        asked_by=by,
        asked_at=now,
        expires_at=now + LASTS,
    )


def ask_once(
    *,
    kind: str,
    subject: str,
    content: dict[str, Any],
    reason: str,
    by: User,
    now: datetime,
    refusal: type[ValueError],
) -> Approval:
    """Ask for another person's agreement, unless somebody has asked for that about the subject.

    To be called under the subject's lock. Raises `refusal`, in the words of the room that asks.
    """
    if waiting(now=now, kind=kind).filter(subject=subject).exists():
        raise refusal("Somebody has asked for that already: it waits for another person.")
    try:
        return ask(kind=kind, subject=subject, content=content, reason=reason, by=by, now=now)
    except UnableToApprove as error:
        raise refusal(str(error)) from None


def waiting(*, now: datetime, kind: str | None = None) -> QuerySet[Approval]:
    """Return what waits for a decision, oldest first."""
    found = Approval.objects.filter(decision__isnull=True, expires_at__gt=now)
    if kind is not None:
        found = found.filter(kind=kind)
    return found.select_related("asked_by").order_by("asked_at")


def asked_by(*, now: datetime, kind: str) -> Subquery:
    """Return, for a query of rows that are such approvals' subjects, who has asked: the e-mail.

    Of each row None where nothing waits; one query for all rows of a page.
    """
    asked = waiting(now=now, kind=kind).filter(subject=Cast(OuterRef("pk"), CharField()))
    return Subquery(asked.values("asked_by__email")[:1])


def approve(approval_id: UUID, *, by: User, reason: str = "", now: datetime) -> Approval:
    """Agree to what another person has asked for; what it was is returned to be carried out.

    To be called in the transaction that carries it out. Raises UnableToApprove.
    """
    approval = _open(approval_id, now)
    if approval.asked_by_id == by.pk:
        raise UnableToApprove("Another person has to approve what you have asked for.")
    _decide(approval, Outcome.APPROVED, by, reason, now)
    return approval


def refuse(approval_id: UUID, *, by: User, reason: str, now: datetime) -> None:
    """Refuse it, or withdraw what one has asked for oneself. Raises UnableToApprove."""
    with transaction.atomic():
        approval = _open(approval_id, now)
        is_own = approval.asked_by_id == by.pk
        _decide(approval, Outcome.WITHDRAWN if is_own else Outcome.REFUSED, by, reason, now)


def let_go(asked: Approval, *, reason: str, now: datetime) -> None:
    """Take it from what waits, as what it was about is over. Raises UnableToApprove."""
    _decide(asked, Outcome.OVER, None, reason, now)


def _open(approval_id: UUID, now: datetime) -> Approval:
    found = Approval.objects.filter(pk=approval_id).first()
    if found is None:
        raise UnableToApprove("There is nothing to approve.")
    if found.expires_at <= now:
        raise UnableToApprove("It has waited too long: ask again.")
    return found


def _decide(
    approval: Approval,
    outcome: ApprovalDecision.Outcome,
    by: User | None,
    reason: str,
    now: datetime,
) -> None:
    """Write the decision; its key is the approval's, so that of two at once one is refused."""
    try:
        with transaction.atomic():
            ApprovalDecision.objects.create(
                approval=approval, outcome=outcome, reason=reason.strip(), by=by, at=now
            )
    except IntegrityError:
        raise UnableToApprove("It was decided on already.") from None
