"""Days that are sealed, and what they are sealed of."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from orders.entry import submission
from portfolio.models import Balance
from reconciliation.models import Seal
from reconciliation.proof import sealing
from tests import world

FIRST = date(2026, 11, 16)


def nothing(done: int, total: int) -> None:
    """Be told of progress, and say nothing."""


def sealed(day: int) -> Seal:
    now = timezone.now()
    sealing.run(day=FIRST + timedelta(days=day), now=now, progress=nothing)
    return Seal.objects.get(day=FIRST + timedelta(days=day))


def trade(account, venue) -> None:
    """Let an account buy ten and sell four, rest with an order, and be denied."""
    world.own(account, "AAPL", "10", venue, price="100.00")
    wanted = [
        world.limit_ticket(account, "90.00"),
        world.ticket(account, quantity=Decimal(90_000)),
        world.limit_ticket(account, "99.99", side=world.Side.SELL, quantity=Decimal(4)),
    ]
    resting, _, sold = (
        answer.order for answer in submission.submit_batch(wanted, now=timezone.now())
    )
    venue.accepts(resting)
    venue.fills(sold, "4", "99.99")
    world.apply_reports()


def touch() -> str:
    """Give an account more than its transfers did; return the key of what was touched."""
    account = world.customer(cash="100.00")
    Balance.objects.filter(account=account).update(amount=101)
    return str(Balance.objects.get(account=account).pk)
