"""What the hub shows of one instrument: as JSON text, and as a link of its binary chain.

Both are made when somebody first asks, once, whoever asks after that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

from marketdata import calendars
from marketdata.models import Quote
from marketdata.selectors import Standing
from marketdata.stream import pictures
from marketdata.stream.chain import Chain, Link
from marketdata.stream.pictures import (
    NO_TRADE,
    Bar,
    Picture,
    Span,
    Status,
    Trade,
    Units,
    Update,
    billionths,
    microseconds,
)
from marketdata.stream.wire import STREAM_BYTES
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


class Chains:
    """The binary chains of this process's instruments, as far as anybody follows them.

    `latest` tells what is shown of a symbol now. It is asked under the lock, so that no chain is
    taken back to what a slower thread has seen.
    """

    def __init__(self, latest: Callable[[str], Shown | None]) -> None:
        self.stream: Final = os.urandom(STREAM_BYTES)
        self._latest = latest
        self._lock = threading.Lock()
        self._chains: dict[str, tuple[Chain, Shown]] = {}

    def link(self, symbol: str) -> Link | None:
        """Return the end of the chain of `symbol`; None where nothing is known of it."""
        with self._lock:
            shown = self._latest(symbol)
            if shown is None:
                return None
            chain, told = self._chains.get(symbol) or (Chain(symbol), None)
            if shown is not told:
                _advance(chain, shown)
                self._chains[symbol] = chain, shown
            return chain.link


def _advance(chain: Chain, shown: Shown) -> None:
    picture = chain.link.picture if chain.link is not None else Picture()
    news = [update for update in shown.updates() if not picture.has(update)]
    chain.advance(news, shown.units)
