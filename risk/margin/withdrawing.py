"""Letting money go out of an account, by what it has to keep: the portfolio knows no margin."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts import locks
from marketdata import calendars
from portfolio import particulars
from portfolio import selectors as portfolio
from portfolio.funding import passage
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from risk.margin import book as margin_book
from risk.margin import trade_calls


def request_withdrawal(
    *,
    account_id: UUID,
    payee_id: UUID,
    amount: Decimal,
    reference: str,
    actor: str,
    now: datetime,
) -> Funding:
    """Set cash aside that the customer wants sent to a payee, as `portfolio.funding.services` does.

    What a margin account may withdraw is decided behind its lock, so that no order takes the same
    equity at the same time. Raises funding.UnableToWithdraw.
    """
    with transaction.atomic():
        locks.lock(account_id)
        return funding.request_withdrawal(
            account_id=account_id,
            payee_id=payee_id,
            amount=amount,
            reference=reference,
            actor=actor,
            now=now,
            lendable=_lendable(account_id, now),
        )


def withdrawable(account_id: UUID, *, now: datetime) -> Decimal:
    """Return what could leave the account now, in USD, whatever its payees and limits say."""
    unsettled = particulars.settled_cash(account_id, calendars.date_of(now)).unsettled
    return passage.withdrawable(
        available=portfolio.snapshot(account_id).available,
        unsettled=sum(unsettled.values(), Decimal(0)),
        lendable=_lendable(account_id, now),
    )


def _lendable(account_id: UUID, now: datetime) -> Decimal | None:
    """Return what a margin account has beyond what it must keep; None for a cash account."""
    sheet = margin_book.sheet(account_id, now=now)
    if sheet is None:
        return None
    kept_back = trade_calls.kept_back(sheet, now=now)
    return max(sheet.standing().withdrawable - kept_back, Decimal(0))
