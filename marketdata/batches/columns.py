"""Ticks side by side: the same number of many ticks in one array, so that a batch costs one step.

Pure and exact. Prices and sizes are whole numbers of a power of ten that the columns name, times
are microseconds since 1970 (UTC), and a symbol is its place in `symbols`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Self, TypeVar

import numpy as np
import numpy.typing as npt

from marketdata.ticks import QuoteTick, Tick, TradeTick

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]

NOBODY: Final = -(2**63)
"""The price of a side without orders."""

DECIMALS_MAX: Final = 9
_WHOLE_MAX: Final = 2**62

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class _Columns:
    """Arrays of one length."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self.place)  # type: ignore[attr-defined]

    def taken(self, rows: Any) -> Self:
        """Return the rows that `rows`, a mask or a list of places, names."""
        names = (field.name for field in fields(self))  # type: ignore[arg-type]
        return type(self)(*(getattr(self, name)[rows] for name in names))


@dataclass(frozen=True, slots=True, eq=False)
class QuoteColumns(_Columns):
    """Quotes; `place` is where each stood among all ticks of the batch."""

    place: Ints
    symbol: Ints
    at: Ints
    bid: Ints
    bid_size: Ints
    ask: Ints
    ask_size: Ints


@dataclass(frozen=True, slots=True, eq=False)
class TradeColumns(_Columns):
    """Trades; `place` is where each stood among all ticks of the batch."""

    place: Ints
    symbol: Ints
    at: Ints
    price: Ints
    size: Ints
    trade_id: Names
    sets_last: Flags


_Kind = TypeVar("_Kind", QuoteColumns, TradeColumns)


