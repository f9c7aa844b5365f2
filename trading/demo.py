"""Simulated money, so that a newcomer can trade: in the demo shape alone."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import locks
from portfolio import services
from portfolio.models import Transfer

AMOUNT: Final = Decimal(10_000)
DEPOSITS_PER_DAY_MAX: Final = 10


class EnoughForToday(ValueError):
    """The account has had as many simulated deposits in a day as it may."""


def deposit(*, account_id: UUID, key: str, actor: str, now: datetime) -> bool:
    """Deposit AMOUNT of simulated money, once for each `key`; False for a repeat.

    Raises EnoughForToday beyond DEPOSITS_PER_DAY_MAX within 24 hours.
    """
    reference = f"demo:{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    before = Transfer.objects.filter(reference__startswith=f"deposit:{account_id}:demo:")
    with transaction.atomic():
        locks.lock(account_id)  # nobody else deposits between counting and booking
        is_repeat = before.filter(reference=f"deposit:{account_id}:{reference}").exists()
        if not is_repeat:
            today = before.filter(at__gt=now - timedelta(days=1)).count()
            if today >= DEPOSITS_PER_DAY_MAX:
                raise EnoughForToday(
                    f"{DEPOSITS_PER_DAY_MAX} simulated deposits in 24 hours are the most."
                )
        return services.deposit(
            account_id=account_id, amount=AMOUNT, reference=reference, actor=actor, now=now
        )
