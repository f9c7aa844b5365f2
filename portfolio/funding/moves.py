"""What the steps of a deposit or withdrawal move in the ledger, and of coins in their lots.

A deposit can come back when its cash is gone: the account then owes it, with margin or without.
Coins leave their position with the lots that they are of, at what these have cost: that is no
sale. When they come back so do the lots, with their cost and dates.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from accounts.locks import LockedAccount
from foundation import ids
from foundation.decimals import CASH
from marketdata import calendars
from marketdata.models import Instrument
from portfolio import books, house
from portfolio.books import Books, Move
from portfolio.funding.models import Funding
from portfolio.funding.passage import Movement
from portfolio.models import LedgerAccount, Transfer


def opened_for(account: LockedAccount, asset: str) -> Books:
    """Return the books of the account, with the lots of what is withdrawn if that is coins."""
    coins = Instrument.objects.filter(code=asset).values_list("pk", flat=True)
    return books.ask_books(
        account_ids=[account.pk], instrument_ids=coins, for_fills=asset != CASH
    ).get()


def unsettled(account: LockedAccount, opened: Books, asset: str, *, now: datetime) -> Decimal:
    """Return what of the asset is not final: proceeds of sales, or coins bought with such."""
    day = calendars.date_of(now)
    if asset == CASH:
        return sum(opened.unsettled(account, day).values(), Decimal(0))
    lots = opened.lots.open_lots(account, _instrument(asset).pk)
    early = (lot.quantity for lot in lots if not lot.is_paid_for(day))
    return sum(early, Decimal(0))


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


def set_aside(account: LockedAccount, opened: Books, funding: Funding, now: datetime) -> None:
    """Take what is withdrawn from the customer; coins from their lots."""
    opened.move(
        account,
        Move(
            asset=funding.asset,
            amount=-funding.total,
            kind=Transfer.Kind.WITHDRAWAL,
            house=LedgerAccount.Kind.CLEARING,
            reference=reference_of(funding),
            at=now,
        ),
    )
    if funding.asset != CASH:
        opened.lots.leave(
            account,
            _instrument(funding.asset).pk,
            quantity=funding.total,
            by=funding.pk,
            at=now,
        )


def _send(funding: Funding, now: datetime) -> None:
    house.move(
        debit=LedgerAccount.Kind.CLEARING,
        credit=LedgerAccount.Kind.BANK,
        amount=funding.total,
        kind=Transfer.Kind.WITHDRAWAL,
        reference=reference_of(funding),
        at=now,
        asset=funding.asset,
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
                asset=transfer.asset,
                amount=-transfer.amount if is_credit else transfer.amount,
                kind=Transfer.Kind.REVERSAL,
                house=LedgerAccount.Kind(other.kind),
                reference=f"reversal:{transfer.pk}",
                at=now,
                reason=str(funding),
                reverses=transfer.pk,
                may_overdraw=is_credit or opened.available(account, transfer.asset) < 0,
            ),
        )
        if transfer.asset != CASH:
            opened.lots.come_back(
                account,
                _instrument(transfer.asset).pk,
                quantity=transfer.amount,
                left_by=funding.pk,
                by=ids.new(),
                at=now,
            )


def _instrument(asset: str) -> Instrument:
    return Instrument.objects.get(code=asset)


def reference_of(funding: Funding) -> str:
    """Return what its transfers are booked under."""
    return f"{funding.direction}:{funding.account_id}:{funding.reference}"
