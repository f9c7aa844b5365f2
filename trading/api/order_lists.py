"""Lists of orders, page by page without an end, and orders as clients want them shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from orders.lifecycle import Status
from orders.models import Order, Watch
from orders.tickets import OrderClass, Role
from trading.api import wire
from venues.messages import OrderType, Side

PAGE_MAX: Final = 500
OPEN: Final = tuple(status.value for status in Status if not status.is_final)

# What a group is shown under: its entry, and of an OCO, which has none, its take-profit.
_PRIMARY: Final = Q(role=Role.ENTRY.value) | Q(
    role=Role.TAKE_PROFIT.value, order_class=OrderClass.OCO.value
)
# The one of a group that its legs are shown under: not one that was replaced, nor the replacement
# that has not taken over, or never did.
_IN_FORCE: Final = _PRIMARY & ~Q(status=Status.REPLACED.value) & Q(replaced_total=None)


class UnknownPage(ValueError):
    """The token names no order of this account."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders, by their time of creation; what bounds them is exclusive, orders too."""

    status: Literal["open", "closed", "all"] = "open"
    after: datetime | None = None
    until: datetime | None = None
    symbols: Collection[str] = ()
    asset_classes: Collection[str] = ()
    side: Side | None = None
    after_order: UUID | None = None
    before_order: UUID | None = None
    is_ascending: bool = False
    is_nested: bool = False


@dataclass(frozen=True, slots=True)
class Cancelable:
    """What a cancel of all orders would cancel at once; `is_all` when that leaves none."""

    count: int
    buys: int
    partly_filled: int
    exits: int
    is_all: bool
    symbols: tuple[str, ...]


def page(account_id: UUID, wanted: Wanted, *, size: int, last_seen: UUID | None) -> list[Order]:
    """Return the next orders after `last_seen`, the id of the last one of the page before.

    Nested, a leg is left out where the order that it is shown under is on the list. Raises
    UnknownPage.
    """
    found = _matching(Order.objects.filter(account_id=account_id), wanted)
    if wanted.is_nested:
        same = Order.objects.filter(_IN_FORCE, account_id=account_id, group=OuterRef("group"))
        listed = _matching(same, wanted)
        found = found.exclude(~_PRIMARY & Q(group__isnull=False) & Exists(listed))
    for bound, is_after in ((wanted.after_order, True), (wanted.before_order, False)):
        if bound is not None:
            found = found.filter(_following(account_id, bound, is_ascending=is_after))
    if last_seen is not None:
        found = found.filter(_following(account_id, last_seen, is_ascending=wanted.is_ascending))
    sign = "" if wanted.is_ascending else "-"
    ordered = found.select_related("instrument").order_by(f"{sign}created_at", f"{sign}pk")
    return list(ordered[: min(size, PAGE_MAX)])


def cancelable_ids(account_id: UUID, *, limit: int) -> list[UUID]:
    """Return the account's open orders that are not being cancelled yet, the oldest first."""
    return list(_cancelable(account_id).values_list("pk", flat=True)[:limit])


def cancelable(account_id: UUID, *, limit: int) -> Cancelable:
    """Return in numbers what a cancel of all orders would cancel, `limit` of them at a time."""
    orders = _cancelable(account_id)
    counts = orders[:limit].aggregate(
        count=Count("pk"),
        buys=Count("pk", filter=Q(side=Side.BUY.value)),
        partly_filled=Count("pk", filter=Q(filled_quantity__gt=0)),
        exits=Count("pk", filter=Q(role__in=(Role.TAKE_PROFIT.value, Role.STOP_LOSS.value))),
    )
    symbols = orders.order_by("instrument__symbol").values_list("instrument__symbol", flat=True)
    return Cancelable(
        **counts,
        is_all=not orders[limit : limit + 1].exists(),
        symbols=tuple(symbols.distinct()),
    )


def _cancelable(account_id: UUID) -> QuerySet[Order]:
    found = Order.objects.filter(account_id=account_id, status__in=OPEN)
    return found.exclude(status=Status.PENDING_CANCEL.value).order_by("created_at", "pk")


def shown(orders: Collection[Order], *, is_nested: bool) -> list[wire.Json]:
    """Return the orders as clients read them, with the legs of each where `is_nested`."""
    legs = _legs_of(orders) if is_nested else {}
    marks = _marks_of([*orders, *(leg for group in legs.values() for leg in group)])
    found = []
    for order in orders:
        below = None if order.group is None or not _has_legs(order) else legs.get(order.group)
        found.append(wire.order(order, legs=below, marks=marks))
    return found


def _matching(orders: QuerySet[Order], wanted: Wanted) -> QuerySet[Order]:
    if wanted.status == "open":
        orders = orders.filter(status__in=OPEN)
    elif wanted.status == "closed":
        orders = orders.exclude(status__in=OPEN)
    if wanted.after is not None:
        orders = orders.filter(created_at__gt=wanted.after)
    if wanted.until is not None:
        orders = orders.filter(created_at__lt=wanted.until)
    if wanted.symbols:
        orders = orders.filter(instrument__symbol__in=wanted.symbols)
    if wanted.asset_classes:
        orders = orders.filter(instrument__asset_class__in=wanted.asset_classes)
    if wanted.side is not None:
        orders = orders.filter(side=wanted.side.value)
    return orders


def _following(account_id: UUID, last_seen: UUID, *, is_ascending: bool) -> Q:
    at = Order.objects.filter(account_id=account_id, pk=last_seen).values_list("created_at")
    found = at.first()
    if found is None:
        raise UnknownPage(str(last_seen))
    beyond = "gt" if is_ascending else "lt"
    return Q(**{f"created_at__{beyond}": found[0]}) | Q(
        **{"created_at": found[0], f"pk__{beyond}": last_seen}
    )


def _has_legs(order: Order) -> bool:
    """Tell whether the order is the one in force that its group's legs are shown under."""
    is_primary = order.role == Role.ENTRY or (
        order.role == Role.TAKE_PROFIT and order.order_class == OrderClass.OCO
    )
    return is_primary and order.status != Status.REPLACED and order.replaced_total is None


def _legs_of(orders: Iterable[Order]) -> dict[UUID, list[Order]]:
    """Return the legs by group as they are now: not what was replaced, or never took over."""
    groups = {order.group for order in orders if order.group is not None and _has_legs(order)}
    if not groups:
        return {}
    legs = (
        Order.objects.filter(group__in=groups)
        .exclude(_PRIMARY)
        .exclude(status=Status.REPLACED.value)
        .exclude(status=Status.REJECTED.value, replaces__isnull=False)
        .select_related("instrument")
        .order_by("created_at", F("role").desc(), "pk")
    )
    found: dict[UUID, list[Order]] = {group: [] for group in groups}
    for leg in legs:
        if leg.group is not None:
            found[leg.group].append(leg)
    return found


def _marks_of(orders: Iterable[Order]) -> dict[UUID, Decimal]:
    """Return how far the watched trailing stops among the orders have followed the price."""
    watched = [
        order.pk
        for order in orders
        if order.type == OrderType.TRAILING_STOP and order.status == Status.HELD
    ]
    if not watched:
        return {}
    watches = Watch.objects.filter(pk__in=watched)
    return {watch.order_id: watch.mark for watch in watches if watch.mark is not None}
