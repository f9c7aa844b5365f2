"""Which instrument had a symbol on a day: tickers change, and some are taken over by others."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from marketdata import calendars
from marketdata.models import Instrument


def called(symbols: Collection[str], *, on: date) -> dict[str, Instrument]:
    """Return the instruments that had `symbols` at the end of the day `on` in New York, by these.

    Before anything is known of an instrument it had the symbol that it was listed under, unless
    another was known to have it then.
    """
    until = calendars.midnight(on + timedelta(days=1))
    ever = Instrument.history.filter(symbol__in=symbols).values("id")
    rows = Instrument.history.filter(id__in=ever).order_by("history_date", "history_id")
    known: dict[UUID, str] = {}
    listed: dict[UUID, str] = {}
    for instrument_id, symbol, at in rows.values_list("id", "symbol", "history_date"):
        listed.setdefault(instrument_id, symbol)
        if at < until:
            known[instrument_id] = symbol
    owners = {symbol: each for each, symbol in listed.items() if each not in known}
    owners |= {symbol: each for each, symbol in known.items()}
    found = Instrument.objects.in_bulk([owners[each] for each in symbols if each in owners])
    return {each: found[owners[each]] for each in symbols if owners.get(each) in found}
