"""Good faith violations: selling what unsettled proceeds had paid for, before they settle.

Regulation T lets a cash account buy with the proceeds of a sale that has not settled, in good faith
that the purchase will be kept until then (12 CFR 220.8). Whoever does otherwise three times in
twelve months may for ninety days spend settled cash only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from accounts.locks import LockedAccount
from foundation import bulk
from marketdata import calendars
from portfolio.lots.records import Lot
from portfolio.models import GoodFaithViolation

VIOLATIONS_MAX: Final = 3
COUNTED_FOR: Final = timedelta(days=365)
RESTRICTED_FOR: Final = timedelta(days=90)


def violation(
    account: LockedAccount, lot: Lot, *, order_id: UUID, trade_id: UUID, at: datetime
) -> GoodFaithViolation:
    """Return the row that says so: one for each order, however many fills it has."""
    return bulk.new(
        GoodFaithViolation,
        account_id=account.id,
        order_id=order_id,
        lot_id=lot.id,
        trade_id=trade_id,
        at=at,
        funds_settle_on=lot.funds_settle_on,
    )


def is_known(account: LockedAccount, order_id: UUID) -> bool:
    return GoodFaithViolation.objects.filter(account=account, order_id=order_id).exists()


def settled_only_until(
    account: LockedAccount, new: Iterable[GoodFaithViolation], *, at: datetime
) -> date | None:
    """Return until when the account is to spend settled cash only, after its latest violation."""
    known = GoodFaithViolation.objects.filter(account=account, at__gt=at - COUNTED_FOR)
    orders = {each.order_id for each in new if each.account_id == account.id}
    orders |= set(known.values_list("order_id", flat=True))
    if len(orders) < VIOLATIONS_MAX:
        return None
    return calendars.date_of(at) + RESTRICTED_FOR
