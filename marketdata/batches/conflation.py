"""What remains of a batch: what `ticks.conflate` and `ticks.path` say, of columns and at once.

Pure and exact; the rows of one symbol stand together, in order, as `screening` leaves them.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from marketdata import ticks
from marketdata.batches.columns import Ints, TickColumns, moment
from marketdata.ticks import Point, QuoteTick


def latest_quotes(columns: TickColumns) -> dict[str, QuoteTick]:
    """Return the latest quote of each symbol: the only one that is the last word."""
    symbol = columns.quotes.symbol
    last = np.flatnonzero(np.diff(symbol, append=-1))
    return {columns.symbols[symbol[row]]: columns.quote(row) for row in last.tolist()}


def paths(columns: TickColumns) -> dict[str, list[Point]]:
    """Return by symbol where the last price began, turned and ended."""
    trades = columns.trades.taken(columns.trades.sets_last)
    if not len(trades):
        return {}
    symbol, price = trades.symbol, trades.price
    first = np.flatnonzero(np.diff(symbol, prepend=-1))
    last = np.append(first[1:], len(symbol)) - 1
    rows = np.unique(np.concatenate([first, _turns(symbol, price), last]))
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
