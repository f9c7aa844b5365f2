"""What goes over a browser's socket, as JSON text. Pure; `docs/market-data.md` has examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson

from foundation import decimals
from trading.api import wire

if TYPE_CHECKING:
    from uuid import UUID

    from accounts.models import Activity
    from marketdata.models import Quote
    from trading.streams.faces import Difference
    from trading.streams.ladders import ShownBook, Sides

_PERCENT_QUANTUM: Final = Decimal("0.01")


def hello(*, account_id: UUID | None, sequence: int) -> str:
    return _text(
        {
            "type": "hello",
            "account_id": None if account_id is None else str(account_id),
            "sequence": sequence,
        }
    )


def error(*, code: str, message: str) -> str:
    return _text({"type": "error", "code": code, "message": message})


def quote(quote: Quote, *, symbol: str, is_stale: bool) -> str:
    """Return one instrument's entry of a quotes frame: made once, shared by every socket."""
    change = _difference(quote.last, quote.previous_close)
    return _text(
        {
            "symbol": symbol,
            "bid": _number(quote.bid),
            "bid_size": _number(quote.bid_size),
            "ask": _number(quote.ask),
            "ask_size": _number(quote.ask_size),
            "last": _number(quote.last),
            "last_size": _number(quote.last_size),
            "change": _number(change),
            "change_percent": _percent(change, quote.previous_close),
            "day_high": _number(quote.day_high),
            "day_low": _number(quote.day_low),
            "day_volume": _number(quote.day_volume),
            "at": wire.timestamp(quote.at),
            "sequence": quote.sequence,
            "stale": is_stale,
            "source": quote.source,
        }
    )


def quotes(entries: Iterable[str]) -> str:
    """Return the frame that carries these entries (see `quote`)."""
    return f'{{"type":"quotes","quotes":[{",".join(entries)}]}}'


def book(book: ShownBook, *, since: int | None, changes: Sides) -> str:
    """Return one book's entry of a depth frame: all of it, or what changed from `since` on."""
    bids, asks = changes
    return _text(
        {
            "symbol": book.symbol,
            "sequence": book.sequence,
            "since": since,
            "at": wire.timestamp(book.depth.at),
            "bids": list(bids.items()),
            "asks": list(asks.items()),
        }
    )


def depth(entries: Iterable[str]) -> str:
    """Return the frame that carries these entries (see `book`)."""
    return f'{{"type":"depth","books":[{",".join(entries)}]}}'


def activity(events: Sequence[Activity]) -> str:
    return _text(
        {
            "type": "activity",
            "events": [
                {
                    "sequence": event.sequence,
                    "kind": event.kind,
                    "at": wire.timestamp(event.at),
                    "payload": event.payload,
                }
                for event in events
            ],
        }
    )


def portfolio(difference: Difference) -> str:
    """Return what changed of the account's worth, all of it where `since` is null."""
    return _text(
        {
            "type": "portfolio",
            "stream": difference.stream,
            "since": difference.since,
            "sequence": difference.sequence,
            "account": difference.account,
            "positions": difference.positions,
            "closed": difference.closed,
        }
    )


def _text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()


def _number(value: Decimal | None) -> str | None:
    return None if value is None else decimals.text(value)


def _difference(value: Decimal | None, base: Decimal | None) -> Decimal | None:
    return None if value is None or base is None else value - base


def _percent(part: Decimal | None, whole: Decimal | None) -> str | None:
    if part is None or not whole:
        return None
    share = (100 * part / whole).quantize(_PERCENT_QUANTUM, rounding=ROUND_HALF_EVEN)
    return decimals.text(share)
