"""Market data: the latest quotes, trades and bars, and the bars of the past.

The same calls for stocks and for crypto: an address sees the instruments of its class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

import structlog
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import bars as rules
from marketdata import calendars, selectors
from marketdata.bars import Bar
from marketdata.current.present import present
from marketdata.history.adjusting import Adjustment
from marketdata.history.records import ArchiveIncomplete
from marketdata.instruments import naming
from marketdata.models import Instrument, Quote
from trading.api import errors, queries, wire, wire_data
from trading.api.scopes import reads
from trading.api.views import data_pages
from trading.api.views.base import Call
from trading.api.views.data_pages import Piece

FEEDS: Final = ("iex", "sip", "otc", "boats", "overnight", "delayed_sip")
NO_DAY: Final = "-"  # as `asof`: symbols are today's
LOOK_BACK: Final = timedelta(days=10)  # over a long weekend to the latest bar

log = structlog.get_logger(__name__)

Shape = Callable[..., wire.Json | None]


class DataCall(Call):
    """A call about the instruments of one class."""

    asset_class: ClassVar[str] = Instrument.AssetClass.US_EQUITY

    def instruments(
        self, symbols: Sequence[str], *, on: date | None = None
    ) -> dict[str, Instrument]:
        """Return those of `symbols` that are traded here, by symbol; the others are left out.

        They are today's, or those of the day `on`.
        """
        found = present.instruments(symbols) if on is None else naming.called(symbols, on=on)
        return {s: i for s, i in sorted(found.items()) if i.asset_class == self.asset_class}

    def asked_for(
        self, request: Request, symbol: str | None, *, on: date | None = None
    ) -> dict[str, Instrument]:
        """Return the instruments that a call names: one in its address, or a list in its query."""
        if symbol is None:
            symbols = queries.symbols(request.query_params, is_required=True)
            return self.instruments(symbols, on=on)
        found = self.instruments([symbol.upper()] if symbol.isprintable() else [], on=on)
        if not found:
            raise errors.not_found(f"The symbol {symbol[:24]!r}")
        return found


class _Latest(DataCall, ABC):
    """The latest of each symbol: `{"quotes": {"AAPL": ...}}`, or of one: `{"quote": ...}`."""

    one: ClassVar[str]

    @reads
    def get(self, request: Request, symbol: str | None = None) -> Response:
        found = self.latest(self.asked_for(request, symbol))
        if symbol is None:
            return Response({f"{self.one}s": found})
        return Response({"symbol": symbol.upper(), self.one: found.get(symbol.upper())})

    @abstractmethod
    def latest(self, instruments: dict[str, Instrument]) -> dict[str, wire.Json]:
        """Return the latest of each that has one, by symbol."""


class LatestQuotes(_Latest):
    one = "quote"

    def latest(self, instruments: dict[str, Instrument]) -> dict[str, wire.Json]:
        return _of_quotes(instruments, wire_data.quote)


class LatestTrades(_Latest):
    one = "trade"

    def latest(self, instruments: dict[str, Instrument]) -> dict[str, wire.Json]:
        return _of_quotes(instruments, wire_data.last_trade)


class LatestBars(_Latest):
    one = "bar"

    def latest(self, instruments: dict[str, Instrument]) -> dict[str, wire.Json]:
        now = self.origin.received_at
        latest = {s: _last_bars(i, "1Min", now=now, count=1) for s, i in instruments.items()}
        return {symbol: found[0] for symbol, found in latest.items() if found}


class Snapshots(DataCall):
    """All of it at once: not wrapped for stocks, within `snapshots` for crypto."""

    @reads
    def get(self, request: Request, symbol: str | None = None) -> Response:
        instruments = self.asked_for(request, symbol)
        quotes = _of_quotes(instruments, wire_data.quote)
        trades = _of_quotes(instruments, wire_data.last_trade)
        snapshots = {
            name: self._snapshot(instrument, quotes.get(name), trades.get(name))
            for name, instrument in instruments.items()
        }
        if symbol is not None:
            return Response({"symbol": symbol.upper(), **snapshots[symbol.upper()]})
        if self.asset_class == Instrument.AssetClass.CRYPTO:
            return Response({"snapshots": snapshots})
        return Response(snapshots)

    def _snapshot(
        self, instrument: Instrument, quote: wire.Json | None, trade: wire.Json | None
    ) -> wire.Json:
        now = self.origin.received_at
        minute = _last_bars(instrument, "1Min", now=now, count=1)
        days = [*_last_bars(instrument, "1Day", now=now, count=2), None, None]
        return {
            "latestTrade": trade,
            "latestQuote": quote,
            "minuteBar": minute[0] if minute else None,
            "dailyBar": days[0],
            "prevDailyBar": days[1],
        }


class _Past(DataCall, ABC):
    """What happened in a span of time, by symbol and then by time, in pages.

    `limit` counts over all symbols of a page. Without `start`, today's. There is one `feed` here,
    and one currency. With `asof`, a symbol is of the instrument that had it at the end of that day
    in New York.
    """

    many: ClassVar[str]

    @reads
    def get(self, request: Request, symbol: str | None = None) -> Response:
        query = request.query_params
        on = None if query.get("asof") == NO_DAY else queries.day(query, "asof")
        instruments = self.asked_for(request, symbol, on=on)
        queries.choice(query, "feed", FEEDS, default="iex")
        queries.choice(query, "currency", ("usd",), default="usd")
        wanted = data_pages.Wanted.of(query, now=self.origin.received_at)
        try:
            found, next_token = data_pages.page(instruments, wanted, read=self.reader(query))
        except ArchiveIncomplete as error:
            log.exception("archive_incomplete", day=str(error.day))
            raise errors.ApiError(
                503,
                f"What happened on {error.day} lies in an archive that cannot be read now: it is"
                " being looked into. Other days can be asked for.",
                reason="archive_incomplete",
            ) from error
        shown = {
            name: [self.shape(each, instrument=instruments[name]) for each in records]
            for name, records in found.items()
        }
        if symbol is None:
            return Response({self.many: shown, "next_page_token": next_token})
        return Response(
            {
                "symbol": symbol.upper(),
                self.many: shown.get(symbol.upper(), []),
                "next_page_token": next_token,
            }
        )

    @abstractmethod
    def reader(self, query: queries.Query) -> data_pages.Read:
        """Return what reads a piece of one instrument's past."""

    @abstractmethod
    def shape(self, record: Any, *, instrument: Instrument) -> wire.Json:
        """Return the record as it goes over the wire."""


