"""What the steps of a deposit or withdrawal move in the ledger.

A deposit can come back when its cash is gone: the account then owes it, with margin or without.
"""

from __future__ import annotations

from datetime import datetime

from accounts.locks import LockedAccount
from foundation.decimals import CASH
from portfolio import house
from portfolio.books import Books, Move
from portfolio.funding.models import Funding
from portfolio.funding.passage import Movement
from portfolio.models import LedgerAccount, Transfer


def carry_out(
    movement: Movement, account: LockedAccount, opened: Books, funding: Funding, now: datetime
) -> None:
    """Book what a step moves."""
    if movement is Movement.CREDIT:
        opened.move(account, _credit(funding, now))
    elif movement is Movement.SEND:
        _send(funding, now)
    elif movement is Movement.UNDO:
        _undo(account, opened, funding, now)


def _credit(funding: Funding, now: datetime) -> Move:
    return Move(
        asset=CASH,
        amount=funding.amount,
        kind=Transfer.Kind.DEPOSIT,
        house=LedgerAccount.Kind.BANK,
        reference=reference_of(funding),
        at=now,
    )


def set_aside(funding: Funding, now: datetime) -> Move:
    return Move(
        asset=CASH,
        amount=-funding.amount,
        kind=Transfer.Kind.WITHDRAWAL,
        house=LedgerAccount.Kind.CLEARING,
        reference=reference_of(funding),
        at=now,
    )


def _send(funding: Funding, now: datetime) -> None:
    house.move(
        debit=LedgerAccount.Kind.CLEARING,
        credit=LedgerAccount.Kind.BANK,
        amount=funding.amount,
        kind=Transfer.Kind.WITHDRAWAL,
        reference=reference_of(funding),
        at=now,
    )


def _undo(account: LockedAccount, opened: Books, funding: Funding, now: datetime) -> None:
    """Take back every transfer of it, the last first."""
    moved = Transfer.objects.filter(reference=reference_of(funding), reversed_by=None)
    for transfer in moved.select_related("debit", "credit").order_by("-pk"):
        if account.pk not in (transfer.debit.owner_id, transfer.credit.owner_id):
            house.undo(transfer, at=now, reason=str(funding))
            continue
        is_credit = transfer.credit.owner_id == account.pk
        other = transfer.debit if is_credit else transfer.credit
        opened.move(
            account,
            Move(
                asset=CASH,
                amount=-transfer.amount if is_credit else transfer.amount,
                kind=Transfer.Kind.REVERSAL,
                house=LedgerAccount.Kind(other.kind),
                reference=f"reversal:{transfer.pk}",
                at=now,
                reason=str(funding),
                reverses=transfer.pk,
                may_overdraw=True,
            ),
        )


def reference_of(funding: Funding) -> str:
    """Return what its transfers are booked under."""
    return f"{funding.direction}:{funding.account_id}:{funding.reference}"
