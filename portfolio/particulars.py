"""An account in particular: its lots and closings, what settles when, and money on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Sum

from foundation.decimals import CASH
from marketdata.models import Instrument
from portfolio import settlement
from portfolio.models import (
    Balance,
    Funding,
    GoodFaithViolation,
    Hold,
    Lot,
    LotClosing,
    Position,
)

CLOSINGS_MAX: Final = 50
FUNDINGS_MAX: Final = 20
VIOLATIONS_MAX: Final = 10
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class SettledCash:
    """In USD: what is final, what becomes so by day, and until when no other may be spent."""

    settled: Decimal
    unsettled: dict[date, Decimal]
    settled_only_until: date | None


def settled_cash(account_id: UUID, day: date) -> SettledCash:
    """Return how the account's cash stands on `day`."""
    balance = Balance.objects.filter(account_id=account_id, asset=CASH).first()
    if balance is None:
        return SettledCash(ZERO, {}, None)
    unsettled = settlement.after(balance.unsettled, day)
    until = balance.settled_only_until
    return SettledCash(
        settled=balance.amount - sum(unsettled.values(), ZERO),
        unsettled=unsettled,
        settled_only_until=until if until and until >= day else None,
    )


def position_in(account_id: UUID, symbol: str) -> Position | None:
    """Return the position in the instrument, also one that was closed."""
    found = Position.objects.filter(account_id=account_id, instrument__symbol=symbol)
    return found.select_related("instrument").first()


def open_lots(position: Position) -> list[Lot]:
    """Return the lots that are open, the oldest first."""
    lots = Lot.objects.filter(account_id=position.account_id, instrument=position.instrument)
    return list(lots.exclude(quantity=0).order_by("number"))


def free_to_leave(account_id: UUID, instrument: Instrument, day: date) -> Decimal:
    """Return what of a position may leave the house on `day`: not held for open orders, and not
    bought with proceeds that have not settled. Never negative."""
    balance = Balance.objects.filter(account_id=account_id, asset=instrument.code).first()
    early = Lot.objects.filter(
        account_id=account_id, instrument=instrument, funds_settle_on__gt=day
    ).aggregate(sum=Sum("quantity"))["sum"]
    free: Decimal = (balance.available if balance else ZERO) - (early or ZERO)
    return max(free, ZERO)


def latest_closings(position: Position) -> list[LotClosing]:
    """Return what was closed of the position, the newest first."""
    found = LotClosing.objects.filter(
        account_id=position.account_id, instrument=position.instrument
    )
    return list(found.order_by("-closed_at", "-pk")[:CLOSINGS_MAX])


def latest_violations(account_id: UUID) -> list[GoodFaithViolation]:
    found = GoodFaithViolation.objects.filter(account_id=account_id)
    return list(found.select_related("lot__instrument").order_by("-at")[:VIOLATIONS_MAX])


def latest_fundings(account_id: UUID) -> list[Funding]:
    """Return deposits and withdrawals, the one asked for last in front."""
    found = Funding.objects.filter(account_id=account_id).select_related("payee")
    return list(found.order_by("-asked_at")[:FUNDINGS_MAX])


def pending_holds(account_id: UUID, *, most: int) -> list[Hold]:
    """Return what is held for open orders, the newest order first."""
    rows = Hold.objects.filter(account_id=account_id, status=Hold.Status.PENDING)
    return list(rows.order_by("-pk")[:most])
