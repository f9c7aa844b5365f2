"""The activities of an account in order and complete: its fills, what took them back, its cash.

They come from two tables, the trades and the account's activity log, each read from where the
last page ended: whatever arrives meanwhile, no activity is shown twice or left out.
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
from trading.api import wire_activities
from trading.api.wire import Json

PAGE_MAX: Final = 100

_CASH, _TRADES = 0, 1  # in this order at the same moment
_DEPOSITED: Final = "money.deposited"


class UnknownPage(ValueError):
    """The token names no activity of this account."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an activity stands among all of its account's."""

    at: datetime
    source: int
    id: Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which activities: of what types (all if none is named), from when, in which direction.

    `start` is inclusive, `after` and `until` are not, and neither is `end`.
    """

    types: frozenset[str] = frozenset()
    after: datetime | None = None
    until: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    is_ascending: bool = False

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
            (Place(trade.executed_at, _TRADES, trade.pk), _shown(trade))
            for trade in _next(trades, wanted, seen, _TRADES, size, at="executed_at", id_="pk")
        ]
    if wanted.has("CSD"):
        deposits = Activity.objects.filter(account_id=account_id, kind=_DEPOSITED)
        found += [
            (
                Place(entry.at, _CASH, entry.sequence),
                wire_activities.deposit(entry, id_=_deposit_id(entry)),
            )
            for entry in _next(deposits, wanted, seen, _CASH, size, at="at", id_="sequence")
        ]
    found.sort(key=_order_of, reverse=not wanted.is_ascending)
    return [shown for _, shown in found[:size]]


def _order_of(placed: tuple[Place, Json]) -> tuple[datetime, int, Any]:
    place, _ = placed
    return place.at, place.source, place.id


def _trades(account_id: UUID, wanted: Wanted) -> QuerySet[Trade]:
    """Return the trades, each with what of its order was filled with it."""
    until_then = Trade.objects.filter(
        Q(executed_at__lt=OuterRef("executed_at"))
        | Q(executed_at=OuterRef("executed_at"), pk__lte=OuterRef("pk")),
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
    at: str,
    id_: str,
) -> list[Any]:
    """Return the first `size` of the rows that are wanted and come after `seen`."""
    for bound, lookup in (
        (wanted.after, "gt"),
        (wanted.until, "lt"),
        (wanted.start, "gte"),
        (wanted.end, "lt"),
    ):
        if bound is not None:
            rows = rows.filter(**{f"{at}__{lookup}": bound})
    beyond = "gt" if wanted.is_ascending else "lt"
    if seen is not None:
        follows = Q(**{f"{at}__{beyond}": seen.at})
        if source == seen.source:
            follows |= Q(**{at: seen.at, f"{id_}__{beyond}": seen.id})
        elif (source > seen.source) == wanted.is_ascending:
            follows |= Q(**{at: seen.at})
        rows = rows.filter(follows)
    sign = "" if wanted.is_ascending else "-"
    return list(rows.order_by(f"{sign}{at}", f"{sign}{id_}")[:size])


def _place_of(account_id: UUID, last_seen: str) -> Place:
    parsed = wire_activities.parsed_id(last_seen)
    if parsed is None:
        raise UnknownPage(last_seen)
    at, id_ = parsed
    if Trade.objects.filter(account_id=account_id, pk=id_, executed_at=at).exists():
        return Place(at, _TRADES, id_)
    for entry in Activity.objects.filter(account_id=account_id, kind=_DEPOSITED, at=at):
        if _deposit_id(entry) == id_:
            return Place(at, _CASH, entry.sequence)
    raise UnknownPage(last_seen)


def _deposit_id(entry: Activity) -> UUID:
    """Return the id of an activity that has only a number, the same every time."""
    return uuid.uuid5(entry.account_id, str(entry.sequence))
