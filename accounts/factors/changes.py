"""What follows when a factor, the password or the e-mail changes: whoever did it, the owner knows.

The person is told at the address they had, other sign-ins end, and withdrawals wait for 72 hours
(`accounts.selectors.withdrawals_held_until`), in which an owner who did not do it can say so.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.letters import writing
from accounts.models import SignIn, User
from accounts.sessions import events, security_log, sign_ins
from accounts.sessions.events import Kind


def note(
    user: User,
    kind: Kind,
    what: str,
    *,
    now: datetime,
    keep: UUID | None = None,
    to: str | None = None,
) -> None:
    """Take the consequences of a change; `what` names that which changed, such as a factor.

    `keep` is the sign-in that made it and goes on, `to` the address before a change of e-mail.
    """
    with transaction.atomic():
        user.secured_at = now
        user.save(update_fields=["secured_at"])
        sign_ins.end_others(user, keep=keep, why=_ending(kind), now=now)
        tell(user, kind, what, now=now, to=to)


def tell(user: User, kind: Kind, what: str, *, now: datetime, to: str | None = None) -> None:
    """Note a change in the person's security log, and write to them of it, at `to` if that is
    another than their present address."""
    with transaction.atomic():
        security_log.note(user, kind, now=now, about=what)
        said = f"{events.title(kind)}: {what}" if what else events.title(kind)
        writing.write(user, "security_changed", now=now, to=to, what=said, at=now)


def _ending(kind: Kind) -> SignIn.Ending:
    if kind is Kind.PASSWORD_CHANGED:
        return SignIn.Ending.PASSWORD_CHANGED
    return SignIn.Ending.FACTOR_CHANGED