@dataclass(frozen=True, slots=True, eq=False)
class TickColumns:
    """A batch of ticks.

    A price is a whole number of 10 ** -price_decimals, a size of 10 ** -size_decimals. `odd` has
    what fits into no column, with its place: a price that is no number, a size beyond all bounds.
    """

    symbols: Sequence[str]
    price_decimals: int
    size_decimals: int
    quotes: QuoteColumns
    trades: TradeColumns
    odd: Sequence[tuple[int, Tick]] = ()

    def __len__(self) -> int:
        return len(self.quotes) + len(self.trades) + len(self.odd)

    @classmethod
    def of(cls, ticks: Iterable[Tick]) -> TickColumns:
        """Return `ticks` side by side."""
        told = list(ticks)
        symbols = tuple(dict.fromkeys(map(_SYMBOL, told)))
        try:
            return cls._of_columns(told, range(len(told)), symbols)
        except (ArithmeticError, ValueError, TypeError):
            # One of them fits into no column; which one, tells itself.
            odd = [(place, tick) for place, tick in enumerate(told) if not _fits(tick)]
            places = sorted({*range(len(told))} - {place for place, _ in odd})
            fitting = cls._of_columns([told[place] for place in places], places, symbols)
            return replace(fitting, odd=tuple(odd))

    @classmethod
    def _of_columns(
        cls, told: Sequence[Tick], places: Sequence[int], symbols: Sequence[str]
    ) -> TickColumns:
        """Return ticks that all fit, which stood at `places`: each step is one for all of them."""
        is_quote = np.fromiter(
            (isinstance(tick, QuoteTick) for tick in told), dtype=np.bool_, count=len(told)
        )
        standing = np.array(places, dtype=np.int64)
        number_of = {symbol: number for number, symbol in enumerate(symbols)}.__getitem__
        quotes = [tick for tick in told if isinstance(tick, QuoteTick)]
        trades = [tick for tick in told if not isinstance(tick, QuoteTick)]
        names, ats, *sides = _turned(map(_QUOTE, quotes), 6)
        told_quotes = QuoteColumns(
            standing[is_quote],
            _ints(map(number_of, names)),
            _times(ats),
            *(_ints(map(_whole, side)) for side in sides),
        )
        names, ats, prices, sizes, trade_ids, sets_last = _turned(map(_TRADE, trades), 6)
        printed = TradeColumns(
            standing[~is_quote],
            _ints(map(number_of, names)),
            _times(ats),
            _ints(map(_whole, prices)),
            _ints(map(_whole, sizes)),
            np.fromiter(trade_ids, dtype=np.object_, count=len(trades)),
            np.fromiter(sets_last, dtype=np.bool_, count=len(trades)),
        )
        return cls.of_billionths(symbols, told_quotes, printed)

    @classmethod
    def of_billionths(
        cls, symbols: Sequence[str], quotes: QuoteColumns, trades: TradeColumns
    ) -> TickColumns:
        """Return columns made in billionths with no more decimals than they need; in place."""
        return cls(
            symbols=symbols,
            price_decimals=_lessen([quotes.bid, quotes.ask, trades.price]),
            size_decimals=_lessen([quotes.bid_size, quotes.ask_size, trades.size]),
            quotes=quotes,
            trades=trades,
        )

    def by_symbol(self) -> TickColumns:
        """Return the same rows, those of one symbol together, in the order in which they came."""
        if len(self.symbols) < 2:
            return self
        # Small numbers are sorted in one sweep, and no batch has so many symbols.
        small = np.int16 if len(self.symbols) < 2**15 else np.int64
        quotes = np.argsort(self.quotes.symbol.astype(small), kind="stable")
        trades = np.argsort(self.trades.symbol.astype(small), kind="stable")
        return replace(self, quotes=self.quotes.taken(quotes), trades=self.trades.taken(trades))

    @property
    def names(self) -> set[str]:
        """The symbols of which there is a tick."""
        numbers = np.unique(np.concatenate([self.quotes.symbol, self.trades.symbol])).tolist()
        return {self.symbols[number] for number in numbers} | {tick.symbol for _, tick in self.odd}

    def parted(self, symbols: Collection[str]) -> tuple[TickColumns, TickColumns]:
        """Return the ticks of `symbols`, and those of all others."""
        if not symbols:
            return self._chosen((), is_in=True), self
        is_in = np.array([symbol in symbols for symbol in self.symbols], dtype=np.bool_)
        places = [place for place, tick in self.odd if tick.symbol in symbols]
        for columns in (self.quotes, self.trades):
            places += columns.place[is_in[columns.symbol]].tolist()
        return self._chosen(places, is_in=True), self._chosen(places, is_in=False)

    @property
    def places(self) -> list[int]:
        """Where the ticks stood, in order."""
        odd = [place for place, _ in self.odd]
        return sorted([*self.quotes.place.tolist(), *self.trades.place.tolist(), *odd])

    def without(self, places: Sequence[int]) -> TickColumns:
        """Return the ticks that stood at none of `places`."""
        return self._chosen(places, is_in=False) if places else self

    def batches(self, size: int) -> Iterator[TickColumns]:
        """Yield the ticks in batches of `size`, in order, each with places of its own."""
        places = self.places
        for first in range(0, len(places), size):
            begin, end = places[first], places[min(first + size, len(places)) - 1] + 1
            yield replace(
                self,
                quotes=_between(self.quotes, begin, end),
                trades=_between(self.trades, begin, end),
                odd=tuple((at - begin, tick) for at, tick in self.odd if begin <= at < end),
            )

    def _chosen(self, places: Sequence[int], *, is_in: bool) -> TickColumns:
        named = set(places)

        def chosen(columns: _Kind) -> _Kind:
            return columns.taken(np.isin(columns.place, places, invert=not is_in))

        return replace(
            self,
            quotes=chosen(self.quotes),
            trades=chosen(self.trades),
            odd=tuple(each for each in self.odd if (each[0] in named) is is_in),
        )

    def price(self, whole: int) -> Decimal | None:
        return None if whole == NOBODY else Decimal(int(whole)).scaleb(-self.price_decimals)

    def size(self, whole: int) -> Decimal:
        return Decimal(int(whole)).scaleb(-self.size_decimals)

    def quote(self, row: int) -> QuoteTick:
        """Return the quote in `row` of the quotes."""
        quotes = self.quotes
        return QuoteTick(
            self.symbols[quotes.symbol[row]],
            moment(quotes.at[row]),
            self.price(quotes.bid[row]),
            self.size(quotes.bid_size[row]),
            self.price(quotes.ask[row]),
            self.size(quotes.ask_size[row]),
        )

    def trade(self, row: int) -> TradeTick:
        """Return the trade in `row` of the trades."""
        trades = self.trades
        return TradeTick(
            self.symbols[trades.symbol[row]],
            moment(trades.at[row]),
            Decimal(int(trades.price[row])).scaleb(-self.price_decimals),
            self.size(trades.size[row]),
            trades.trade_id[row],
            bool(trades.sets_last[row]),
        )

    def ticks(self) -> list[Tick]:
        """Return the ticks one by one, in the order in which they came."""
        placed: list[tuple[int, Tick]] = [*self.odd]
        placed += [(place, self.quote(row)) for row, place in enumerate(self.quotes.place.tolist())]
        placed += [(place, self.trade(row)) for row, place in enumerate(self.trades.place.tolist())]
        return [tick for _, tick in sorted(placed, key=lambda each: each[0])]


