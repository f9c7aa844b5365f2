"""What a provider says when it is asked: trades of a while ago, and the latest quotes.

Calls of the compatible API, one after the other on the thread of whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from marketdata.feeds import wire
from marketdata.feeds.providers import Market, Provider
from marketdata.ticks import QuoteTick, TradeTick

SECONDS_MAX: Final = 10.0
RECORDS: Final = 10_000
SYMBOLS_AT_ONCE: Final = 100
_BYTES_MAX: Final = 64 * 2**20
_TRANSIENT: Final = frozenset({408, 425, 429})


class Unavailable(Exception):
    """No answer for now: to ask again is right."""


class NotAnswered(Exception):
    """The provider refuses to answer, or says what nobody understands: asking again is no use."""


def trades(
    provider: Provider, market: Market, symbol: str, *, start: datetime, end: datetime | None
) -> Iterator[list[TradeTick]]:
    """Yield the trades of `symbol` from `start` on, page by page. Raises Unavailable, NotAnswered.

    Until `end`, which is included; None is now.
    """
    query = {"symbols": symbol, "start": start.isoformat(), "limit": str(RECORDS), "sort": "asc"}
    if end is not None:
        query["end"] = end.isoformat()
    token: str | None = None
    while True:
        more = {} if token is None else {"page_token": token}
        answer = _asked(provider, provider.trades_of(market), {**query, **more})
        yield _trades(answer, symbol)
        before, token = token, answer.get("next_page_token")
        if token is None:
            return
        if not isinstance(token, str) or token == before:
            raise NotAnswered("pages that lead nowhere")


def latest_quotes(
    provider: Provider, market: Market, symbols: Collection[str]
) -> Iterator[list[QuoteTick]]:
    """Yield the latest quote of each of `symbols`, some at a time. Raises as `trades` does."""
    wanted = sorted(symbols)
    for first in range(0, len(wanted), SYMBOLS_AT_ONCE):
        named = {"symbols": ",".join(wanted[first : first + SYMBOLS_AT_ONCE])}
        answer = _asked(provider, provider.latest_quotes_of(market), named)
        told = answer.get("quotes")
        if not isinstance(told, dict):
            raise NotAnswered("an answer without quotes")
        try:
            yield [wire.quote_of(symbol, each) for symbol, each in told.items() if symbol in wanted]
        except wire.Unreadable as error:
            raise NotAnswered("a quote that cannot be read") from error


def _trades(answer: Mapping[str, Any], symbol: str) -> list[TradeTick]:
    told = answer.get("trades")
    if told is None:
        return []
    found = told.get(symbol) or [] if isinstance(told, dict) else None
    if not isinstance(found, list):
        raise NotAnswered("an answer without trades")
    try:
        return wire.trades_of(symbol, found)
    except wire.Unreadable as error:
        raise NotAnswered("a trade that cannot be read") from error


class _NoRedirects(HTTPRedirectHandler):
    """Whoever sends us elsewhere does not get our key there."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener: Final = build_opener(_NoRedirects)


def _asked(provider: Provider, address: str, query: Mapping[str, str]) -> dict[str, Any]:
    request = Request(  # noqa: S310  providers.py lets http and https through alone
        f"{address}?{urlencode(query)}",
        headers={
            "APCA-API-KEY-ID": provider.key_id,
            "APCA-API-SECRET-KEY": provider.secret,
            "Accept": "application/json",
        },
    )
    try:
        with _opener.open(request, timeout=SECONDS_MAX) as answer:
            body = answer.read(_BYTES_MAX)
    except HTTPError as error:
        error.close()
        if error.code in _TRANSIENT or error.code >= 500:
            raise Unavailable(f"HTTP {error.code}") from None
        raise NotAnswered(f"HTTP {error.code}") from None
    except (URLError, HTTPException, OSError) as error:
        raise Unavailable(str(error)) from None
    try:
        told = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise NotAnswered("an answer that is no JSON") from error
    if not isinstance(told, dict):
        raise NotAnswered("an answer that is no object")
    return told
