"""Codes by SMS and e-mail: six digits, for the browser that asked, once, for five minutes.

They can be read on their way, so that they suffice neither for staff nor where a strong proof
is asked for. Sending is charged before it is done: a stranger with a password must neither
spend our money nor fill somebody's mailbox.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.factors import challenges
from accounts.factors.senders import sending
from accounts.letters import writing
from accounts.models import Challenge, MessageFactor, User
from accounts.sessions import throttles
from accounts.sessions.throttles import Subject

Way = MessageFactor.Way
NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")  # E.164
PLACES_MAX: Final = 5  # telephones and mailboxes of one person, unconfirmed ones included


class BadAddress(ValueError):
    """No telephone number or e-mail address; says what to type instead."""


class NotAvailable(RuntimeError):
    """This installation sends no SMS."""


class TooManyPlaces(RuntimeError):
    """The person has as many telephones and mailboxes as anybody may have."""


def checked_address(way: Way, text: str) -> str:
    """Return a telephone number as +43..., an e-mail address in lower case. Raises BadAddress."""
    if way == Way.SMS:
        number = re.sub(r"[\s()./-]", "", text)
        if not NUMBER.fullmatch(number):
            raise BadAddress("Type a telephone number with its country, such as +43 660 1234567.")
        return number
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise BadAddress("Type an e-mail address such as name@example.com.") from None
    return email


def begin(
    user: User, way: Way, address: str, *, name: str, bound_to: str, now: datetime
) -> MessageFactor:
    """Send a code to a telephone or mailbox that `user` wants to add.

    Raises BadAddress, NotAvailable, TooManyPlaces, throttles.TooManyAttempts.
    """
    checked = checked_address(way, address)
    if way == Way.SMS and not sending.is_available():
        raise NotAvailable
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        MessageFactor.objects.filter(user=user, confirmed=False).delete()  # begun and left
        if MessageFactor.objects.filter(user=user).count() >= PLACES_MAX:
            raise TooManyPlaces
        factor: MessageFactor = MessageFactor.objects.create(
            user=user, way=way, address=checked, name=name, confirmed=False, created_at=now
        )
    _send(factor, Challenge.Kind.ADD_CODE, bound_to=bound_to, now=now)
    return factor


def confirm(user: User, code: str, *, bound_to: str, now: datetime) -> MessageFactor | None:
    """Take the telephone or mailbox into use if `code` is what was sent there; otherwise None."""
    with transaction.atomic():
        kind = Challenge.Kind.ADD_CODE
        sent_to = challenges.answer_code(user, kind, code, bound_to=bound_to, now=now)
        factor: MessageFactor | None = None
        if sent_to is not None:
            factor = MessageFactor.objects.filter(pk=sent_to, user=user, confirmed=False).first()
        if factor is not None:
            factor.confirmed = True
            factor.save(update_fields=["confirmed"])
    return factor


def send(user: User, factor_id: int, *, bound_to: str, now: datetime) -> MessageFactor | None:
    """Send a code to one of the user's telephones and mailboxes; None if it is none of theirs.

    The code before it is void. Raises throttles.TooManyAttempts.
    """
    mine = MessageFactor.objects.filter(user=user, confirmed=True)
    factor: MessageFactor | None = mine.filter(pk=factor_id).first()
    if factor is not None:
        _send(factor, Challenge.Kind.PROVE_CODE, bound_to=bound_to, now=now)
    return factor


def verify(user: User, code: str, *, bound_to: str, now: datetime) -> MessageFactor | None:
    """Return where `code` was sent to, for this browser, if it was not used; otherwise None."""
    kind = Challenge.Kind.PROVE_CODE
    sent_to = challenges.answer_code(user, kind, code, bound_to=bound_to, now=now)
    if sent_to is None:
        return None
    mine = MessageFactor.objects.filter(user=user, confirmed=True)
    factor: MessageFactor | None = mine.filter(pk=sent_to).first()
    return factor


def shown_address(factor: MessageFactor) -> str:
    """Return enough of the address for its owner, and no more for whoever has the password."""
    if factor.way == Way.SMS:
        return f"…{factor.address[-3:]}"
    name, _, host = factor.address.partition("@")
    return f"{name[:1]}…@{host}"


def _send(factor: MessageFactor, kind: Challenge.Kind, *, bound_to: str, now: datetime) -> None:
    throttles.charge(_sending_subjects(factor), now=now)
    code = f"{secrets.randbelow(10**challenges.CODE_DIGITS):0{challenges.CODE_DIGITS}}"
    expected = challenges.digest_of_code(code, bound_to=bound_to)
    with transaction.atomic():
        challenges.ask(
            factor.user, kind, bound_to=bound_to, expected=expected, now=now, device=str(factor.pk)
        )
        if factor.way == Way.SMS:
            text = f"{code} is your Openfloor code. It ends in 5 minutes. Tell it to nobody."
            sending.write(factor.address, text, now=now, lasts=challenges.AGE_MAX)
        else:
            writing.write(
                factor.user,
                "code",
                now=now,
                to=factor.address,
                lasts=challenges.AGE_MAX,
                code=code,
                minutes=5,
            )


def _sending_subjects(factor: MessageFactor) -> tuple[Subject, ...]:
    return (
        Subject(f"send codes to {factor.user_id}", free=6),
        Subject(f"send codes to {factor.address}", free=6),
    )


def is_offered(way: Way) -> bool:
    """Say whether people of this installation can have codes sent this way."""
    return way == Way.EMAIL or bool(settings.SMS_SENDER)
