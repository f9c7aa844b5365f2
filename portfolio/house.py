"""Transfers that no balance of a customer's is part of, and those that take others back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from foundation.decimals import CASH
from portfolio.models import LedgerAccount, Transfer


def move(
    *,
    debit: LedgerAccount.Kind,
    credit: LedgerAccount.Kind,
    amount: Decimal,
    kind: Transfer.Kind,
    reference: str,
    at: datetime,
    asset: str = CASH,
    reverses: Transfer | None = None,
    reason: str = "",
) -> Transfer:
    """Move cash, or another `asset`, from one account of the house to another."""
    return Transfer.objects.create(
        at=at,
        kind=kind,
        reference=reference,
        asset=asset,
        debit=_account(debit, asset),
        credit=_account(credit, asset),
        amount=amount,
        reverses=reverses,
        reason=reason,
    )


def undo(transfer: Transfer, *, at: datetime, reason: str) -> Transfer:
    """Take back a transfer between two accounts of the house."""
    return move(
        debit=LedgerAccount.Kind(transfer.credit.kind),
        credit=LedgerAccount.Kind(transfer.debit.kind),
        amount=transfer.amount,
        kind=Transfer.Kind.REVERSAL,
        reference=f"reversal:{transfer.pk}",
        at=at,
        asset=transfer.asset,
        reverses=transfer,
        reason=reason,
    )


def _account(kind: LedgerAccount.Kind, asset: str) -> LedgerAccount:
    """Return the house's account of this kind in the asset, opened if it is new."""
    found, _ = LedgerAccount.objects.get_or_create(owner=None, kind=kind, asset=asset)
    return found