class Bars(_Past):
    many = "bars"

    def reader(self, query: queries.Query) -> data_pages.Read:
        timeframe = timeframe_of(query)
        adjustment = Adjustment(
            queries.choice(query, "adjustment", tuple(Adjustment), default=Adjustment.RAW)
        )

        def read(instrument: Instrument, piece: Piece) -> list[Bar]:
            start, end = piece.start, piece.end
            if piece.after is not None and piece.is_ascending:
                start = max(start, piece.after.at + data_pages.MOMENT)
            elif piece.after is not None:
                end = min(end, piece.after.at - data_pages.MOMENT)
            return present.bars(
                instrument,
                timeframe,
                start=start,
                end=end,
                now=self.origin.received_at,
                limit=piece.limit,
                is_ascending=piece.is_ascending,
                adjustment=adjustment,
            )

        return read

    def shape(self, record: Any, *, instrument: Instrument) -> wire.Json:
        return wire_data.bar(record)


class Trades(_Past):
    """Time and sales."""

    many = "trades"

    def reader(self, query: queries.Query) -> data_pages.Read:
        return lambda instrument, piece: selectors.trades(instrument, **piece._asdict())

    def shape(self, record: Any, *, instrument: Instrument) -> wire.Json:
        return wire_data.trade(record, instrument=instrument)


class Quotes(_Past):
    """The best bids and offers as they changed."""

    many = "quotes"

    def reader(self, query: queries.Query) -> data_pages.Read:
        return lambda instrument, piece: selectors.quotes(instrument, **piece._asdict())

    def shape(self, record: Any, *, instrument: Instrument) -> wire.Json:
        return wire_data.quote(record, instrument=instrument)


def timeframe_of(query: queries.Query) -> str:
    """Return the timeframe in its full form. Raises ApiError."""
    try:
        return str(rules.parse_timeframe(queries.text(query, "timeframe") or "1Day"))
    except rules.UnknownTimeframe as error:
        raise errors.invalid(str(error), reason="unknown_timeframe") from None


def _of_quotes(instruments: dict[str, Instrument], shape: Shape) -> dict[str, wire.Json]:
    quotes: dict[Any, Quote] = present.latest_quotes(i.pk for i in instruments.values())
    shown = {
        symbol: shape(quotes[instrument.pk], instrument=instrument)
        for symbol, instrument in instruments.items()
        if instrument.pk in quotes
    }
    return {symbol: found for symbol, found in shown.items() if found is not None}


def _last_bars(
    instrument: Instrument, timeframe: str, *, now: datetime, count: int
) -> list[wire.Json]:
    found = present.bars(
        instrument,
        timeframe,
        start=calendars.midnight(calendars.date_of(now)) - LOOK_BACK,
        end=now,
        now=now,
        limit=count,
        is_ascending=False,
    )
    return [wire_data.bar(bar) for bar in found]


def for_crypto(call: type[DataCall]) -> type[DataCall]:
    """Return the twin of a call that is about crypto pairs."""
    return type(f"Crypto{call.__name__}", (call,), {"asset_class": Instrument.AssetClass.CRYPTO})
