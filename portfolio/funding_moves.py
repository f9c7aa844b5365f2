"""What the steps of a deposit or withdrawal move in the ledger, and what the house advances.

A deposit can come back when its cash is gone. A margin account then owes it; an account without
margin cannot, so the house puts the difference up, and the next deposit pays it back.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Sum

from accounts import activity
from accounts.chain import Event
from accounts.locks import LockedAccount
from accounts.models import Account
from foundation import decimals
from foundation.decimals import CASH
from portfolio import books, house
from portfolio.books import Books, Move
from portfolio.funding_models import Funding
from portfolio.models import LedgerAccount, Transfer
from portfolio.passage import Movement

ZERO: Final = Decimal(0)


def carry_out(
    movement: Movement, account: LockedAccount, opened: Books, funding: Funding, now: datetime
) -> Decimal:
    """Book what a step moves; return what the house has to advance for it, in USD."""
    if movement is Movement.CREDIT:
        opened.move(account, _credit(funding, now))
    elif movement is Movement.SEND:
        _send(funding, now)
    elif movement is Movement.UNDO:
        return _undo(account, opened, funding, now)
    return ZERO


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


def _undo(account: LockedAccount, opened: Books, funding: Funding, now: datetime) -> Decimal:
    """Take back every transfer of it, the last first; return what the house has to advance."""
    moved = Transfer.objects.filter(reference=reference_of(funding), reversed_by=None)
    advanced = ZERO
    for transfer in moved.select_related("debit", "credit").order_by("-pk"):
        if account.pk not in (transfer.debit.owner_id, transfer.credit.owner_id):
            house.undo(transfer, at=now, reason=str(funding))
            continue
        is_credit = transfer.credit.owner_id == account.pk
        if is_credit and not account.margin:
            advanced = max(transfer.amount - opened.available(account, CASH), ZERO)
            opened.move(account, _advance(funding, advanced, now))
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
            ),
        )
    return advanced


def reference_of(funding: Funding) -> str:
    """Return what its transfers are booked under."""
    return f"{funding.direction}:{funding.account_id}:{funding.reference}"


def _advance(funding: Funding, amount: Decimal, now: datetime) -> Move:
    """Put up, or with a negative amount take back, what a customer without margin cannot owe."""
    word = "advance" if amount >= 0 else "repayment"
    return Move(
        asset=CASH,
        amount=amount,
        kind=Transfer.Kind.CORRECTION,
        house=LedgerAccount.Kind.CLEARING,
        reference=f"{word}:{funding.account_id}:{funding.reference}",
        at=now,
        reason="A deposit came back whose cash was gone.",
    )


def advanced_to(account_id: UUID) -> Decimal:
    """Return what the house has advanced to an account and not got back, in USD."""
    found = Transfer.objects.filter(kind=Transfer.Kind.CORRECTION, asset=CASH)
    put_up = found.filter(
        credit__owner_id=account_id, reference__startswith=f"advance:{account_id}:"
    )
    got_back = found.filter(
        debit__owner_id=account_id, reference__startswith=f"repayment:{account_id}:"
    )
    total: Decimal = (put_up.aggregate(sum=Sum("amount"))["sum"] or ZERO) - (
        got_back.aggregate(sum=Sum("amount"))["sum"] or ZERO
    )
    return total


def repay(account: LockedAccount, funding: Funding, actor: str, now: datetime) -> None:
    """Let a new deposit pay what the house has advanced."""
    if account.status != Account.Status.RESTRICTED:
        return  # nobody else was ever advanced anything
    owed = min(advanced_to(account.pk), funding.amount)
    if owed <= 0:
        return
    opened = books.ask_books(account_ids=[account.pk]).get()
    opened.move(account, _advance(funding, -owed, now))
    opened.close()
    tell_of_advance(account, funding, "money.advance_repaid", owed, actor, now)


def tell_of_advance(
    account: LockedAccount,
    funding: Funding,
    kind: str,
    amount: Decimal,
    actor: str,
    now: datetime,
) -> None:
    payload = {
        "amount": decimals.text(amount),
        "asset": CASH,
        "reference": funding.reference,
    }
    activity.record([(account, Event(kind, now, actor, payload))])
