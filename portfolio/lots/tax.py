"""What counts for tax alone: the wash sales, found day by day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from accounts import locks
from portfolio.lots import wash_sales
from portfolio.lots.wash_sales import Loss, Purchase
from portfolio.models import Funding, Lot, LotClosing, WashSale

ZERO: Final = Decimal(0)
LOOK_BACK: Final = 2 * wash_sales.WINDOW + timedelta(days=2)
"""A sale is looked at for as long as purchases may follow it, and as long again if days failed."""


def pairs(*, now: datetime) -> list[tuple[UUID, UUID]]:
    """Return the accounts and instruments with losses of the past two months, in one order."""
    losses = _losses().filter(closed_at__gte=now - LOOK_BACK)
    found = losses.values_list("account_id", "instrument_id").distinct()
    return list(found.order_by("account_id", "instrument_id"))


def reverse_overtaken(*, now: datetime) -> int:
    """Take back the wash sales of which the sale or the purchase was busted since, each once."""
    gone = _standing().filter(
        Q(closing__undone_by__isnull=False) | Exists(_corrections(OuterRef("replacement")))
    )
    with transaction.atomic():
        # What is numbered of an account is numbered under its lock: statements rely on it.
        locked = locks.lock_all(gone.values_list("closing__account_id", flat=True).distinct())
        reversals = [
            WashSale(
                closing_id=wash.closing_id,
                replacement_id=wash.replacement_id,
                found_at=now,
                quantity=wash.quantity,
                disallowed=wash.disallowed,
                reverses=wash,
            )
            for wash in gone.filter(closing__account__in=locked).order_by("pk")
        ]
        return len(WashSale.objects.bulk_create(reversals))


def disallowed_of(lot_ids: Iterable[UUID]) -> dict[UUID, Decimal]:
    """Return what wash sales add, for tax, to the cost at which these lots were opened."""
    rows = _standing().filter(replacement__in=list(lot_ids)).values_list("replacement")
    return dict(rows.annotate(Sum("disallowed")))


def find(account_id: UUID, instrument_id: UUID, *, now: datetime) -> int:
    """Write down the wash sales of one account in one instrument; return how many are new.

    Done twice, it writes once. Those that busts have overtaken are taken back before.
    """
    with transaction.atomic():
        locks.lock(account_id)
        of = {"account_id": account_id, "instrument_id": instrument_id}
        losses = list(_losses().filter(**of, closed_at__gte=now - LOOK_BACK))
        oldest = min((loss.closed_at for loss in losses), default=now)
        since = oldest - wash_sales.WINDOW - timedelta(days=1)
        bought = Lot.objects.filter(
            ~Exists(_corrections(OuterRef("pk"))),
            **of,
            opened_quantity__gt=0,
            acquired_at__gte=since,
        )
        washed = _washed_of(losses)
        new = wash_sales.found(
            [_loss(loss, *washed.get(loss.pk, (ZERO, ZERO))) for loss in losses],
            _purchases(list(bought)),
        )
        WashSale.objects.bulk_create(
            WashSale(
                closing_id=wash.closing_id,
                replacement_id=wash.lot_id,
                found_at=now,
                quantity=wash.quantity,
                disallowed=wash.disallowed,
            )
            for wash in new
        )
    return len(new)


def _losses() -> QuerySet[LotClosing]:
    """Return the sales at a loss that stand."""
    return LotClosing.objects.filter(
        realised__lt=0, quantity__gt=0, undoes=None, undone_by=None, is_correction=False
    )


def _corrections(lot_id: OuterRef) -> QuerySet[LotClosing]:
    """Return the rows that took a lot away again; what was withdrawn of it had been bought."""
    found = LotClosing.objects.filter(lot_id=lot_id, is_correction=True, quantity__gt=0)
    return found.exclude(Exists(Funding.objects.filter(pk=OuterRef("closed_by"))))


def _standing() -> QuerySet[WashSale]:
    return WashSale.objects.filter(reverses=None, washsale=None)


def _washed_of(losses: list[LotClosing]) -> dict[UUID, tuple[Decimal, Decimal]]:
    rows = _standing().filter(closing__in=losses).values_list("closing")
    sums = rows.annotate(Sum("quantity"), Sum("disallowed"))
    return {closing_id: (quantity, amount) for closing_id, quantity, amount in sums}


def _loss(row: LotClosing, washed: Decimal, disallowed: Decimal) -> Loss:
    return Loss(
        closing_id=row.pk,
        lot_id=row.lot_id,
        closed_at=row.closed_at,
        quantity=row.quantity,
        amount=-row.realised,
        washed=washed,
        disallowed=disallowed,
    )


def _purchases(lots: list[Lot]) -> list[Purchase]:
    sold: dict[UUID, list[tuple[datetime, Decimal]]] = {}
    for row in LotClosing.objects.filter(lot__in=lots):
        sold.setdefault(row.lot_id, []).append((row.closed_at, row.quantity))
    rows = _standing().filter(replacement__in=lots).values_list("replacement")
    used = dict(rows.annotate(Sum("quantity")))
    return [
        Purchase(
            lot_id=lot.pk,
            acquired_at=lot.acquired_at,
            quantity=lot.opened_quantity,
            sold=tuple(sold.get(lot.pk, ())),
            used=used.get(lot.pk, ZERO),
        )
        for lot in lots
    ]
