"""Entitling while others trade: no trade is booked between what is read and what is noted of it.

Whoever books trades has claimed the inbox (`venues.inbox.claim`). What is booked before an account
is entitled counts for it; what is booked after finds the entitlement, or the mark that all are
entitled, and makes up for it (`portfolio.actions.late`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction

from marketdata import calendars
from marketdata.models import Instrument
from orders.actions import stragglers
from portfolio.actions import entitlements
from portfolio.actions import services as portfolio
from portfolio.actions.models import CorporateAction
from portfolio.actions.services import Due
from venues import inbox

AT_ONCE: Final = 50
"""Accounts in one transaction, during which nothing is booked."""


def to_dividend(due: Due, instrument: Instrument, *, now: datetime) -> int:
    """Entitle everybody who had shares when the ex-date began; return how many were entitled."""
    begins = calendars.midnight(due.said.ex_date)
    late = stragglers.late_quantities(instrument, begins=begins)
    wanted = list(entitlements.concerned(due, late=late))
    entitled = 0
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        with transaction.atomic():
            inbox.claim()
            late = stragglers.late_quantities(instrument, begins=begins, account_ids=some)
            found = entitlements.entitle(due, now=now, account_ids=some, late=late)
        entitled += found.entitled
    return entitled


def mark(due: Due, instrument: Instrument, *, note: str, now: datetime) -> bool:
    """Bring the instrument to the new terms and mark all as entitled, once nobody is left.

    Returns whether it is so; someone may have come by a trade that was booked meanwhile.
    """
    if due.state != CorporateAction.State.APPROVED:
        return True
    with transaction.atomic():
        inbox.claim()
        if _is_anybody_left(due, instrument):
            return False
        portfolio.restate(due, note=note, now=now)
    return True


def _is_anybody_left(due: Due, instrument: Instrument) -> bool:
    if due.said.kind != CorporateAction.Kind.CASH_DIVIDEND:
        return bool(entitlements.concerned(due))
    # What was booked before the ex-date began stays as it was read.
    begins = calendars.midnight(due.said.ex_date)
    late: Mapping[UUID, Decimal] = stragglers.late_quantities(instrument, begins=begins)
    return bool(entitlements.concerned(due, account_ids=list(late), late=late))
