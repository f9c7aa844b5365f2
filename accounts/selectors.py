"""What is asked about people, their accounts and their keys."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from accounts.models import Account, ApiKey, SignIn, TotpDevice, User

WITHDRAWALS_HELD: Final = timedelta(hours=72)


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email=email.strip().lower()).first()


def account(account_id: UUID) -> Account | None:
    return Account.objects.filter(pk=account_id).first()


def account_of(user: User) -> Account | None:
    """Return the account that `user` trades in: the one opened first."""
    return Account.objects.filter(user=user).order_by("opened_at", "pk").first()


def accounts_of(users: Collection[UUID]) -> dict[UUID, Account]:
    """Return the account that each of these users trades in, of those who have one."""
    found = Account.objects.filter(user__in=users).order_by("-opened_at", "-pk")
    return {account.user_id: account for account in found}  # the one opened first is told last


def api_keys(account: Account) -> list[ApiKey]:
    """Return every key the account ever had, the newest first."""
    return list(ApiKey.objects.filter(account=account).order_by("-created_at", "key_id"))


def authenticators(user: User) -> list[TotpDevice]:
    """Return the authenticator apps that `user` has confirmed."""
    return list(TotpDevice.objects.filter(user=user, confirmed=True).order_by("pk"))


def sign_ins(user: User) -> list[SignIn]:
    """Return where `user` is signed in now, the latest seen first."""
    return list(SignIn.objects.filter(user=user, ended_at=None).order_by("-seen_at"))


def withdrawals_held_until(user: User) -> datetime | None:
    """Return until when a change of how `user` signs in holds withdrawals back, also when that is
    past; None if nothing ever changed."""
    return user.secured_at + WITHDRAWALS_HELD if user.secured_at else None