def microseconds(at: datetime) -> int:
    """Return `at` as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moment(since: int) -> datetime:
    """Return the time that is `since` microseconds after 1970."""
    return _EPOCH + int(since) * _MICROSECOND


def _between(columns: _Kind, begin: int, end: int) -> _Kind:
    chosen = columns.taken((columns.place >= begin) & (columns.place < end))
    return replace(chosen, place=chosen.place - begin)


_SYMBOL: Final = attrgetter("symbol")
_QUOTE: Final = attrgetter("symbol", "at", "bid", "bid_size", "ask", "ask_size")
_TRADE: Final = attrgetter("symbol", "at", "price", "size", "trade_id", "sets_last")


def _turned(rows: Iterable[tuple[Any, ...]], count: int) -> list[Sequence[Any]]:
    """Return the `count` columns of rows."""
    return list(zip(*rows, strict=True)) or [()] * count


def _ints(numbers: Iterable[int]) -> Ints:
    return np.fromiter(numbers, dtype=np.int64)


def _times(moments: Iterable[datetime]) -> Ints:
    return _ints((at - _EPOCH) // _MICROSECOND for at in moments)


def _fits(tick: Tick) -> bool:
    """Tell whether the numbers of a tick have a place in columns."""
    amounts: tuple[Decimal | None, ...]
    if isinstance(tick, QuoteTick):
        amounts = tick.bid, tick.bid_size, tick.ask, tick.ask_size
    else:
        amounts = tick.price, tick.size
    try:
        for amount in amounts:
            _whole(amount)
    except (ArithmeticError, ValueError, TypeError):  # a signaling NaN has no hash
        return False
    return True


# Prices and sizes come again and again, and are found in a fourth of the time that they take.
@lru_cache(maxsize=2**16)
def _whole(amount: Decimal | None) -> int:
    """Return `amount` in billionths, NOBODY for the price of a side without orders.

    Raises ArithmeticError or ValueError where it has no place.
    """
    if amount is None:
        return NOBODY
    scaled = amount.scaleb(DECIMALS_MAX)
    whole = int(scaled)
    if whole != scaled or abs(whole) >= _WHOLE_MAX:
        raise InvalidOperation(f"{amount} is no number of billionths that fits")
    return whole


def _lessen(columns: Sequence[Ints]) -> int:
    """Drop the decimals that none of `columns` needs, in place; return how many are left.

    Small numbers add up without leaving 64 bits: the traded value of a minute in cents and
    shares has its place, in billionths of a billionth it has none.
    """
    for spare in (9, 7, 5):
        power = 10**spare
        # NOBODY is divisible by no such power, and stands for no number.
        if all(not ((column % power != 0) & (column != NOBODY)).any() for column in columns):
            for column in columns:
                np.floor_divide(column, power, out=column, where=column != NOBODY)
            return DECIMALS_MAX - spare
    return DECIMALS_MAX
