"""What a batch comes to: what `outcomes.of_ticks` says, of columns and at once.

Pure and exact; the rows of one symbol stand together, in order, as `screening` leaves them.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from marketdata import outcomes, ticks
from marketdata.batches import rolling
from marketdata.batches.columns import Ints, TickColumns, moment
from marketdata.outcomes import Outcome
from marketdata.ticks import Point, QuoteTick, TradeTick


def outcome(believed: TickColumns) -> Outcome:
    """Return what `believed` come to; tick by tick where one of them fits into no column."""
    if believed.odd:
        return outcomes.of_ticks(believed.ticks())
    printed = np.arange(len(believed.trades))
    return Outcome(
        quotes=_latest_quotes(believed),
        printed=_latest_trades(believed, printed),
        lasts=_latest_trades(believed, printed[believed.trades.sets_last]),
        paths=_paths(believed),
        parts=rolling.parts(believed),
    )


def _latest_quotes(columns: TickColumns) -> dict[str, QuoteTick]:
    quotes = map(columns.quote, _ends(columns.quotes.symbol).tolist())
    return {quote.symbol: quote for quote in quotes}


def _latest_trades(columns: TickColumns, rows: Ints) -> dict[str, TradeTick]:
    """Return by symbol the last of the trades in `rows`."""
    trades = map(columns.trade, rows[_ends(columns.trades.symbol[rows])].tolist())
    return {trade.symbol: trade for trade in trades}


def _ends(symbol: Ints) -> Ints:
    """Return the last row of each symbol."""
    return np.flatnonzero(np.diff(symbol, append=-1))


def _paths(columns: TickColumns) -> dict[str, list[Point]]:
    """Return by symbol where the last price began, turned and ended."""
    trades = columns.trades.taken(columns.trades.sets_last)
    if not len(trades):
        return {}
    symbol, price = trades.symbol, trades.price
    first = np.flatnonzero(np.diff(symbol, prepend=-1))
    rows = np.unique(np.concatenate([first, _turns(symbol, price), _ends(symbol)]))
    found: dict[str, list[Point]] = {columns.symbols[symbol[row]]: [] for row in first.tolist()}
    for row in rows.tolist():
        point = Point(
            Decimal(int(price[row])).scaleb(-columns.price_decimals), moment(trades.at[row])
        )
        found[columns.symbols[symbol[row]]].append(point)
    return {name: ticks.shortened(points) for name, points in found.items()}


def _turns(symbol: Ints, price: Ints) -> Ints:
    """Return the rows after which the price goes the other way than it had come."""
    way = np.sign(np.diff(price))
    moves = np.flatnonzero((way != 0) & (symbol[1:] == symbol[:-1]))
    turned = (way[moves[1:]] != way[moves[:-1]]) & (symbol[moves[1:]] == symbol[moves[:-1]])
    rows: Ints = moves[1:][turned]
    return rows
