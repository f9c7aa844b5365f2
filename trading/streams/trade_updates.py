"""What happens to an account's orders, as compatible clients are told it: from its activity log.

Each update carries the whole order as it stood right then, read from the order's history, and
on a fill the position right after it. So a client that resumes is told what it would have been
told at the time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

import orjson
from django.db import connection, transaction
from django.db.models import Case, F, Q, Sum, When

from accounts import activity
from accounts.models import Account, Activity
from foundation import decimals
from marketdata.models import Instrument
from orders.history import HistoricalOrder
from orders.models import Order, Trade
from orders.tickets import Role
from portfolio import selectors as portfolio
from trading.api import wire

PAGE: Final = 100
SAME_MOMENT_MAX: Final = activity.PAGE_MAX

_PREFIX: Final = "order."
_EVENTS: Final = {
    "submitted": "pending_new",
    "accepted": "new",
    "partially_filled": "partial_fill",
    "filled": "fill",
    "busted": "trade_bust",
    "cancel_requested": "pending_cancel",
    "cancelled": "canceled",
    "cancel_rejected": "order_cancel_rejected",
    "pending_replace": "pending_new",
    "replace_requested": "pending_replace",
    "replaced": "replaced",
    "replace_rejected": "order_replace_rejected",
    "expired": "expired",
    "rejected": "rejected",
    "denied": "rejected",
}
_NONE: Final = Decimal(0)
_REJECTED_BY: Final = {
    "denied": "openfloor",
    "rejected": "venue",
    "cancel_rejected": "venue",
    "replace_rejected": "venue",
}
_RESTATED: Final = "restated"
"""The order has changed otherwise: it was triggered, resized, doubted or confirmed."""


@dataclass(frozen=True, slots=True)
class Page:
    """The next updates as text, each with its number, and the number that all were read up to."""

    updates: tuple[tuple[int, str], ...]
    sequence: int
    is_last: bool


def page(account_id: UUID, since: int) -> Page:
    """Return the updates after the event `since`; every read is of one and the same moment."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _page(account_id, since)


def head(account_id: UUID) -> int:
    """Return the number of the account's latest event."""
    return Account.objects.only("activity_sequence").get(pk=account_id).activity_sequence


def _page(account_id: UUID, since: int) -> Page:
    events = activity.since(account_id, since, PAGE)
    is_last = len(events) < PAGE
    if not is_last:
        events += _of_the_same_moment(account_id, events[-1])
    told = [event for event in events if event.kind.startswith(_PREFIX)]
    orders = _orders_then(told)
    positions = _positions_then(account_id, told)
    updates = tuple(
        (event.sequence, _update(event, order, positions.get(event.sequence)))
        for event in told
        if (order := orders.get(event.sequence)) is not None
    )
    return Page(updates, events[-1].sequence if events else since, is_last)


def _of_the_same_moment(account_id: UUID, last: Activity) -> list[Activity]:
    """Return what else one transaction wrote: of what it did at once, no part is left for later."""
    following = activity.since(account_id, last.sequence, SAME_MOMENT_MAX)
    for count, event in enumerate(following):
        if event.at != last.at:
            return following[:count]
    return following


def _orders_then(told: Sequence[Activity]) -> dict[int, Order]:
    """Return by event the order as it stood with it: the row of its history that has its terms."""
    rows = HistoricalOrder._default_manager.filter(
        id__in={event.payload["order_id"] for event in told},
        history_date__in={event.at for event in told},
    ).order_by("history_id")
    by_terms: dict[tuple[Any, ...], Any] = {}
    by_moment: dict[tuple[Any, ...], Any] = {}
    row: Any  # of a model that django-simple-history makes
    for row in rows:
        moment = (str(row.id), row.history_date)
        by_moment[moment] = row
        by_terms[*moment, row.status, decimals.text(row.filled_quantity)] = row
    found: dict[int, Order] = {}
    for event in told:
        moment = (event.payload["order_id"], event.at)
        terms = (*moment, event.payload["status"], event.payload["filled_quantity"])
        row = by_terms.get(terms) or by_moment.get(moment)
        if row is not None:
            found[event.sequence] = row.instance
    instruments = Instrument.objects.in_bulk({order.instrument_id for order in found.values()})
    for order in found.values():
        order.instrument = instruments[order.instrument_id]
    return found


def _positions_then(account_id: UUID, told: Sequence[Activity]) -> dict[int, Decimal]:
    """Return by event the position right after each fill or bust: what it is, less what came since.

    A page parts no moment, so that what was booked after its last trade is on later pages.
    """
    traded = [(e.sequence, UUID(id_)) for e in told if (id_ := e.payload.get("trade_id"))]
    if not traded:
        return {}
    trades = Trade.objects.in_bulk([id_ for _, id_ in traded])
    instruments = {trade.instrument_id for trade in trades.values()}
    last_at = max(trade.booked_at for trade in trades.values())
    since = _moved_since(account_id, instruments, last_at)
    now = portfolio.quantities(account_id)
    then = {each: now.get(each, _NONE) - since.get(each, _NONE) for each in instruments}
    found: dict[int, Decimal] = {}
    for sequence, id_ in reversed(traded):
        trade = trades[id_]
        found[sequence] = then[trade.instrument_id]
        is_bought = (trade.side == "buy") == (trade.busts_id is None)
        then[trade.instrument_id] -= trade.quantity if is_bought else -trade.quantity
    return found


def _moved_since(
    account_id: UUID, instruments: Collection[UUID], at: datetime
) -> dict[UUID, Decimal]:
    """Return by how much the trades booked later have moved each position; busts take back."""
    is_bought = Q(side="buy", busts=None) | Q(side="sell", busts__isnull=False)
    change = Case(When(is_bought, then=F("quantity")), default=-F("quantity"))
    later = Trade.objects.filter(
        account_id=account_id, instrument__in=instruments, booked_at__gt=at
    )
    return dict(
        later.order_by()
        .values("instrument_id")
        .annotate(moved=Sum(change))
        .values_list("instrument_id", "moved")
    )


def _update(event: Activity, order: Order, position: Decimal | None) -> str:
    payload = event.payload
    data: wire.Json = {
        "event": event_of(event.kind, order),
        "event_id": event.sequence,
        "execution_id": str(
            payload.get("trade_id") or uuid5(event.account_id, str(event.sequence))
        ),
        "timestamp": wire.timestamp(event.at),
        "order": wire.order(order),
    }
    if "trade_id" in payload:
        data |= {"price": payload["price"], "qty": payload["fill_quantity"]}
        data["position_qty"] = wire.decimal(position)
    if "reason" in payload:
        data |= {
            "code": payload["code"] or None,
            "reason": payload["reason"] or None,
            "rejected_by": _REJECTED_BY.get(event.kind.removeprefix(_PREFIX)),
        }
    return orjson.dumps({"stream": "trade_updates", "data": data}).decode()


def event_of(kind: str, order: Order) -> str:
    """Return what clients call an event of the account's log, such as `order.filled`."""
    name = kind.removeprefix(_PREFIX)
    if name == "held":
        # What waits for its price works; what waits for another order of its group, not yet.
        return "new" if order.role in ("", Role.ENTRY) else "pending_new"
    return _EVENTS.get(name, _RESTATED)
