"""Another legal name: after papers that one member of staff has seen and another agrees to."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import approvals
from accounts.customers import profiles
from accounts.models import Approval, Profile, User

APPROVAL: Final = "accounts.legal_name"
PAPERS_LENGTH_MAX: Final = 500


class UnableToName(ValueError):
    """The name cannot be changed; the message says why."""


def ask(
    user: User, *, legal_name: str, papers: str, reason: str, by: User, now: datetime
) -> Approval:
    """Ask another person to agree that `user` is called `legal_name` from now on.

    `papers` says which were seen, and how. Raises UnableToName.
    """
    wanted, seen = " ".join(legal_name.split()), papers.strip()
    if not 0 < len(wanted) <= profiles.NAME_LENGTH_MAX or not wanted.isprintable():
        raise UnableToName("A name is plain text of at most 120 characters.")
    if not 0 < len(seen) <= PAPERS_LENGTH_MAX:
        raise UnableToName("Say which papers were seen, in 500 characters at most.")
    with transaction.atomic():
        profile = _locked(user.pk)
        if profile.legal_name == wanted:
            raise UnableToName("This is their name already.")
        content = {
            "user": str(user.pk),
            "email": user.email,
            "from": profile.legal_name,
            "to": wanted,
            "papers": seen,
        }
        return approvals.ask_once(
            kind=APPROVAL,
            subject=str(user.pk),
            content=content,
            reason=reason,
            by=by,
            now=now,
            refusal=UnableToName,
        )


def approve(approval_id: UUID, *, by: User, reason: str = "", now: datetime) -> Profile:
    """Agree to what another person has asked for, and write the name; the customer is told.

    Payees must be held by it from then on. Raises approvals.UnableToApprove, and UnableToName when
    the name is another by now.
    """
    with transaction.atomic():
        approval = approvals.approve(approval_id, by=by, reason=reason, now=now)
        if approval.kind != APPROVAL:
            raise approvals.UnableToApprove("That is not about a name.")
        profile = _locked(UUID(approval.subject))
        if by.pk == profile.user_id:
            raise UnableToName("Nobody agrees to a name of their own.")
        if profile.legal_name != approval.content["from"]:
            raise UnableToName("Their name has changed since this was asked for: ask again.")
        return profiles.rename(profile, approval.content["to"], now=now)


def _locked(user_id: UUID) -> Profile:
    found = Profile.objects.select_for_update(of=("self",), no_key=True).select_related("user")
    profile = found.filter(pk=user_id).first()
    if profile is None or not profile.legal_name:
        raise UnableToName("Of this person no name is known yet.")
    return profile
