"""Another e-mail address to sign in with: taken once a code that was sent there came back.

The former address is told, by which an owner who did not do it learns of it in time.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.factors import challenges, changes, sent_codes
from accounts.factors.sent_codes import Way
from accounts.letters import writing
from accounts.models import Challenge, User
from accounts.services import EmailTaken
from accounts.sessions import throttles
from accounts.sessions.events import Kind
from accounts.sessions.throttles import Subject


def begin(user: User, email: str, *, bound_to: str, now: datetime) -> str:
    """Send a code to the new address, whoever has it; return it as it would be kept.

    Raises BadAddress, throttles.TooManyAttempts.
    """
    address = sent_codes.checked_address(Way.EMAIL, email)
    subjects = (
        Subject(f"send codes to {user.pk}", free=6),
        Subject(f"send codes to {address}", free=6),
    )
    throttles.charge(subjects, now=now)
    code = f"{secrets.randbelow(10**challenges.CODE_DIGITS):0{challenges.CODE_DIGITS}}"
    expected = challenges.digest_of_code(code, bound_to=bound_to, about=address)
    with transaction.atomic():
        kind, lasts = Challenge.Kind.NEW_EMAIL, challenges.AGE_MAX
        challenges.ask(user, kind, bound_to=bound_to, expected=expected, now=now)
        writing.write(user, "code", now=now, to=address, lasts=lasts, code=code, minutes=5)
    return address


def confirm(
    user: User, address: str, code: str, *, bound_to: str, keep: UUID, now: datetime
) -> bool:
    """Let `user` sign in with `address` if `code` was sent there; other sign-ins end.

    Raises EmailTaken, which only somebody learns whom mail to that address reaches.
    """
    kind = Challenge.Kind.NEW_EMAIL
    answered = challenges.answer_code(user, kind, code, bound_to=bound_to, about=address, now=now)
    if answered is None:
        return False
    former = user.email
    try:
        with transaction.atomic():
            user.email = address
            user.save(update_fields=["email"])
            changes.note(user, Kind.EMAIL_CHANGED, address, keep=keep, to=former, now=now)
    except IntegrityError:
        user.email = former
        raise EmailTaken(f"{address} is registered already.") from None
    return True
