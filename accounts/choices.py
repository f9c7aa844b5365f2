"""What customers choose for their accounts themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import activity, locks
from accounts.chain import Event
from accounts.models import Account
from foundation import history

MULTIPLIERS: Final = (1, 2, 4)


class UnableToChoose(ValueError):
    """There is no such choice; the message says why."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen; None leaves it as it is.

    `multiplier_max` bounds what is lent: 1 nothing, 2 overnight, 4 within the day. `lot_method`
    says which lots a sale closes first, from the next fill on. `is_suspended`: no new orders.
    """

    lot_method: str | None = None
    allows_shorting: bool | None = None
    multiplier_max: int | None = None
    is_suspended: bool | None = None


def choose(account_id: UUID, wanted: Choices, *, actor: str, now: datetime) -> Account:
    """Set what is chosen, and say so in the account's activity. Raises UnableToChoose."""
    if wanted.lot_method is not None and wanted.lot_method not in Account.LotMethod.values:
        raise UnableToChoose(f"lot_method is one of {', '.join(Account.LotMethod.values)}.")
    if wanted.multiplier_max is not None and wanted.multiplier_max not in MULTIPLIERS:
        raise UnableToChoose("multiplier is 1, 2 or 4.")
    with transaction.atomic():
        account = locks.lock(account_id)
        if not account.margin and (wanted.allows_shorting or (wanted.multiplier_max or 1) > 1):
            raise UnableToChoose("A cash account borrows nothing and sells nothing short.")
        news = {
            name: value
            for name in ("lot_method", "allows_shorting", "multiplier_max", "is_suspended")
            if (value := getattr(wanted, name)) is not None and value != getattr(account, name)
        }
        if not news:
            return account
        for name, value in news.items():
            setattr(account, name, value)
        history.because(account, "Chosen by the customer")
        account.save(update_fields=list(news))
        payload = {name: str(value).lower() for name, value in news.items()}
        activity.record([(account, Event("account.settings_changed", now, actor, payload))])
    return account
