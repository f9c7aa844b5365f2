"""Market data: the latest quotes, trades and bars, and the bars of the past.

The same calls for stocks and for crypto: an address sees the instruments of its class.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import bars as rules
from marketdata import calendars, selectors
from marketdata.bars import Bar
from marketdata.models import Instrument, Quote
from trading.api import errors, queries, wire, wire_data
from trading.api.views.base import Call

BARS: Final = 1000
BARS_MAX: Final = 10_000
LOOK_BACK: Final = timedelta(days=10)  # over a long weekend to the latest bar
_MOMENT: Final = timedelta(microseconds=1)

Shape = Callable[..., wire.Json | None]


class DataCall(Call):
    """A call about the instruments of one class."""

    asset_class: ClassVar[str] = Instrument.AssetClass.US_EQUITY

    def instruments(self, symbols: Iterable[str]) -> dict[str, Instrument]:
        """Return those of `symbols` that are traded here, by symbol; the others are left out."""
        found = selectors.instruments(symbols)
        return {s: i for s, i in sorted(found.items()) if i.asset_class == self.asset_class}

    def asked_for(self, request: Request, symbol: str | None) -> dict[str, Instrument]:
        """Return the instruments that a call names: one in its address, or a list in its query."""
        if symbol is None:
            return self.instruments(queries.symbols(request.query_params, is_required=True))
        found = self.instruments([symbol.upper()] if symbol.isprintable() else [])
        if not found:
            raise errors.not_found(f"The symbol {symbol[:24]!r}")
        return found


class _Latest(DataCall):
    """The latest of each symbol: `{"quotes": {"AAPL": ...}}`, or of one: `{"quote": ...}`."""

    one: ClassVar[str]

    def get(self, request: Request, symbol: str | None = None) -> Response:
        found = self.latest(self.asked_for(request, symbol))
        if symbol is None:
            return Response({f"{self.one}s": found})
        return Response({"symbol": symbol.upper(), self.one: found.get(symbol.upper())})

    def latest(self, instruments: dict[str, Instrument]) -> dict[str, wire.Json]:
        raise NotImplementedError


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


class Bars(DataCall):
    """The bars of a span of time, by symbol and then by time, in pages.

    `limit` counts over all symbols of a page. Without `start`, today's.
    """

    def get(self, request: Request, symbol: str | None = None) -> Response:
        instruments = self.asked_for(request, symbol)
        wanted = _Wanted.of(request.query_params, now=self.origin.received_at)
        found, next_token = _page(instruments, wanted)
        shown = {name: [wire_data.bar(bar) for bar in bars] for name, bars in found.items()}
        if symbol is None:
            return Response({"bars": shown, "next_page_token": next_token})
        return Response(
            {
                "symbol": symbol.upper(),
                "bars": shown.get(symbol.upper(), []),
                "next_page_token": next_token,
            }
        )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which bars a call asks for, and after which one (`symbol`, start of a bar) to go on."""

    timeframe: str
    start: datetime
    end: datetime
    limit: int
    is_ascending: bool
    after: tuple[str, datetime | None] | None

    @classmethod
    def of(cls, query: queries.Query, *, now: datetime) -> _Wanted:
        return cls(
            timeframe=timeframe_of(query),
            start=queries.moment(query, "start") or calendars.midnight(calendars.date_of(now)),
            end=queries.moment(query, "end") or now,
            limit=queries.whole(query, "limit", default=BARS, most=BARS_MAX),
            is_ascending=queries.choice(query, "sort", ("asc", "desc"), default="asc") == "asc",
            after=_after(queries.text(query, "page_token")),
        )


def timeframe_of(query: queries.Query) -> str:
    """Return the timeframe in its full form. Raises ApiError."""
    try:
        return str(rules.parse_timeframe(queries.text(query, "timeframe") or "1Day"))
    except rules.UnknownTimeframe as error:
        raise errors.invalid(str(error), reason="unknown_timeframe") from None


def _page(
    instruments: dict[str, Instrument], wanted: _Wanted
) -> tuple[dict[str, list[Bar]], str | None]:
    """Return one page of bars by symbol, and the token of the next page if there is one."""
    found: dict[str, list[Bar]] = {}
    left = wanted.limit
    for symbol, instrument in instruments.items():
        start, end = wanted.start, wanted.end
        if wanted.after is not None:
            last_symbol, last_start = wanted.after
            if symbol < last_symbol:
                continue
            if symbol == last_symbol and last_start is not None:
                if wanted.is_ascending:
                    start = max(start, last_start + _MOMENT)
                else:
                    end = min(end, last_start - _MOMENT)
        # One more than fits tells whether there is another page.
        bars = selectors.bars(
            instrument,
            wanted.timeframe,
            start=start,
            end=end,
            limit=left + 1,
            is_ascending=wanted.is_ascending,
        )
        if bars[:left]:
            found[symbol] = bars[:left]
        if len(bars) > left:
            return found, _token(symbol, bars[left - 1].start if left else None)
        left -= len(bars)
    return found, None


def _token(symbol: str, start: datetime | None) -> str:
    text = f"{symbol}|{start.astimezone(UTC).isoformat() if start else ''}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _after(token: str | None) -> tuple[str, datetime | None] | None:
    if token is None:
        return None
    try:
        symbol, _, start = base64.urlsafe_b64decode(token).decode().partition("|")
        at = datetime.fromisoformat(start) if start else None
        if at is not None:
            at = at.astimezone(UTC) + _MOMENT - _MOMENT  # within what dates can say
    except (binascii.Error, UnicodeDecodeError, ValueError, OverflowError):
        raise errors.invalid("page_token is not one that was given here.") from None
    return symbol, at


def _of_quotes(instruments: dict[str, Instrument], shape: Shape) -> dict[str, wire.Json]:
    quotes: dict[Any, Quote] = selectors.latest_quotes(i.pk for i in instruments.values())
    shown = {
        symbol: shape(quotes[instrument.pk], instrument=instrument)
        for symbol, instrument in instruments.items()
        if instrument.pk in quotes
    }
    return {symbol: found for symbol, found in shown.items() if found is not None}


def _last_bars(
    instrument: Instrument, timeframe: str, *, now: datetime, count: int
) -> list[wire.Json]:
    found = selectors.bars(
        instrument, timeframe, start=now - LOOK_BACK, end=now, limit=count, is_ascending=False
    )
    return [wire_data.bar(bar) for bar in found]


def for_crypto(call: type[DataCall]) -> type[DataCall]:
    """Return the twin of a call that is about crypto pairs."""
    return type(f"Crypto{call.__name__}", (call,), {"asset_class": Instrument.AssetClass.CRYPTO})
