"""The shapes of market data in the compatible API: numbers under short names."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from trading.api.wire import Json, number, timestamp

if TYPE_CHECKING:
    from marketdata.bars import Bar
    from marketdata.models import Instrument, Quote

_TAPES: Final = {"NYSE": "A", "NASDAQ": "C"}


def quote(quote: Quote, *, instrument: Instrument) -> Json:
    """Return the best bid and offer; a side without orders has price and size 0."""
    shown: Json = {
        "t": timestamp(quote.at),
        "bp": number(quote.bid),
        "bs": number(quote.bid_size),
        "ap": number(quote.ask),
        "as": number(quote.ask_size),
    }
    if instrument.asset_class != "crypto":
        shown |= {"bx": "", "ax": "", "c": ["R"], "z": _TAPES.get(instrument.exchange, "B")}
    return shown


def last_trade(quote: Quote, *, instrument: Instrument) -> Json | None:
    """Return the last trade, or None before the first.

    Its number `i` is the market's own where that is a number, else its time in microseconds.
    """
    if quote.last is None or quote.last_at is None:
        return None
    own = quote.last_trade_id
    is_number = own.isascii() and own.isdigit() and len(own) <= 18
    at_microsecond = int(quote.last_at.timestamp()) * 1_000_000 + quote.last_at.microsecond
    shown: Json = {
        "t": timestamp(quote.last_at),
        "p": number(quote.last),
        "s": number(quote.last_size),
        "i": int(own) if is_number else at_microsecond,
    }
    if instrument.asset_class == "crypto":
        return shown | {"tks": "-"}
    return shown | {"x": "", "c": ["@"], "z": _TAPES.get(instrument.exchange, "B")}


def bar(bar: Bar) -> Json:
    return {
        "t": bar.start.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "o": number(bar.open),
        "h": number(bar.high),
        "l": number(bar.low),
        "c": number(bar.close),
        "v": number(bar.volume),
        "n": bar.trades,
        "vw": round(number(bar.average), 6),
    }
