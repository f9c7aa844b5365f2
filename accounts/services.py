"""What is done to people and their accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction

from accounts import activity, locks
from accounts.chain import Event
from accounts.factors import passwords
from accounts.models import Account, SignInLink, User
from foundation import history, tokens

EMAIL_LENGTH_MAX = 254
NAME_LENGTH_MAX = 120
SIGN_IN_LINK_AGE = timedelta(minutes=10)


class InvalidEmail(ValueError):
    """This is no e-mail address."""


class InvalidName(ValueError):
    """A name is plain text of at most 120 characters."""


class EmailTaken(ValueError):
    """Somebody is registered with this e-mail address already."""


class NotInProduction(RuntimeError):
    """A convenience of the demo shape that would undo the second factor in production."""


def register(
    *, email: str, name: str = "", password: str | None = None, is_staff: bool = False
) -> User:
    """Register a person; without a password, only a sign-in link lets them in.

    Raises InvalidEmail, InvalidName, EmailTaken, passwords.PasswordRefused.
    """
    email = checked_email(email)
    if len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidName(f"A name is plain text of at most {NAME_LENGTH_MAX} characters.")
    if password is not None:
        passwords.check(password, user=User(email=email, name=name, is_staff=is_staff))
    try:
        with transaction.atomic():
            return User.objects.create_user(
                email=email,
                password=password,
                name=name.strip(),
                is_staff=is_staff,
                is_superuser=is_staff,
            )
    except IntegrityError:
        raise EmailTaken(f"{email} is registered already.") from None


def open_account(
    user: User,
    *,
    margin: bool = False,
    status: Account.Status = Account.Status.ACTIVE,
    reason: str = "",
) -> Account:
    """Open an account for `user`, numbered in the order of opening: OF10000001, OF10000002, ...

    One that is pending neither trades nor pays out before `accounts.customers.profiles` opens it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('accounts_account_number')")
        (number,) = cursor.fetchone()
    return Account.objects.create(
        number=f"OF{number}", user=user, margin=margin, status=status, status_reason=reason
    )


def change_status(
    account_id: UUID, *, status: Account.Status, reason: str, actor: str, now: datetime
) -> Account:
    """Set an account active, restricted or closed, and say why in its history."""
    with transaction.atomic():
        account = locks.lock(account_id)
        account.status, account.status_reason = status, reason
        history.because(account, reason)
        account.save(update_fields=["status", "status_reason"])
        payload = {"status": str(status), "reason": reason}
        activity.record([(account, Event(f"account.{status}", now, actor, payload))])
    return account


def new_sign_in_link(user: User, now: datetime) -> str:
    """Return the token of a new link that signs `user` in, once, for 10 minutes.

    Its page is /sign-in/link/TOKEN. Raises NotInProduction.
    """
    if not settings.DEMO:
        raise NotInProduction("Sign-in links are made in the demo shape only.")
    token = tokens.new()
    SignInLink.objects.create(
        user=user,
        name="sign-in link",
        confirmed=False,
        token_digest=tokens.digest_of(token),
        created_at=now,
        expires_at=now + SIGN_IN_LINK_AGE,
    )
    return token


def checked_email(text: str) -> str:
    """Return the e-mail address that `text` is, in lower case. Raises InvalidEmail."""
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidEmail("Give an e-mail address such as name@example.com.") from None
    if len(email) > EMAIL_LENGTH_MAX:
        raise InvalidEmail(f"An e-mail address has at most {EMAIL_LENGTH_MAX} characters.")
    return email
