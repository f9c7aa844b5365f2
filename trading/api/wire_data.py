"""The shapes of market data in the compatible API: numbers under short names."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from trading.api.wire import Json, number, timestamp

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from marketdata.bars import Bar
    from marketdata.history.records import Print, Sides
    from marketdata.models import Instrument, Quote

OUT_OF_SEQUENCE: Final = "Z"
"""The tape's own condition nearest to a print that counts as volume and sets no price."""

_TAPES: Final = {"NYSE": "A", "NASDAQ": "C"}


def quote(quote: Quote | Sides, *, instrument: Instrument) -> Json:
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
    return _trade(
        quote.last_at,
        quote.last,
        quote.last_size,
        quote.last_trade_id,
        condition="@",
        instrument=instrument,
    )


def trade(told: Print, *, instrument: Instrument) -> Json:
    """Return a trade of time and sales."""
    condition = "@" if told.sets_last else OUT_OF_SEQUENCE
    return _trade(
        told.at, told.price, told.size, told.trade_id, condition=condition, instrument=instrument
    )


def _trade(
    at: datetime,
    price: Decimal,
    size: Decimal,
    trade_id: str,
    *,
    condition: str,
    instrument: Instrument,
) -> Json:
    is_number = trade_id.isascii() and trade_id.isdigit() and len(trade_id) <= 18
    at_microsecond = int(at.timestamp()) * 1_000_000 + at.microsecond
    shown: Json = {
        "t": timestamp(at),
        "p": number(price),
        "s": number(size),
        "i": int(trade_id) if is_number else at_microsecond,
    }
    if instrument.asset_class == "crypto":
        return shown | {"tks": "-"}
    return shown | {"x": "", "c": [condition], "z": _TAPES.get(instrument.exchange, "B")}


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


# The codes that each tape has for these: the consolidated tape's plan, and NASDAQ's.
_HALTED: Final = {"A": "2", "B": "2", "C": "H"}
_RESUMED: Final = {"A": "3", "B": "3", "C": "T"}


def status(*, is_halted: bool, instrument: Instrument) -> Json:
    """Return that the instrument is halted, or traded again; nobody is told why."""
    tape = _TAPES.get(instrument.exchange, "B")
    return {
        "sc": (_HALTED if is_halted else _RESUMED)[tape],
        "sm": "Trading Halt" if is_halted else "Trading Resumption",
        "rc": "",
        "rm": "",
        "z": tape,
    }
