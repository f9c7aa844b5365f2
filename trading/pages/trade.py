"""The trade page: watchlist, chart, ticket, positions and orders of one account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import watchlists
from marketdata import calendars
from marketdata.models import Instrument
from trading.api import wire
from trading.pages import now

SYMBOL_FIRST = "AAPL"


@never_cache
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show the first symbol that the customer watches; staff without an account go to work."""
    if now.signed_in(request).account_id is None:
        return redirect("admin:index")
    return _page(request, symbol=None)


@never_cache
@require_GET
def symbol(request: HttpRequest, symbol: str) -> HttpResponse:
    return _page(request, symbol=symbol)


def _page(request: HttpRequest, *, symbol: str | None) -> HttpResponse:
    account_id = now.account_id(request)
    instruments = list(Instrument.objects.all())
    symbols = [instrument.symbol for instrument in instruments]
    lists = _watchlists(account_id, instruments)
    watched = lists[0]["symbols"]
    chosen = _first(watched, symbols) if symbol is None else symbol.upper()
    if not symbols:
        return render(request, "pages/no_instruments.html", now.context(account_id, page="trade"))
    if chosen not in symbols:
        raise Http404
    return render(
        request,
        "pages/trade.html",
        {
            **now.context(account_id, page="trade"),
            "symbol": chosen,
            "trade": {
                "symbol": chosen,
                "watchlists": lists,
                "instruments": [_shown(instrument) for instrument in instruments],
            },
        },
    )


def _watchlists(account_id: UUID, instruments: list[Instrument]) -> list[dict[str, Any]]:
    """Return the customer's watchlists; while there is none, all that is traded as one without
    an id, which the page makes once it is changed."""
    lists = [
        {"id": str(each.pk), "name": each.name, "symbols": each.symbols}
        for each in watchlists.of(account_id)
    ]
    traded = [each.symbol for each in instruments if each.tradable]
    return lists or [{"id": None, "name": "Watchlist", "symbols": traded}]


def _first(watched: list[str], symbols: list[str]) -> str | None:
    if SYMBOL_FIRST in watched:
        return SYMBOL_FIRST
    known = set(symbols)
    return next((each for each in [*watched, *symbols] if each in known), None)


def _shown(instrument: Instrument) -> dict[str, Any]:
    """Return what the ticket must know of an instrument."""
    return {
        "symbol": instrument.symbol,
        "name": instrument.name,
        "asset_class": instrument.asset_class,
        "tradable": instrument.tradable,
        "halted": instrument.halted,
        **wire.price_steps(instrument),
        "quantity_increment": wire.decimal(instrument.quantity_increment),
        "quantity_min": wire.decimal(instrument.quantity_min),
        "fractionable": instrument.fractionable,
        "has_closed_hours": instrument.calendar != calendars.ALWAYS,
    }
