"""Ticks side by side: the same number of many ticks in one array, so that a batch costs one step.

Pure and exact. Prices and sizes are whole numbers of a power of ten that the columns name, times
are microseconds since 1970 (UTC), and a symbol is its place in `symbols`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, Self

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
        numbers: dict[str, int] = {}
        quotes: list[tuple[int, ...]] = []
        trades: list[tuple[Any, ...]] = []
        odd: list[tuple[int, Tick]] = []
        for place, tick in enumerate(ticks):
            symbol = numbers.setdefault(tick.symbol, len(numbers))
            key = (place, symbol, microseconds(tick.at))
            try:
                if isinstance(tick, QuoteTick):
                    quotes.append((*key, *_sides(tick)))
                else:
                    amounts = _whole(tick.price), _whole(tick.size)
                    trades.append((*key, *amounts, tick.trade_id, tick.sets_last))
            except (ArithmeticError, ValueError, TypeError):  # a signaling NaN has no hash
                odd.append((place, tick))
        told = QuoteColumns(*np.array(quotes, dtype=np.int64).reshape(-1, 7).T.copy())
        printed = np.array([each[:5] for each in trades], dtype=np.int64).reshape(-1, 5)
        trade_ids = np.array([each[5] for each in trades], dtype=np.object_)
        sets_last = np.array([each[6] for each in trades], dtype=np.bool_)
        told_prints: list[Any] = [*printed.T.copy(), trade_ids, sets_last]
        prints = TradeColumns(*told_prints)
        return cls(
            symbols=tuple(numbers),
            price_decimals=_lessen([told.bid, told.ask, prints.price]),
            size_decimals=_lessen([told.bid_size, told.ask_size, prints.size]),
            quotes=told,
            trades=prints,
            odd=tuple(odd),
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


def _sides(tick: QuoteTick) -> tuple[int, int, int, int]:
    bid = NOBODY if tick.bid is None else _whole(tick.bid)
    ask = NOBODY if tick.ask is None else _whole(tick.ask)
    return bid, _whole(tick.bid_size), ask, _whole(tick.ask_size)


# Prices and sizes come again and again, and are found in a fourth of the time that they take.
@lru_cache(maxsize=2**16)
def _whole(amount: Decimal) -> int:
    """Return `amount` in billionths. Raises ArithmeticError or ValueError where it has no place."""
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
