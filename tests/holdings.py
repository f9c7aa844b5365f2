"""Positions and money put into the books without an order, where it is no matter how."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import Account
from marketdata import calendars
from marketdata.models import Instrument
from portfolio import services
from portfolio.models import Position
from portfolio.worth import closing


def hold(
    account: Account,
    instrument: Instrument,
    quantity: Decimal,
    *,
    cost: Decimal,
    opened_at: datetime | None = None,
) -> Position:
    """Give the account a position, of which `cost` is the whole cost; negative is short."""
    return Position.objects.create(
        account=account,
        instrument=instrument,
        quantity=quantity,
        cost_basis=cost.copy_sign(quantity),
        opened_at=opened_at or timezone.now(),
    )


def deposit(account: Account, amount: str, *, at: datetime | None = None) -> None:
    services.deposit(
        account_id=account.pk,
        amount=Decimal(amount),
        reference=uuid.uuid4().hex,
        actor="operator:test",
        now=at or timezone.now(),
    )


def close_yesterday() -> None:
    """Write down what everybody is worth now as the end of yesterday, as if that were just over."""
    today = calendars.date_of(timezone.now())
    yesterday, midnight = today - timedelta(days=1), calendars.midnight(today)
    closing.snapshot_equity(day=yesterday, now=midnight + timedelta(minutes=5))
