"""Stopping what has not left yet: by the customer, or by the link in a letter."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from portfolio.funding import passage
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Direction, State, Step
from portfolio.payees import cancel_links
from portfolio.payees import services as payees
from portfolio.payees.models import CancelLink

ACTOR: Final = "link:cancel"
REASON: Final = "Cancelled by the link in the letter"


class TooLate(RuntimeError):
    """The money has left already, or nothing was there to stop."""


def cancel(token: str, *, now: datetime) -> CancelLink | None:
    """Stop what the link with this token is of; None if it is unknown or was used.

    A payee is removed, with every withdrawal to it that has not left; a withdrawal is cancelled.
    Raises TooLate, and the link stays as it is.
    """
    with transaction.atomic():
        link = cancel_links.find(token)
        if link is None or not cancel_links.use(token, now=now):
            return None
        if link.funding is not None:
            if not _cancel(link.funding, now=now):
                raise TooLate
            return link
        payee = link.payee
        if payee is None or not payees.remove(
            account_id=payee.account_id, payee_id=payee.pk, actor=ACTOR, now=now
        ):
            raise TooLate
        for each in Funding.objects.filter(payee=payee).order_by("asked_at", "pk"):
            _cancel(each, now=now)
    return link


def cancel_own(*, account_id: UUID, funding_id: UUID, actor: str, now: datetime) -> bool:
    """Cancel a withdrawal of the customer's own; False if the account has none of this id.

    Raises funding.UnableToCarryOn once it has left.
    """
    theirs = Funding.objects.filter(
        pk=funding_id, account_id=account_id, direction=Direction.WITHDRAWAL
    )
    if not theirs.exists():
        return False
    funding.take(funding_id, Step.CANCEL, actor=actor, reason="Cancelled by the customer", now=now)
    return True


def may_cancel(found: Funding) -> bool:
    """Tell whether it can still be cancelled."""
    return Step.CANCEL in passage.steps_from(Direction(found.direction), State(found.state))


def _cancel(found: Funding, *, now: datetime) -> bool:
    try:
        return funding.take(found.pk, Step.CANCEL, actor=ACTOR, reason=REASON, now=now)
    except funding.UnableToCarryOn:
        return False
