"""Ticks onto the disk as they came: COPY, one for trades and one for quotes, however many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from django.db import connection

from marketdata.models import Quote
from marketdata.ticks import Tick, TradeTick

COPY_TRADES: Final = (
    "COPY marketdata_tapetrade (instrument_id, at, source, price, size, trade_id, sets_last)"
    " FROM STDIN"
)
COPY_QUOTES: Final = (
    "COPY marketdata_tapequote (instrument_id, at, source, bid, bid_size, ask, ask_size) FROM STDIN"
)
# What would end a field or a line of COPY's text.
_ESCAPED: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def record(told: Iterable[Tick], *, standing: Mapping[str, Quote], source: str) -> None:
    """Keep the trades and the changes of quotes that `source` has told, in their order.

    `standing` are the quotes as they stood before, by symbol: what only confirms them, or the
    quote before it, is not kept again.
    """
    trades, quotes = lines(told, standing=standing, source=source)
    if not trades and not quotes:
        return
    with connection.cursor() as cursor:
        for statement, rows in ((COPY_TRADES, trades), (COPY_QUOTES, quotes)):
            if rows:
                with cursor.copy(statement) as copy:
                    copy.write("".join(rows))


def lines(
    told: Iterable[Tick], *, standing: Mapping[str, Quote], source: str
) -> tuple[list[str], list[str]]:
    """Return trades and quotes as lines of COPY's text."""
    trades: list[str] = []
    quotes: list[str] = []
    keys = {symbol: str(quote.instrument_id) for symbol, quote in standing.items()}
    sides: dict[str, tuple[Decimal | None, ...]] = {
        symbol: (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
        for symbol, quote in standing.items()
        if quote.source == source
    }
    for tick in told:
        key, at = keys[tick.symbol], tick.at.isoformat()
        if isinstance(tick, TradeTick):
            trade_id = tick.trade_id.translate(_ESCAPED)
            trades.append(
                f"{key}\t{at}\t{source}\t{tick.price}\t{tick.size}\t{trade_id}\t{tick.sets_last}\n"
            )
            continue
        said = (tick.bid, tick.bid_size, tick.ask, tick.ask_size)
        if sides.get(tick.symbol) == said:
            continue
        sides[tick.symbol] = said
        bid = r"\N" if tick.bid is None else tick.bid
        ask = r"\N" if tick.ask is None else tick.ask
        quotes.append(f"{key}\t{at}\t{source}\t{bid}\t{tick.bid_size}\t{ask}\t{tick.ask_size}\n")
    return trades, quotes
