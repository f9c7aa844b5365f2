"""Taking a transfer back: never by editing it, always by its opposite."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts import activity, locks
from accounts.chain import Event
from foundation import decimals
from portfolio import books
from portfolio.models import LedgerAccount, Transfer

CUSTOMER = LedgerAccount.Kind.CUSTOMER
NOT_REVERSED = frozenset({Transfer.Kind.TRADE, Transfer.Kind.BUST, Transfer.Kind.REVERSAL})


class UnableToReverse(ValueError):
    """The transfer cannot be taken back; the message says why."""


def reverse(*, transfer: Transfer, reason: str, actor: str, now: datetime) -> bool:
    """Take back a transfer between a customer and the house, once.

    It may overdraw the account: the money is gone, and was not the customer's. Returns False when
    it was taken back before. Raises UnableToReverse for a trade, which its venue busts, for a
    reversal, for securities, and for a transfer that no customer is part of.
    """
    if transfer.kind in NOT_REVERSED:
        raise UnableToReverse(f"A {transfer.kind} is not taken back by a reversal.")
    if transfer.asset != decimals.CASH:
        raise UnableToReverse("Securities are corrected with the lots of their position.")
    owners = [side.owner_id for side in (transfer.debit, transfer.credit) if side.owner_id]
    if len(owners) != 1:
        raise UnableToReverse("The transfer is not between a customer and the house.")
    is_credit = transfer.credit.kind == CUSTOMER
    house = transfer.debit if is_credit else transfer.credit
    amount = -transfer.amount if is_credit else transfer.amount
    with transaction.atomic():
        account = locks.lock(owners[0])
        if Transfer.objects.filter(reverses=transfer).exists():
            return False
        opened = books.ask_books(account_ids=owners).get()
        opened.move(
            account,
            books.Move(
                asset=transfer.asset,
                amount=amount,
                kind=Transfer.Kind.REVERSAL,
                house=LedgerAccount.Kind(house.kind),
                reference=f"reversal:{transfer.pk}",
                at=now,
                reason=reason,
                reverses=transfer.pk,
                may_overdraw=True,
            ),
        )
        opened.close()
        payload = {
            "amount": decimals.text(amount),
            "asset": transfer.asset,
            "reverses": transfer.reference,
            "reason": reason,
        }
        activity.record([(account, Event("money.reversed", now, actor, payload))])
    return True
