"""What is told of the depth of the books: those that changed a few times a second, and all of them
now and then. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from marketdata.current.depth import LEVELS_MAX, ORDERS_MAX, Book, Level, Resting
from venues.exchange.book import BookSide
from venues.exchange.engine import Engine
from venues.exchange.listing import Listing

_INTERVAL: Final = timedelta(seconds=0.25)
_CONFIRMED_EVERY: Final = timedelta(seconds=5)  # nothing else brings one back that was lost
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Depths:
    """Keeps which books have changed since they were last told."""

    def __init__(self) -> None:
        self._touched: set[str] = set()
        self._told_at = self._confirmed_at = _LONG_AGO

    def note(self, touched: Iterable[str]) -> None:
        self._touched |= set(touched)

    def due(self, engine: Engine, *, now: datetime) -> list[Book]:
        """Return the books that are to be told at `now`."""
        if now - self._told_at < _INTERVAL:
            return []
        self._told_at = now
        if now - self._confirmed_at >= _CONFIRMED_EVERY:
            self._confirmed_at = now
            self._touched |= engine.listings.keys()
        symbols, self._touched = self._touched & engine.listings.keys(), set()
        return [book(engine.listings[symbol], now=now) for symbol in sorted(symbols)]


def book(listing: Listing, *, now: datetime) -> Book:
    """Return the best levels that are shown; nobody's while nothing is matched."""
    symbol = listing.terms.symbol
    if not listing.is_matching:
        return Book(symbol, now, (), ())
    sides = (tuple(_levels(side, listing)) for side in (listing.book.bids, listing.book.asks))
    return Book(symbol, now, *sides)


def _levels(side: BookSide, listing: Listing) -> Iterator[Level]:
    tick, lot = listing.terms.tick, listing.terms.lot
    for level in side.best_levels(LEVELS_MAX):
        queue = zip(range(ORDERS_MAX), level, strict=False)
        orders = tuple(Resting(order.number, order.leaves * lot) for _, order in queue)
        yield Level(level.head.price * tick, level.quantity * lot, orders)
