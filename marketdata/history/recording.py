"""Ticks onto the disk as they came: COPY, one for trades and one for quotes, however many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection

from marketdata.batches import binary_rows
from marketdata.batches.binary_rows import Amounts, Field
from marketdata.batches.columns import Ints, TickColumns, microseconds
from marketdata.models import Quote
from marketdata.ticks import QuoteTick, TradeTick

COPY_TRADES: Final = (
    "COPY marketdata_tapetrade (instrument_id, at, source, price, size, trade_id, sets_last)"
    " FROM STDIN (FORMAT BINARY)"
)
COPY_QUOTES: Final = (
    "COPY marketdata_tapequote (instrument_id, at, source, bid, bid_size, ask, ask_size)"
    " FROM STDIN (FORMAT BINARY)"
)
_NOBODY: Final = UUID(int=0).bytes  # of a symbol of which nothing is kept
ROWS_AT_ONCE: Final = 5_000
"""So many are sent while the next are made."""


def record(told: TickColumns, *, standing: Mapping[str, Quote], source: str) -> None:
    """Keep the trades and the changes of quotes that `source` has told, in their order.

    `standing` are the quotes as they stood before, by symbol: what only confirms them, or the
    quote before it, is not kept again.
    """
    stood = [standing.get(symbol) for symbol in told.symbols]
    keys = [quote.instrument_id.bytes if quote else _NOBODY for quote in stood]
    _record_trades(told, keys, source)
    _record_quotes(told, keys, source, stood)


def _record_trades(told: TickColumns, keys: Sequence[bytes], source: str) -> None:
    trades = told.trades
    odd = [(place, tick) for place, tick in told.odd if isinstance(tick, TradeTick)]
    ticks = [tick for _, tick in odd]
    place = _with(trades.place, [place for place, _ in odd])
    symbol = _with(trades.symbol, [told.symbols.index(tick.symbol) for tick in ticks])
    at = _with(trades.at, [microseconds(tick.at) for tick in ticks])
    prices = _amounts(trades.price, told.price_decimals, [tick.price for tick in ticks])
    sizes = _amounts(trades.size, told.size_decimals, [tick.size for tick in ticks])
    trade_ids = [*trades.trade_id.tolist(), *(tick.trade_id for tick in ticks)]
    sets_last = _with(trades.sets_last, [tick.sets_last for tick in ticks])

    def fields(rows: Ints) -> list[Field]:
        return [
            binary_rows.chosen(keys, symbol[rows]),
            binary_rows.moments(at[rows]),
            binary_rows.same(len(rows), source.encode()),
            binary_rows.numbers(prices.taken(rows)),
            binary_rows.numbers(sizes.taken(rows)),
            binary_rows.texts([trade_ids[row] for row in rows.tolist()]),
            binary_rows.flags(sets_last[rows]),
        ]

    _copy(COPY_TRADES, np.argsort(place), fields)


def _record_quotes(
    told: TickColumns, keys: Sequence[bytes], source: str, stood: Sequence[Quote | None]
) -> None:
    quotes = told.quotes
    odd = [(place, tick) for place, tick in told.odd if isinstance(tick, QuoteTick)]
    quoted = {*quotes.symbol.tolist(), *(told.symbols.index(tick.symbol) for _, tick in odd)}
    before = [
        (number, quote)
        for number in sorted(quoted)
        if (quote := stood[number]) is not None and quote.source == source
    ]
    # What stood comes first, as if it had been told before all of these, and is not kept.
    also: list[Quote | QuoteTick] = [*(quote for _, quote in before), *(tick for _, tick in odd)]
    place = _with(quotes.place, [-1 for _ in before] + [place for place, _ in odd])
    symbol = _with(
        quotes.symbol,
        [number for number, _ in before] + [told.symbols.index(tick.symbol) for _, tick in odd],
    )
    at = _with(quotes.at, [microseconds(each.at) for each in also])
    sides = [
        _amounts(quotes.bid, told.price_decimals, [each.bid for each in also]),
        _amounts(quotes.bid_size, told.size_decimals, [each.bid_size for each in also]),
        _amounts(quotes.ask, told.price_decimals, [each.ask for each in also]),
        _amounts(quotes.ask_size, told.size_decimals, [each.ask_size for each in also]),
    ]

    def fields(rows: Ints) -> list[Field]:
        return [
            binary_rows.chosen(keys, symbol[rows]),
            binary_rows.moments(at[rows]),
            binary_rows.same(len(rows), source.encode()),
            *(binary_rows.numbers(side.taken(rows)) for side in sides),
        ]

    _copy(COPY_QUOTES, _news(place, symbol, sides), fields)


def _news(place: Ints, symbol: Ints, sides: Sequence[Amounts]) -> Ints:
    """Return the rows that say something else than the row of their symbol before them."""
    order = np.lexsort((place, symbol))
    is_other = np.diff(symbol[order], prepend=-1) != 0
    for amounts in sides:
        for numbers in amounts:
            is_other[1:] |= np.diff(numbers[order]) != 0
    rows = order[is_other & (place[order] >= 0)]
    in_order: Ints = rows[np.argsort(place[rows])]
    return in_order


def _copy(statement: str, rows: Ints, fields: Callable[[Ints], list[Field]]) -> None:
    """Copy `rows`, of which `fields` makes the fields, a piece at a time."""
    if not len(rows):
        return
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(binary_rows.HEADER)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            copy.write(binary_rows.rows(fields(rows[first : first + ROWS_AT_ONCE])))
        copy.write(binary_rows.TRAILER)


def _with(column: Any, more: Sequence[Any]) -> Any:
    return np.concatenate([column, np.array(more, dtype=column.dtype)]) if more else column


def _amounts(column: Ints, decimals: int, more: Sequence[Decimal | None]) -> Amounts:
    known = Amounts.of_column(column, decimals=decimals)
    other = Amounts.of_decimals(more)
    return Amounts(
        np.concatenate([known.whole, other.whole]),
        np.concatenate([known.billionths, other.billionths]),
    )
