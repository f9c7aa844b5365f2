"""Instruments whose prices come from a feed outside: our customers trade at its quotes.

As for a recording, the believed best bid and offer stand in the book as the orders of one
participant, and nobody else quotes. What a customer takes is there again once the feed quotes
anew, or after a second while its quote stands. A quote that is stale is withdrawn. What is
executed is printed nowhere: it is not the market that the price is of. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from venues.exchange.book import BUY, SELL
from venues.exchange.commands import Admit, MassQuote
from venues.exchange.engine import Engine
from venues.exchange.listing import Listing

PARTICIPANT: Final = "outside"

_REFILL: Final = timedelta(seconds=1)
_Sizes = dict[int, int]


@dataclass(frozen=True, slots=True)
class Sides:
    """A believed best bid and offer; a side without orders is None."""

    bid: Decimal | None
    bid_size: Decimal
    ask: Decimal | None
    ask_size: Decimal

    @property
    def middle(self) -> Decimal | None:
        prices = [price for price in (self.bid, self.ask) if price is not None]
        return sum(prices, Decimal(0)) / len(prices) if prices else None


NOBODY: Final = Sides(None, Decimal(0), None, Decimal(0))


class Outside:
    """What is quoted from outside now. `sources` has the feed of each such symbol."""

    def __init__(self) -> None:
        self.sources: Mapping[str, str] = {}
        self._told: dict[str, tuple[Sides, datetime]] = {}
        self._middles: dict[str, Decimal] = {}

    def recast(self, sources: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Let these be quoted from outside; return which are so anew, and which no longer are."""
        before, self.sources = self.sources, sources
        ended = sorted(before.keys() - sources.keys())
        for symbol in ended:
            self._told.pop(symbol, None)
        return sorted(sources.keys() - before.keys()), ended

    def last_price(self, symbol: str) -> Decimal | None:
        """Return the middle of the last quote from outside, for those who go on from there."""
        return self._middles.get(symbol)

    def quote(
        self, fresh: Mapping[str, Sides], engine: Engine, *, now: datetime
    ) -> list[MassQuote]:
        """Return what brings the books in line with the `fresh` quotes; others are withdrawn."""
        commands = []
        for symbol in sorted(self.sources.keys() & engine.listings.keys()):
            listing, sides = engine.listings[symbol], fresh.get(symbol, NOBODY)
            if (middle := sides.middle) is not None:
                self._middles[symbol] = middle
            if not engine.is_trading(symbol):
                sides = NOBODY
            bid, ask = _rungs(sides, listing.terms)
            stands = _standing(listing)
            if _signed(bid, ask) == stands:
                continue
            told, at = self._told.get(symbol, (None, now))
            if told == sides and now - at < _REFILL:
                continue
            self._told[symbol] = (sides, now)
            commands.append(MassQuote(PARTICIPANT, symbol, bid, ask))
        return commands


_Rungs = tuple[tuple[int, int], ...]


def _rungs(sides: Sides, terms: Admit) -> tuple[_Rungs, _Rungs]:
    """Return both sides in ticks and lots: never better, and never more, than was quoted.

    A locked market has no place in a book: neither side stands while it is.
    """
    bid = _rung(sides.bid, sides.bid_size, terms, ROUND_FLOOR)
    ask = _rung(sides.ask, sides.ask_size, terms, ROUND_CEILING)
    if bid and ask and bid[0][0] >= ask[0][0]:
        return (), ()
    return bid, ask


def _rung(price: Decimal | None, size: Decimal, terms: Admit, rounding: str) -> _Rungs:
    if price is None:
        return ()
    whole = int((price / terms.tick).to_integral_value(rounding))
    ticks = terms.steps.down(whole) if rounding == ROUND_FLOOR else terms.steps.up(whole)
    lots = int(size / terms.lot)
    return ((ticks, lots),) if ticks > 0 and lots > 0 else ()


def _signed(bid: _Rungs, ask: _Rungs) -> _Sizes:
    return {sign * price: size for sign, side in ((BUY, bid), (SELL, ask)) for price, size in side}


def _standing(listing: Listing) -> _Sizes:
    held = listing.quotes.get(PARTICIPANT, {})
    return {signed: order.leaves for signed, order in held.items() if order.leaves}
