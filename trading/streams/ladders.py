"""The books that sockets of this process follow: read several times a second, encoded once, shared.

A book is something of its own beside its instrument's prices, so that who wants prices alone pays
for nothing else; books that nobody follows are not read at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from foundation import decimals
from marketdata import selectors
from marketdata.current import depth
from marketdata.current.depth import Level
from marketdata.models import Depth
from marketdata.stream import pictures
from marketdata.stream.pictures import LEVELS_MAX, Units, Update, billionths, microseconds
from trading.streams import encoding
from trading.streams.audience import Audience
from trading.streams.chains import Chains
from trading.streams.mailbox import Mailbox
from trading.streams.shown import Shown

Sides = tuple[dict[str, str], dict[str, str]]
"""The size at each price, of bids and of asks, best first."""


@dataclass(frozen=True)
class ShownBook:
    """A book as it is: as JSON text for who has the one before and who has not, and in units."""

    symbol: str
    units: Units
    sequence: int
    depth: Depth
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    before: tuple[int, Sides] | None
    """The sequence and sides of the one before, None where nobody was told of it."""

    @cached_property
    def sides(self) -> Sides:
        text = decimals.text
        bids, asks = (
            {text(level.price): text(level.size) for level in side}
            for side in (self.bids, self.asks)
        )
        return bids, asks

    @cached_property
    def whole(self) -> str:
        return encoding.book(self, since=None, changes=self.sides)

    @cached_property
    def difference(self) -> str | None:
        """The text for who has the one before."""
        if self.before is None:
            return None
        sequence, sides = self.before
        bids, asks = (_changes(*each) for each in zip(sides, self.sides, strict=True))
        return encoding.book(self, since=sequence, changes=(bids, asks))

    def text(self, sent: int) -> str | None:
        """Return what brings a reader here from the sequence that it was sent (0: nothing)."""
        if sent == self.sequence:
            return None
        has_before = self.before is not None and sent == self.before[0]
        return self.difference if has_before else self.whole

    def updates(self, before: ShownBook | None = None) -> tuple[Update, ...]:
        bids, asks = (
            tuple(
                pictures.Level(billionths(level.price), billionths(level.size))
                for level in side[:LEVELS_MAX]
            )
            for side in (self.bids, self.asks)
        )
        return (pictures.Depth(microseconds(self.depth.at), bids, asks),)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return the sizes that changed; of a price where nothing stands any more it is 0."""
    gone = {price: "0" for price in before if price not in after}
    return gone | {price: size for price, size in after.items() if before.get(price) != size}


class Ladders:
    """`now` tells what is shown of the instrument that has a symbol today."""

    def __init__(self, now: Callable[[str], Shown | None]) -> None:
        self._now = now
        self._shown: dict[str, ShownBook] = {}
        self.audience = Audience(Mailbox.put_books, is_paced=True)
        self.chains = Chains(self._shown.get)

    def subscribe(self, mailbox: Mailbox, symbols: set[str]) -> None:
        """Send `mailbox` the books of `symbols` as they are, and from now on as they change."""
        mailbox.books |= symbols
        self.audience.add(mailbox, symbols)
        mailbox.put_books(symbols)

    def unsubscribe(self, mailbox: Mailbox, symbols: set[str]) -> None:
        mailbox.books -= symbols
        self.audience.remove(mailbox, symbols)

    def tell(self, symbols: set[str]) -> None:
        """Let everybody know of the books of `symbols` who follows them."""
        self.chains.advance(symbols)
        self.audience.tell(symbols)

    def shown(self, symbols: Iterable[str]) -> list[ShownBook]:
        """Return those of the books of `symbols` that are known."""
        return [book for symbol in symbols if (book := self._shown.get(symbol)) is not None]

    def look(self) -> set[str]:
        """Read the books that anybody follows; return the symbols of those that changed."""
        followed = self.audience.topics
        owners = {symbol: shown for symbol in followed if (shown := self._now(symbol)) is not None}
        ids = {shown.quote.instrument_id for shown in owners.values()}
        depths = selectors.depths(ids) if ids else {}
        changed = set()
        for symbol in followed:
            owner, before = owners.get(symbol), self._shown.get(symbol)
            found = depths.get(owner.quote.instrument_id) if owner is not None else None
            if owner is not None and found is not None and found.source == owner.quote.source:
                if before is None or not _is_same(before, found, owner):
                    self._shown[symbol] = _shown(symbol, found, owner, before)
                    changed.add(symbol)
            elif before is not None and (before.bids or before.asks):
                self._shown[symbol] = _emptied(before)
                changed.add(symbol)
        for symbol in self._shown.keys() - followed:
            del self._shown[symbol]  # by the time that somebody follows it again it is old
        return changed


def _is_same(before: ShownBook, found: Depth, owner: Shown) -> bool:
    of = before.depth
    is_row = (of.instrument_id, of.sequence, of.at) == (
        found.instrument_id,
        found.sequence,
        found.at,
    )
    is_shown = bool(before.bids or before.asks) == bool(found.bids or found.asks)
    return is_row and is_shown and before.units == owner.units


def _shown(symbol: str, found: Depth, owner: Shown, before: ShownBook | None) -> ShownBook:
    return ShownBook(
        symbol=symbol,
        units=owner.units,
        sequence=1 if before is None else before.sequence + 1,
        depth=found,
        bids=depth.from_stored(found.bids),
        asks=depth.from_stored(found.asks),
        before=None if before is None else (before.sequence, before.sides),
    )


def _emptied(before: ShownBook) -> ShownBook:
    """Return the book of which nothing is known any more."""
    return ShownBook(
        symbol=before.symbol,
        units=before.units,
        sequence=before.sequence + 1,
        depth=before.depth,
        bids=(),
        asks=(),
        before=(before.sequence, before.sides),
    )
