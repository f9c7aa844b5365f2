"""The best levels of books, by price or by order at our address and in the compatible shape, the
newest trades as a page shows them beside a book, and how the best prices went."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from foundation import decimals
from marketdata import calendars, selectors
from marketdata.bars import Side
from marketdata.current import depth
from marketdata.current.depth import Level
from marketdata.history.records import Print
from marketdata.models import Depth, Instrument
from trading.api import errors, queries, wire
from trading.api.scopes import reads
from trading.api.views.base import Call, instrument_named
from trading.api.views.data import DataCall

BY_PRICE, BY_ORDER = "price", "order"
TRADES: Final = 40
TRADES_MAX: Final = 200
QUOTE_BARS: Final = 100
QUOTE_BARS_MAX: Final = 1_000


class BookOf(Call):
    """One book: sums by price, or the orders in their queues as well."""

    @reads
    def get(self, request: Request, name: str) -> Response:
        self.take_only(request, "by")
        by = queries.choice(request.query_params, "by", (BY_PRICE, BY_ORDER), default=BY_PRICE)
        instrument = instrument_named(name)
        if instrument is None:
            raise errors.not_found("The symbol")
        quote = selectors.latest_quote(instrument.pk)
        found = _told(instrument)
        sides = (found.bids, found.asks) if found else ([], [])
        bids, asks = (
            [_level(each, is_by_order=by == BY_ORDER) for each in depth.from_stored(side)]
            for side in sides
        )
        return Response(
            {
                "symbol": instrument.symbol,
                "at": wire.timestamp(found.at) if found else None,
                "source": found.source if found else None,
                "sequence": found.sequence if found else 0,
                "stale": quote is None or quote.is_stale(now=self.origin.received_at),
                "bids": bids,
                "asks": asks,
            }
        )


class TradesOf(Call):
    """Today's newest trades of one instrument, the latest first."""

    @reads
    def get(self, request: Request, name: str) -> Response:
        self.take_only(request, "limit")
        limit = queries.whole(request.query_params, "limit", default=TRADES, most=TRADES_MAX)
        instrument = instrument_named(name)
        if instrument is None:
            raise errors.not_found("The symbol")
        now = self.origin.received_at
        today = calendars.midnight(calendars.date_of(now))
        found = selectors.trades(instrument, start=today, end=now, limit=limit, is_ascending=False)
        return Response({"symbol": instrument.symbol, "trades": [_trade(each) for each in found]})


class QuoteBarsOf(Call):
    """How the best bid and offer of one instrument went in each minute, oldest first.

    Without `start`, from the beginning of the day of `end`; without that, until now.
    """

    @reads
    def get(self, request: Request, name: str) -> Response:
        self.take_only(request, "start", "end", "limit")
        query = request.query_params
        end = queries.moment(query, "end") or self.origin.received_at
        start = queries.moment(query, "start") or calendars.midnight(calendars.date_of(end))
        limit = queries.whole(query, "limit", default=QUOTE_BARS, most=QUOTE_BARS_MAX)
        instrument = instrument_named(name)
        if instrument is None:
            raise errors.not_found("The symbol")
        found = selectors.quote_bars(instrument, start=start, end=end, limit=limit)
        return Response(
            {
                "symbol": instrument.symbol,
                "bars": [
                    {"at": wire.timestamp(bar.start), "bid": _side(bar.bid), "ask": _side(bar.ask)}
                    for bar in found
                ],
            }
        )


class LatestOrderbooks(DataCall):
    """The books of crypto pairs, as the compatible API has them."""

    asset_class = Instrument.AssetClass.CRYPTO

    @reads
    def get(self, request: Request) -> Response:
        books = {}
        for symbol, instrument in self.asked_for(request, None).items():
            if (found := _told(instrument)) is not None:
                books[symbol] = {
                    "t": wire.timestamp(found.at),
                    "b": _short(depth.from_stored(found.bids)),
                    "a": _short(depth.from_stored(found.asks)),
                }
        return Response({"orderbooks": books})


def _told(instrument: Instrument) -> Depth | None:
    """Return the book, if it was told by whom the prices are told by."""
    quote = selectors.latest_quote(instrument.pk)
    found = selectors.depths([instrument.pk]).get(instrument.pk)
    return found if found and quote and found.source == quote.source else None


def _level(level: Level, *, is_by_order: bool) -> wire.Json:
    shown: wire.Json = {"price": decimals.text(level.price), "size": decimals.text(level.size)}
    if is_by_order:
        shown["orders"] = [
            {"number": each.number, "size": decimals.text(each.size)} for each in level.orders
        ]
    return shown


def _trade(told: Print) -> wire.Json:
    return {
        "number": told.number,
        "at": wire.timestamp(told.at),
        "price": decimals.text(told.price),
        "size": decimals.text(told.size),
        "sets_last": told.sets_last,
    }


def _side(side: Side) -> wire.Json:
    return {
        "open": wire.decimal(side.open),
        "high": wire.decimal(side.high),
        "low": wire.decimal(side.low),
        "close": wire.decimal(side.close),
        "size": decimals.text(side.size),
    }


def _short(side: Iterable[Level]) -> list[wire.Json]:
    return [{"p": wire.number(each.price), "s": wire.number(each.size)} for each in side]
