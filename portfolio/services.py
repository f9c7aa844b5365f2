"""Money that comes in and corrections: what changes the books besides fills."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts import activity, locks
from accounts.chain import Event
from foundation import decimals
from foundation.decimals import CASH
from portfolio import books
from portfolio.models import LedgerAccount, Transfer


class UnableToDeposit(ValueError):
    """The amount cannot be booked; the message says why."""


def deposit(
    *, account_id: UUID, amount: Decimal, reference: str, actor: str, now: datetime
) -> bool:
    """Credit `amount` of cash to the account, once for each `reference`.

    Returns False when this reference was booked before with the same amount. Raises
    UnableToDeposit for an amount that is not positive or has parts of a cent, and when the
    reference stands for another amount.
    """
    if amount <= 0:
        raise UnableToDeposit("The amount must be greater than zero.")
    if amount != decimals.quantize(amount, asset=CASH, rounding=decimals.DOWN):
        raise UnableToDeposit("The amount must be in whole cents.")
    reference = f"deposit:{account_id}:{reference}"
    with transaction.atomic():
        account = locks.lock(account_id)
        before = Transfer.objects.filter(reference=reference).first()
        if before is not None:
            if before.amount != amount:
                raise UnableToDeposit("This deposit was booked before with another amount.")
            return False
        opened = books.ask_books(account_ids=[account_id]).get()
        opened.move(
            account,
            books.Move(
                asset=CASH,
                amount=amount,
                kind=Transfer.Kind.DEPOSIT,
                house=LedgerAccount.Kind.BANK,
                reference=reference,
                at=now,
            ),
        )
        opened.close()
        activity.record(
            [
                (
                    account,
                    Event(
                        kind="money.deposited",
                        at=now,
                        actor=actor,
                        payload={"amount": decimals.text(amount), "asset": CASH},
                    ),
                )
            ]
        )
    return True
