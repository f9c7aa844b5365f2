"""All orders of an account, and one of them with its whole life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from marketdata.models import Instrument
from orders import selectors
from orders.entry.intake import BATCH_MAX
from orders.models import Order, Trade
from trading.api import order_lists, wire
from trading.pages import now
from venues.messages import Side

PAGE: Final = 50
STATUSES: Final = ("all", "open", "closed")


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the orders is asked for. `until` is exclusive: the page before it ended there."""

    status: Literal["all", "open", "closed"]
    symbol: str
    side: Side | None
    until: datetime | None

    @property
    def is_narrowing(self) -> bool:
        return self.status != "all" or bool(self.symbol) or self.side is not None

    def query(self, *, until: datetime | None = None) -> str:
        parts = {
            "status": self.status if self.status != "all" else "",
            "symbol": self.symbol,
            "side": self.side.value if self.side else "",
            "until": until.isoformat() if until else "",
        }
        return urlencode({name: value for name, value in parts.items() if value})


@never_cache
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    account_id = now.account_id(request)
    wanted = _filter(request.GET)
    # Read before the orders: what happens between the two is told again, and never missed.
    context = now.context(account_id, page="orders")
    found = order_lists.page(
        account_id,
        order_lists.Wanted(
            status=wanted.status,
            until=wanted.until,
            symbols=[wanted.symbol] if wanted.symbol else (),
            side=wanted.side,
        ),
        # One batch of the intake has one time of creation: room for a whole one at the cut.
        size=PAGE + BATCH_MAX,
        last_seen=None,
    )
    shown = _page_of(found)
    is_more = len(found) > len(shown)
    return render(
        request,
        "pages/orders.html",
        {
            **context,
            "filter": wanted,
            "symbols": list(Instrument.objects.values_list("symbol", flat=True)),
            "orders": {
                "rows": _rows(shown),
                "price_steps": _price_steps(shown),
            },
            "count": len(shown),
            "older": wanted.query(until=shown[-1].created_at) if is_more else "",
            "newest": wanted.query() if wanted.until else None,
        },
    )


@never_cache
@require_GET
def detail(request: HttpRequest, order_id: UUID) -> HttpResponse:
    account_id = now.account_id(request)
    context = now.context(account_id, page="orders")
    order = selectors.order(account_id, order_id)
    if order is None:
        raise Http404
    fills = selectors.trades(account_id, order_id=order.pk, limit=selectors.LISTING_MAX)
    group = selectors.legs_of([order]).get(order.group, []) if order.group else []
    return render(
        request,
        "pages/order.html",
        {
            **context,
            "order": order,
            "detail": {
                "order": _rows([order])[0],
                "steps": [wire.step(step, role=order.role) for step in selectors.timeline(order)],
                "fills": [_fill(trade) for trade in fills],
                "group": _rows(group),
                "price_steps": _price_steps([order]),
            },
        },
    )


def _filter(query: Mapping[str, str]) -> Filter:
    """Read the filter; what makes no sense is as if it were not there."""
    status = query.get("status", "all")
    side = query.get("side", "")
    return Filter(
        status=cast("Literal['all', 'open', 'closed']", status if status in STATUSES else "all"),
        symbol=query.get("symbol", "").strip().upper()[:24].replace("\0", ""),
        side=Side(side) if side in {each.value for each in Side} else None,
        until=_moment(query.get("until", "")),
    )


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _page_of(found: list[Order]) -> list[Order]:
    """Return a page, extended to the last order of the moment at which it ends."""
    end = PAGE
    while 0 < end < len(found) and found[end].created_at == found[end - 1].created_at:
        end += 1
    return found[:end]


def _price_steps(orders: list[Order]) -> dict[str, wire.Json]:
    """Return the steps of each symbol's prices, as those are shown in their precision."""
    return {each.instrument.symbol: wire.price_steps(each.instrument) for each in orders}


def _rows(orders: list[Order]) -> list[dict[str, Any]]:
    """Return the orders as the API does, and what each is in its group."""
    rows = order_lists.shown(orders, is_nested=False)
    return [row | {"role": order.role} for row, order in zip(rows, orders, strict=True)]


def _fill(trade: Trade) -> dict[str, Any]:
    return {
        "id": str(trade.pk),
        "at": wire.timestamp(trade.executed_at),
        "quantity": wire.decimal(trade.quantity),
        "price": wire.decimal(trade.price),
        "value": wire.decimal(trade.price * trade.quantity),
        "venue": trade.venue,
        "execution_id": trade.execution_id,
        "busts": None if trade.busts_id is None else str(trade.busts_id),
    }
