"""Letting money go out of an account, by what it has to keep: the portfolio knows no margin."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts import locks
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from risk.margin import book as margin_book
from risk.margin import trade_calls


def request_withdrawal(
    *,
    account_id: UUID,
    amount: Decimal,
    reference: str,
    actor: str,
    now: datetime,
    bank: str = "",
) -> Funding:
    """Set cash aside that the customer wants sent to `bank`, as `portfolio.funding.services` does.

    What a margin account may withdraw is decided behind its lock, so that no order takes the same
    equity at the same time. Raises funding.UnableToWithdraw.
    """
    with transaction.atomic():
        locks.lock(account_id)
        sheet = margin_book.sheet(account_id, now=now)
        lendable = None
        if sheet is not None:
            kept_back = trade_calls.kept_back(sheet, now=now)
            lendable = max(sheet.standing().withdrawable - kept_back, Decimal(0))
        return funding.request_withdrawal(
            account_id=account_id,
            amount=amount,
            reference=reference,
            actor=actor,
            now=now,
            bank=bank,
            lendable=lendable,
        )
