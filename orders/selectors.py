"""Reading orders: one, its group, its timeline, its fills."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from marketdata.models import Instrument
from orders import history
from orders.models import Order, Trade

LISTING_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One state that an order was in: since when, by whom, from where and why."""

    at: datetime
    status: str
    actor: str
    source_address: str
    reason: str
    filled_quantity: Decimal


def order(account_id: UUID, order_id: UUID) -> Order | None:
    return _orders(account_id).filter(pk=order_id).first()


def by_client_order_id(account_id: UUID, client_order_id: str) -> Order | None:
    return _orders(account_id).filter(client_order_id=client_order_id).first()


def legs_of(orders: Iterable[Order]) -> dict[UUID, list[Order]]:
    """Return all orders of these orders' groups by group, the first one first."""
    groups = {order.group for order in orders if order.group is not None}
    found: dict[UUID, list[Order]] = {group: [] for group in groups}
    members = Order.objects.filter(group__in=groups).select_related("instrument")
    # The first one was made at the same moment as its legs, and has the group's own id.
    for member in sorted(members, key=lambda m: (m.created_at, m.pk != m.group, str(m.pk))):
        if member.group is not None:
            found[member.group].append(member)
    return found


def as_of(order_id: UUID, at: datetime) -> Order | None:
    """Return the order as it stood at `at`, None before it was placed."""
    row = history.steps(order_id).filter(history_date__lte=at).last()
    if row is None:
        return None
    order: Order = row.instance  # type: ignore[attr-defined]  # of a historical model
    order.instrument = Instrument.objects.get(pk=order.instrument_id)
    return order


def timeline(of: Order) -> list[Step]:
    """Return every step of the order, oldest first, from its append-only history."""
    rows = history.steps(of.pk).values_list(
        "history_date",
        "status",
        "actor",
        "source_address",
        "history_change_reason",
        "filled_quantity",
    )
    return [
        Step(
            at=at,
            status=status,
            actor=actor,
            source_address=address,
            reason=reason or "",
            filled_quantity=filled,
        )
        for at, status, actor, address, reason, filled in rows
    ]


def trades(account_id: UUID, *, order_id: UUID | None = None, limit: int = 100) -> list[Trade]:
    """Return the account's fills, newest first."""
    found = Trade.objects.filter(account_id=account_id).select_related("instrument", "order")
    if order_id is not None:
        found = found.filter(order_id=order_id)
    return list(found.order_by("-executed_at", "-pk")[: min(limit, LISTING_MAX)])


def _orders(account_id: UUID) -> QuerySet[Order]:
    return Order.objects.filter(account_id=account_id).select_related("instrument")
