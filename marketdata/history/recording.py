"""Ticks onto the disk as they came: COPY, one for trades and one for quotes, however many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
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


LINES_AT_ONCE: Final = 1_000
"""So many are sent while the next are made."""


def record(told: Sequence[Tick], *, standing: Mapping[str, Quote], source: str) -> None:
    """Keep the trades and the changes of quotes that `source` has told, in their order.

    `standing` are the quotes as they stood before, by symbol: what only confirms them, or the
    quote before it, is not kept again.
    """
    _copy(COPY_TRADES, trade_lines(told, standing=standing, source=source))
    _copy(COPY_QUOTES, quote_lines(told, standing=standing, source=source))


def _copy(statement: str, lines: Iterator[str]) -> None:
    piece = list(islice(lines, LINES_AT_ONCE))
    if not piece:
        return
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while piece:
            copy.write("".join(piece))
            piece = list(islice(lines, LINES_AT_ONCE))


def trade_lines(
    told: Iterable[Tick], *, standing: Mapping[str, Quote], source: str
) -> Iterator[str]:
    """Yield the trades as lines of COPY's text."""
    keys = {symbol: str(quote.instrument_id) for symbol, quote in standing.items()}
    for tick in told:
        if isinstance(tick, TradeTick):
            trade_id = tick.trade_id.translate(_ESCAPED)
            yield (
                f"{keys[tick.symbol]}\t{tick.at.isoformat()}\t{source}\t{tick.price}\t"
                f"{tick.size}\t{trade_id}\t{tick.sets_last}\n"
            )


def quote_lines(
    told: Iterable[Tick], *, standing: Mapping[str, Quote], source: str
) -> Iterator[str]:
    """Yield the quotes that are news as lines of COPY's text."""
    keys = {symbol: str(quote.instrument_id) for symbol, quote in standing.items()}
    sides: dict[str, tuple[Decimal | None, ...]] = {
        symbol: (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
        for symbol, quote in standing.items()
        if quote.source == source
    }
    for tick in told:
        if isinstance(tick, TradeTick):
            continue
        said = (tick.bid, tick.bid_size, tick.ask, tick.ask_size)
        if sides.get(tick.symbol) == said:
            continue
        sides[tick.symbol] = said
        bid = r"\N" if tick.bid is None else tick.bid
        ask = r"\N" if tick.ask is None else tick.ask
        yield (
            f"{keys[tick.symbol]}\t{tick.at.isoformat()}\t{source}\t{bid}\t{tick.bid_size}\t"
            f"{ask}\t{tick.ask_size}\n"
        )
