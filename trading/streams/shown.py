"""What the hub shows of one instrument: as JSON text, and in the words of the binary stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Final

from marketdata import calendars
from marketdata.models import Quote
from marketdata.selectors import Standing
from marketdata.stream import pictures
from marketdata.stream.pictures import (
    NO_TRADE,
    Bar,
    Span,
    Status,
    Trade,
    Units,
    Update,
    billionths,
    microseconds,
)
from trading.streams import encoding

_MICROSECONDS: Final = 1_000_000

# What of a quote's row each of the stream's updates is made of.
_BEST_PRICES: Final = attrgetter("at", "bid", "bid_size", "ask", "ask_size")
_LAST_TRADE: Final = attrgetter("last_at", "last", "last_size")
_DAYS: Final = attrgetter(
    "day", "day_open", "day_high", "day_low", "day_volume", "last", "previous_close"
)


@dataclass(frozen=True)
class Shown:
    """A quote as it is, under which symbol, and whether one may rely and trade on it."""

    quote: Quote
    standing: Standing
    is_stale: bool

    @cached_property
    def text(self) -> str:
        return encoding.quote(self.quote, symbol=self.standing.symbol, is_stale=self.is_stale)

    @property
    def units(self) -> Units:
        """What the binary stream counts in: the tick where the price stands, and the smallest
        step of a quantity."""
        instrument, quote = self.quote.instrument, self.quote
        price = quote.last or quote.bid or quote.ask or quote.previous_close
        steps = instrument.price_steps
        tick = steps.usual if price is None else steps.at(price)
        return _units(tick, instrument.quantity_increment)

    def updates(self, before: Shown | None = None) -> Iterator[Update]:
        """Yield all of it in the words of the binary stream, or what is not as it was `before`."""
        now, then = self.quote, None if before is None else before.quote
        if before is None or then is None or not self._stands_like(before):
            yield self._status()
        if then is None or _BEST_PRICES(now) != _BEST_PRICES(then):
            yield self._best_prices()
        if then is None or _LAST_TRADE(now) != _LAST_TRADE(then):
            yield self._last_trade()
        if then is None or _DAYS(now) != _DAYS(then):
            yield from self._days()

    def _stands_like(self, before: Shown) -> bool:
        return (
            self.standing == before.standing
            and self.is_stale == before.is_stale
            and self.quote.source == before.quote.source
        )

    def _status(self) -> Status:
        return Status(
            source=self.quote.source,
            is_stale=self.is_stale,
            is_halted=self.standing.is_halted,
            is_tradable=self.standing.is_tradable,
            is_closing_only=self.standing.is_closing_only,
        )

    def _best_prices(self) -> pictures.Quote:
        quote = self.quote
        return pictures.Quote(
            at=microseconds(quote.at),
            bid=_price(quote.bid),
            bid_size=billionths(quote.bid_size),
            ask=_price(quote.ask),
            ask_size=billionths(quote.ask_size),
        )

    def _last_trade(self) -> Trade:
        quote = self.quote
        if quote.last is None or quote.last_at is None:
            return NO_TRADE
        # Without its id: the row has that of the latest print, which may have set no price.
        return Trade(microseconds(quote.last_at), _price(quote.last), billionths(quote.last_size))

    def _days(self) -> tuple[Bar, Bar]:
        quote = self.quote
        has_traded = quote.day_open is not None
        today = Bar(
            span=Span.DAY,
            start=microseconds(calendars.midnight(quote.day)) // _MICROSECONDS,
            open=_price(quote.day_open),
            high=_price(quote.day_high),
            low=_price(quote.day_low),
            close=_price(quote.last) if has_traded else 0,
            volume=billionths(quote.day_volume),
        )
        return today, Bar(Span.DAY_BEFORE, 0, 0, 0, 0, _price(quote.previous_close), 0)


@lru_cache(maxsize=256)
def _units(price_increment: Decimal, quantity_increment: Decimal) -> Units:
    return Units(billionths(price_increment), billionths(quantity_increment))


def _price(price: Decimal | None) -> int:
    return 0 if price is None else billionths(price)
