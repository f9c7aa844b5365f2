"""The lists of what the customer watches, by id or by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import watchlists
from accounts.models import Watchlist
from marketdata import selectors as marketdata
from risk.margin import rates as margin_rates
from trading.api import errors, queries, wire
from trading.api.scopes import reads, trades
from trading.api.views.base import Call, fields, instrument_named, instruments_called


class Watchlists(Call):
    """The customer's watchlists, in the order in which they were made."""

    @reads
    def get(self, request: Request) -> Response:
        return Response([wire.watchlist(each) for each in watchlists.of(self.origin.account_id)])

    @trades
    def post(self, request: Request) -> Response:
        """Make a list."""
        name, symbols = _said(self, request)
        if name is None:
            raise errors.invalid("name is needed: what the watchlist is called.")
        with _failures():
            made = watchlists.create(
                account_id=self.origin.account_id,
                name=name,
                symbols=symbols or (),
                now=self.origin.received_at,
            )
        return _shown(made)


class WatchlistOf(Call):
    """One watchlist, by its id, with the assets under its symbols."""

    known: ClassVar[tuple[str, ...]] = ()

    def named(self, request: Request, watchlist_id: str) -> Watchlist:
        """Return the list that a call names. Raises UnknownWatchlist."""
        found = queries.as_uuid(watchlist_id)
        if found is None:
            raise watchlists.UnknownWatchlist
        return watchlists.listed(self.origin.account_id, found)

    @reads
    def get(self, request: Request, watchlist_id: str = "") -> Response:
        with _failures():
            return _shown(self.named(request, watchlist_id))

    @trades
    def put(self, request: Request, watchlist_id: str = "") -> Response:
        """Give it another name, other symbols or both."""
        with _failures():
            found = self.named(request, watchlist_id)
            name, symbols = _said(self, request)
            if name is None and symbols is None:
                raise errors.invalid("name or symbols is needed: what is to be changed.")
            changed = watchlists.change(
                account_id=self.origin.account_id,
                list_id=found.pk,
                name=name,
                symbols=symbols,
                now=self.origin.received_at,
            )
        return _shown(changed)

    @trades
    def post(self, request: Request, watchlist_id: str = "") -> Response:
        """Watch another symbol, behind the others."""
        with _failures():
            found = self.named(request, watchlist_id)
            symbol = fields(request, {"symbol"}, refuses_unknown=self.refuses_unknown).get("symbol")
            if not isinstance(symbol, str) or not symbol.strip():
                raise errors.invalid("symbol is needed: what is to be watched.")
            [known] = _known([symbol])
            added = watchlists.add(
                account_id=self.origin.account_id,
                list_id=found.pk,
                symbol=known,
                now=self.origin.received_at,
            )
        return _shown(added)

    @trades
    def delete(self, request: Request, watchlist_id: str = "") -> Response:
        self.take_only(request, *self.known)
        with _failures():
            found = self.named(request, watchlist_id)
            watchlists.delete(account_id=self.origin.account_id, list_id=found.pk)
        return Response(status=204)


class WatchlistByName(WatchlistOf):
    """One watchlist, by its name, with the assets under its symbols."""

    known = ("name",)

    def named(self, request: Request, watchlist_id: str) -> Watchlist:
        name = queries.text(request.query_params, "name")
        if name is None:
            raise errors.invalid("name is needed: what the watchlist is called.")
        return watchlists.named(self.origin.account_id, name)


class WatchedSymbol(Call):
    """One symbol of a watchlist."""

    @trades
    def delete(self, request: Request, watchlist_id: str, symbol: str) -> Response:
        """Watch it no longer: the answer is the list without it."""
        self.take_only(request)
        list_id, instrument = queries.as_uuid(watchlist_id), instrument_named(symbol)
        with _failures():
            if list_id is None:
                raise watchlists.UnknownWatchlist
            left = watchlists.remove(
                account_id=self.origin.account_id,
                list_id=list_id,
                symbol=symbol.upper() if instrument is None else instrument.symbol,
                now=self.origin.received_at,
            )
        return _shown(left)


@contextmanager
def _failures() -> Iterator[None]:
    """Say as the contract does what cannot be. Raises ApiError."""
    try:
        yield
    except watchlists.UnknownWatchlist:
        raise errors.not_found("The watchlist") from None
    except watchlists.NotWatched:
        raise errors.not_found("The symbol") from None
    except watchlists.UnableToWatch as error:
        raise errors.invalid(str(error), reason=error.code) from None


def _said(call: Call, request: Request) -> tuple[str | None, list[str] | None]:
    """Return the name and the symbols that a body says, None where it says nothing of them."""
    body = fields(request, {"name", "symbols"}, refuses_unknown=call.refuses_unknown)
    name, symbols = body.get("name"), body.get("symbols")
    if name is not None and not isinstance(name, str):
        raise errors.invalid("name must be a text.")
    if symbols is None:
        return name, None
    if not isinstance(symbols, list) or not all(isinstance(each, str) for each in symbols):
        raise errors.invalid("symbols must be a list of symbols.")
    return name, _known(symbols)


def _known(names: list[str]) -> list[str]:
    """Return the symbols of these names, each once, in their order. Raises ApiError."""
    found = instruments_called(names)
    if unknown := [name for name in dict.fromkeys(names) if name not in found]:
        raise errors.invalid(
            f"Not traded here: {', '.join(unknown)[:200]}.", reason="unknown_symbol"
        )
    return list(dict.fromkeys(found[name].symbol for name in names))


def _shown(watchlist: Watchlist) -> Response:
    schedule, known = margin_rates.schedule(), marketdata.instruments(watchlist.symbols)
    found = [known[symbol] for symbol in watchlist.symbols if symbol in known]
    assets = [wire.asset(instrument, schedule.of(instrument)) for instrument in found]
    return Response(wire.watchlist(watchlist, assets=assets))
