"""What is written down at the end of a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import Account
from marketdata.calendars import NEW_YORK
from portfolio import selectors
from portfolio.models import EquitySnapshot


def snapshot_equity(*, now: datetime) -> int:
    """Write down every account's equity for the last New York day that has ended.

    Done twice for a day, it writes once. Returns how many it wrote.
    """
    day = (now.astimezone(NEW_YORK) - timedelta(days=1)).date()
    missing = Account.objects.exclude(equitysnapshot__day=day).values_list("pk", flat=True)
    written = 0
    for account_id in missing.iterator():
        snapshot = selectors.snapshot(account_id, now=now)
        row = EquitySnapshot(
            account_id=account_id,
            day=day,
            at=now,
            cash=snapshot.cash,
            equity=snapshot.equity,
        )
        EquitySnapshot.objects.bulk_create([row], ignore_conflicts=True)
        written += 1
    return written
