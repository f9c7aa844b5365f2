"""Cash that fills have cost besides their price, for who lists what happened in an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from foundation.decimals import CASH
from portfolio.models import LedgerAccount, Transfer

_FOR: Final = {
    LedgerAccount.Kind.FEES: "Fee",
    LedgerAccount.Kind.REGULATORY: "Regulatory fee",
}


@dataclass(frozen=True, slots=True)
class Fee:
    """What was charged (negative) or given back, in USD."""

    at: datetime
    amount: Decimal
    what: str


def fees(account_id: UUID) -> QuerySet[Transfer]:
    """Return the transfers of fees to and from the account; `fee_of` says what each one is."""
    mine = LedgerAccount.objects.filter(owner_id=account_id, asset=CASH).values("pk")
    return (
        Transfer.objects.filter(Q(debit__in=mine) | Q(credit__in=mine), kind=Transfer.Kind.FEE)
        .select_related("debit", "credit")
        .order_by("at", "pk")
    )


def fee_of(transfer: Transfer, account_id: UUID) -> Fee:
    is_charged = transfer.debit.owner_id == account_id
    house = transfer.credit if is_charged else transfer.debit
    return Fee(
        at=transfer.at,
        amount=-transfer.amount if is_charged else transfer.amount,
        what=_FOR.get(LedgerAccount.Kind(house.kind), "Fee"),
    )
