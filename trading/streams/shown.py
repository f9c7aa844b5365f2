"""What the hub shows of one instrument: as JSON text, and in the words of the binary stream."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
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
        """What the binary stream counts in: the tick, and the smallest step of a quantity."""
        instrument = self.quote.instrument
        return Units(
            billionths(instrument.price_increment), billionths(instrument.quantity_increment)
        )

    def updates(self) -> tuple[Update, ...]:
        """Return all of it in the words of the binary stream."""
        return (self._status(), self._best_prices(), self._last_trade(), *self._days())

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


def _price(price: Decimal | None) -> int:
    return 0 if price is None else billionths(price)
