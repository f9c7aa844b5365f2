"""Proceeds whose day has come: what was not final is settled now."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from django.db import transaction

from accounts import locks
from foundation import bulk, decimals
from foundation.decimals import CASH
from portfolio import settlement
from portfolio.models import Balance

_WAITING: Final[LiteralString] = """
SELECT account_id FROM portfolio_balance
 WHERE asset = 'USD' AND unsettled <> '{}'
   AND EXISTS (SELECT FROM jsonb_object_keys(unsettled) AS on_day WHERE on_day::date <= %s)
 ORDER BY account_id"""


def waiting(day: date) -> list[UUID]:
    """Return the accounts whose cash still names proceeds that are settled on `day`."""
    return [account_id for [account_id] in bulk.execute(_WAITING, [day])]


def settle(account_id: UUID, *, day: date) -> Decimal:
    """Strike out of an account's unsettled proceeds those that settle on `day` or did before.

    Returns how much that was, in USD; nothing the second time. What may be spent or leave does not
    change: whoever asks looks at the days.
    """
    with transaction.atomic():
        locks.lock(account_id)
        balance = Balance.objects.get(account_id=account_id, asset=CASH)
        left = settlement.after(balance.unsettled, day)
        before = sum(map(Decimal, balance.unsettled.values()), Decimal(0))
        balance.unsettled = {on.isoformat(): decimals.text(amount) for on, amount in left.items()}
        balance.save(update_fields=["unsettled"])
    return before - sum(left.values(), Decimal(0))
