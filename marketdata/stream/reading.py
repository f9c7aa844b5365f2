"""From bytes to updates: what a picture becomes by the changes that are read."""

from __future__ import annotations

from typing import Final

from marketdata.stream.pictures import (
    COUNT_MAX,
    LEVELS_MAX,
    NO_DEPTH,
    NO_QUOTE,
    NO_TRADE,
    PRICE_MAX,
    SECONDS_MAX,
    SIZE_MAX,
    TIME_MAX,
    TURNOVER_MAX,
    Bar,
    Depth,
    Level,
    Picture,
    Quote,
    Status,
    Trade,
    Units,
    Update,
    no_bar,
)
from marketdata.stream.varints import Reader, unzigzag
from marketdata.stream.wire import (
    MORE,
    Kind,
    StatusFlag,
    TradeFlag,
    divisor,
    next_trade_id,
)

_IN_UNITS_BOTH: Final = 0xFF
_ANYTHING: Final = Units(1, 1)


def read_updates(reader: Reader, picture: Picture, units: Units) -> list[Update]:
    """Read the updates of one entry into `picture` and return them. Raises Malformed."""
    return _Entry(reader, picture, units, is_blind=False).updates()


def skip_updates(reader: Reader) -> None:
    """Read past the updates of one entry whose picture is not known. Raises Malformed."""
    _Entry(reader, Picture(), _ANYTHING, is_blind=True).updates()


class _Entry:
    """Blind, it reads what is there and judges no value: the picture is not the one it is about."""

    def __init__(self, reader: Reader, picture: Picture, units: Units, *, is_blind: bool) -> None:
        self._reader = reader
        self._picture = picture
        self._units = units
        self._is_blind = is_blind
        self._price = self._size = 1

    def updates(self) -> list[Update]:
        updates = []
        has_more = True
        while has_more:
            first = self._reader.byte()
            has_more = bool(first & MORE)
            update = self._update(Kind(first >> 4 & 7), first & 15)
            if update is not None:
                self._picture.take(update)
                updates.append(update)
        return updates

    def _update(self, kind: Kind, flags: int) -> Update | None:
        match kind:
            case Kind.QUOTE | Kind.QUOTE_SCALED:
                self._scale(is_said=kind == Kind.QUOTE_SCALED)
                return self._quote(flags)
            case Kind.TRADE | Kind.TRADE_SCALED:
                self._scale(is_said=kind == Kind.TRADE_SCALED)
                return self._trade(flags)
            case Kind.BAR:
                self._scale()
                return self._bar(span=flags)
            case Kind.DEPTH:
                self._scale()
                return self._depth(flags)
            case Kind.STATUS:
                return self._status(flags)
            case Kind.LATER:
                self._reader.bytes(self._reader.unsigned())
                return None

    def _quote(self, flags: int) -> Quote:
        before = self._picture.quote or NO_QUOTE
        return Quote(
            at=self._time(),
            bid=self._moved(before.bid, self._price, PRICE_MAX, flags & 1),
            bid_size=self._moved(before.bid_size, self._size, SIZE_MAX, flags & 2),
            ask=self._moved(before.ask, self._price, PRICE_MAX, flags & 4),
            ask_size=self._moved(before.ask_size, self._size, SIZE_MAX, flags & 8),
        )

    def _trade(self, flags: int) -> Trade:
        before = self._picture.trade or NO_TRADE
        at = self._time()
        price = self._moved(before.price, self._price, PRICE_MAX, flags & TradeFlag.PRICE)
        size = self._within(self._reader.unsigned() * self._size, SIZE_MAX)
        trade_id = self._trade_id(before.trade_id, flags & TradeFlag.ID)
        venue, conditions = before.venue, before.conditions
        if flags & TradeFlag.MARKS:
            venue, conditions = self._reader.text(), self._reader.text()
        sets_last = not flags & TradeFlag.NOT_LAST
        return Trade(at, price, size, trade_id, venue, conditions, sets_last)

    def _trade_id(self, before: str, is_said: int) -> str:
        steps = self._reader.signed() if is_said else 1
        if not steps:
            return self._reader.text()
        after = next_trade_id(before, steps)
        if after is None:
            if self._is_blind:
                return ""
            raise self._reader.malformed("a trade's id follows none that has a number")
        return after

    def _bar(self, span: int) -> Bar:
        before = self._picture.bars.get(span) or no_bar(span)
        flags = self._reader.byte()
        price, size = self._price, self._size
        return Bar(
            span=span,
            start=self._moved(before.start, 1, SECONDS_MAX, flags & 1),
            open=self._moved(before.open, price, PRICE_MAX, flags & 2),
            high=self._moved(before.high, price, PRICE_MAX, flags & 4),
            low=self._moved(before.low, price, PRICE_MAX, flags & 8),
            close=self._moved(before.close, price, PRICE_MAX, flags & 16),
            volume=self._moved(before.volume, size, SIZE_MAX, flags & 32),
            trades=self._moved(before.trades, 1, COUNT_MAX, flags & 64),
            turnover=self._moved(before.turnover, price * size, TURNOVER_MAX, flags & 128),
        )

    def _depth(self, flags: int) -> Depth:
        if flags > 3:
            raise self._reader.malformed("a book has two sides")
        before = self._picture.depth or NO_DEPTH
        at = self._time()
        bids = self._side(before.bids, sign=-1) if flags & 1 else before.bids
        asks = self._side(before.asks, sign=1) if flags & 2 else before.asks
        return Depth(at, bids, asks)

    def _side(self, before: tuple[Level, ...], sign: int) -> tuple[Level, ...]:
        head = self._reader.byte()
        count, mask = head & 7, head >> 3
        if count > LEVELS_MAX or mask >> count:
            raise self._reader.malformed(f"a side of a book has {LEVELS_MAX} levels at most")
        levels = []
        for place in range(count):
            level = before[place] if place < len(before) else Level(0, 0)
            if mask >> place & 1:
                price = self._moved(level.price, self._price, PRICE_MAX, 1)
                level = Level(price, self._moved(level.size, self._size, SIZE_MAX, 1))
            levels.append(level)
        prices = [sign * level.price for level in levels]
        if not self._is_blind and prices != sorted(set(prices)):
            raise self._reader.malformed("the levels of a book are not in order")
        return tuple(levels)

    def _status(self, flags: int) -> Status:
        return Status(
            source=self._reader.text(),
            is_stale=bool(flags & StatusFlag.STALE),
            is_halted=bool(flags & StatusFlag.HALTED),
            is_tradable=not flags & StatusFlag.NOT_TRADABLE,
            is_closing_only=bool(flags & StatusFlag.CLOSING_ONLY),
        )

    def _scale(self, *, is_said: bool = True) -> None:
        scales = self._reader.byte() if is_said else _IN_UNITS_BOTH
        self._price = divisor(scales >> 4, self._units.price)
        self._size = divisor(scales & 15, self._units.size)

    def _time(self) -> int:
        told = self._reader.unsigned()
        difference = unzigzag(told >> 1) * (1 if told & 1 else 1000)
        return self._within(self._picture.time + difference, TIME_MAX)

    def _moved(self, before: int, unit: int, most: int, is_said: int) -> int:
        if not is_said:
            return before
        return self._within(before + self._reader.signed() * unit, most)

    def _within(self, value: int, most: int) -> int:
        if not self._is_blind and not 0 <= value <= most:
            raise self._reader.malformed(f"{value} is not between 0 and {most}")
        return value
