"""The fee schedule as it stands, read from its table at most every ten seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts.models import Account
from foundation import bulk
from foundation.reading import Reading
from marketdata import calendars
from marketdata.models import Instrument
from portfolio.fees import rules as fees
from portfolio.fees.models import FeeRule
from portfolio.fees.rules import FeeTerms, Schedule

AGE_SECONDS_MAX: Final = 10.0


def current() -> Schedule:
    """Return the schedule as it stood at most ten seconds ago."""
    return _schedule.latest()


def forget() -> None:
    """Read the schedule anew the next time: for whoever has just added to it."""
    _schedule.forget()


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


def _read() -> Schedule:
    return Schedule(tuple(_line(row) for row in bulk.select(FeeRule, "true ORDER BY id", [])))


_schedule: Final = Reading(_read, age_seconds_max=AGE_SECONDS_MAX)
