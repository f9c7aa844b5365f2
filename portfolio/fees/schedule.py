"""The fee schedule as it stands, read from its table at most every ten seconds."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Final

from accounts.models import Account
from foundation import bulk
from marketdata import calendars
from marketdata.models import Instrument
from portfolio.fees import rules as fees
from portfolio.fees.models import FeeRule
from portfolio.fees.rules import FeeTerms, Schedule

AGE_SECONDS_MAX: Final = 10.0

_lock = threading.Lock()
_read_at = float("-inf")
_schedule = Schedule()


def current() -> Schedule:
    """Return the schedule as it stood at most ten seconds ago."""
    global _read_at, _schedule  # noqa: PLW0603  what this process knows, under its lock
    with _lock:
        if time.monotonic() - _read_at > AGE_SECONDS_MAX:
            rows = bulk.select(FeeRule, "true ORDER BY id", [])
            _schedule = Schedule(tuple(_line(row) for row in rows))
            _read_at = time.monotonic()
        return _schedule


def forget() -> None:
    """Read the schedule anew the next time: for whoever has just added to it."""
    global _read_at  # noqa: PLW0603
    with _lock:
        _read_at = float("-inf")


def terms_of_buy(account: Account, instrument: Instrument, at: datetime) -> FeeTerms:
    """Return what a buy that is accepted at `at` will be charged."""
    return current().terms_of_buy(
        asset_class=instrument.asset_class, tier=account.tier, day=calendars.date_of(at)
    )


def _line(row: FeeRule) -> fees.FeeRule:
    return fees.FeeRule(
        name=row.name,
        beneficiary=row.beneficiary,
        valid_from=row.valid_from,
        terms=FeeTerms(row.per_order, row.per_unit, row.rate, row.most),
        asset_class=row.asset_class,
        is_buy=None if row.side is None else row.side == FeeRule.Side.BUY,
        tier=row.tier,
    )
