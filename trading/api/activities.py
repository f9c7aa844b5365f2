"""The activities of an account in order and complete: fills, what took them back, cash, actions.

They come from three tables, the trades, the fees and the account's activity log, each read from
where the last page ended: whatever arrives meanwhile, no activity is shown twice or left out. Their
order is that of our booking: a venue may tell late of what it executed long ago, behind what was
read.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Sum, When

from accounts.models import Activity
from orders.models import Trade
from portfolio import cash_flows
from trading.api import wire_activities
from trading.api.wire import Json

PAGE_MAX: Final = 100

_CASH, _TRADES, _FEES = 0, 1, 2  # in this order at the same moment
_CASH_ORDER: Final = ("at", "sequence")
_TRADE_ORDER: Final = ("booked_at", "executed_at", "pk")
_FEE_ORDER: Final = ("at", "pk")


class UnknownPage(ValueError):
    """The token names no activity of this account."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an activity stands among all of its account's: `key` is its place in its table."""

    at: datetime
    source: int
    key: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which activities: of what types (all if none is named), from when, in which direction.

    `start` is inclusive, `after` and `until` are not, and neither is `end`. Of an order there are
    its fills and what took them back.
    """

    types: frozenset[str] = frozenset()
    after: datetime | None = None
    until: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    is_ascending: bool = False
    order_id: UUID | None = None

    def has(self, *types: str) -> bool:
        return not self.types or not self.types.isdisjoint(types)


def page(account_id: UUID, wanted: Wanted, *, size: int, last_seen: str | None) -> list[Json]:
    """Return the next activities after `last_seen`, the id of the last one of the page before.

    Raises UnknownPage.
    """
    seen = None if last_seen is None else _place_of(account_id, last_seen)
    found: list[tuple[Place, Json]] = []
    if wanted.has("FILL", "MISC"):
        trades = _trades(account_id, wanted)
        found += [
            (_place(trade, _TRADES, _TRADE_ORDER), _shown(trade))
            for trade in _next(trades, wanted, seen, _TRADES, size, order=_TRADE_ORDER)
        ]
    kinds = [] if wanted.order_id else wire_activities.kinds_of(wanted.types)
    if kinds:
        entries = Activity.objects.filter(account_id=account_id, kind__in=kinds)
        found += [
            (_place(entry, _CASH, _CASH_ORDER), wire_activities.booked(entry, id_=_id_of(entry)))
            for entry in _next(entries, wanted, seen, _CASH, size, order=_CASH_ORDER)
        ]
    if wanted.has("FEE") and not wanted.order_id:
        fees = cash_flows.fees(account_id)
        found += [
            (_place(row, _FEES, _FEE_ORDER), _shown_fee(account_id, row))
            for row in _next(fees, wanted, seen, _FEES, size, order=_FEE_ORDER)
        ]
    found.sort(key=_order_of, reverse=not wanted.is_ascending)
    return [shown for _, shown in found[:size]]


def _order_of(placed: tuple[Place, Json]) -> tuple[datetime, int, tuple[Any, ...]]:
    place, _ = placed
    return place.at, place.source, place.key


def _place(row: Any, source: int, order: tuple[str, ...]) -> Place:
    key = tuple(getattr(row, field) for field in order)
    return Place(key[0], source, key)


def _trades(account_id: UUID, wanted: Wanted) -> QuerySet[Trade]:
    """Return the trades, each with what of its order was filled with it."""
    itself = tuple(OuterRef(field) for field in _TRADE_ORDER)
    until_then = Trade.objects.filter(
        _beyond(_TRADE_ORDER, itself, is_ascending=False) | Q(pk=OuterRef("pk")),
        order_id=OuterRef("order_id"),
    )
    net = Case(When(busts=None, then=F("quantity")), default=-F("quantity"))
    found = (
        Trade.objects.filter(account_id=account_id)
        .select_related("instrument", "order", "busts")
        .annotate(
            cumulative=_sum(until_then, net),
            executed=_sum(until_then.filter(busts=None), F("quantity")),
        )
    )
    if wanted.order_id is not None:
        found = found.filter(order_id=wanted.order_id)
    if not wanted.has("MISC"):
        found = found.filter(busts=None)
    if not wanted.has("FILL"):
        found = found.exclude(busts=None)
    return found


def _sum(trades: QuerySet[Trade], quantity: Any) -> Subquery:
    return Subquery(
        trades.order_by().values("order_id").annotate(total=Sum(quantity)).values("total")
    )


def _shown(trade: Any) -> Json:
    if trade.busts_id is not None:
        return wire_activities.bust(trade, cumulative=trade.cumulative)
    # A bust gives nothing back to fill: what was executed once is not executed again.
    leaves = max(trade.order.quantity - trade.executed, Decimal(0))
    return wire_activities.fill(trade, cumulative=trade.cumulative, leaves=leaves)


def _next(
    rows: QuerySet[Any],
    wanted: Wanted,
    seen: Place | None,
    source: int,
    size: int,
    *,
    order: tuple[str, ...],
) -> list[Any]:
    """Return the first `size` of the rows that are wanted and come after `seen`."""
    at = order[0]
    for bound, lookup in (
        (wanted.after, "gt"),
        (wanted.until, "lt"),
        (wanted.start, "gte"),
        (wanted.end, "lt"),
    ):
        if bound is not None:
            rows = rows.filter(**{f"{at}__{lookup}": bound})
    if seen is not None:
        if source == seen.source:
            follows = _beyond(order, seen.key, is_ascending=wanted.is_ascending)
        else:
            follows = _beyond((at,), (seen.at,), is_ascending=wanted.is_ascending)
            if (source > seen.source) == wanted.is_ascending:
                follows |= Q(**{at: seen.at})
        rows = rows.filter(follows)
    sign = "" if wanted.is_ascending else "-"
    return list(rows.order_by(*(f"{sign}{field}" for field in order))[:size])


def _beyond(order: tuple[str, ...], key: tuple[Any, ...], *, is_ascending: bool) -> Q:
    """Return what comes after `key`, or before it, where the first field counts most."""
    lookup = "gt" if is_ascending else "lt"
    found = Q()
    for field, value in zip(reversed(order), reversed(key), strict=True):
        found = Q(**{f"{field}__{lookup}": value}) | (Q(**{field: value}) & found if found else Q())
    return found


def _place_of(account_id: UUID, last_seen: str) -> Place:
    parsed = wire_activities.parsed_id(last_seen)
    if parsed is None:
        raise UnknownPage(last_seen)
    at, id_ = parsed
    trade = Trade.objects.filter(account_id=account_id, pk=id_, booked_at=at).first()
    if trade is not None:
        return _place(trade, _TRADES, _TRADE_ORDER)
    for entry in Activity.objects.filter(
        account_id=account_id, kind__in=wire_activities.kinds_of(()), at=at
    ):
        if _id_of(entry) == id_:
            return _place(entry, _CASH, _CASH_ORDER)
    for row in cash_flows.fees(account_id).filter(at=at):
        if _fee_id(account_id, row.pk) == id_:
            return _place(row, _FEES, _FEE_ORDER)
    raise UnknownPage(last_seen)


def _id_of(entry: Activity) -> UUID:
    """Return the id of an entry that has only a number, the same every time."""
    return uuid.uuid5(entry.account_id, str(entry.sequence))


def _fee_id(account_id: UUID, number: int) -> UUID:
    return uuid.uuid5(account_id, f"fee:{number}")


def _shown_fee(account_id: UUID, row: Any) -> Json:
    shown = cash_flows.fee_of(row, account_id)
    return wire_activities.fee(shown, account_id=account_id, id_=_fee_id(account_id, row.pk))
