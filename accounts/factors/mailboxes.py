"""The mailbox that a password was reset by: no second factor beside itself.

Whoever reads it has the password already; it counts again once another factor was proved.
"""

from __future__ import annotations

from accounts.factors.models import Factor
from accounts.models import MessageFactor, User


def counts(user: User, factor: MessageFactor) -> bool:
    """Tell whether codes sent to this place prove anything beside the user's password now."""
    return not (user.is_password_mailed and _is_mailbox(factor))


def note_proved(user: User, factor: Factor) -> None:
    """Let the mailbox count again once another factor was proved after a reset by mail."""
    if user.is_password_mailed and not _is_mailbox(factor):
        User.objects.filter(pk=user.pk).update(is_password_mailed=False)
        user.is_password_mailed = False


def _is_mailbox(factor: Factor) -> bool:
    return isinstance(factor, MessageFactor) and factor.way == MessageFactor.Way.EMAIL
