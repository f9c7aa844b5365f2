"""Trades that are told late: what a feed has missed, and asked for when it was back.

They are history. They repair bars, time and sales and the figures of the day; they are never a
last price, and nothing is triggered by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction

from foundation import bulk, wakeups
from marketdata import calendars, rollups, services, store
from marketdata.batches import screening
from marketdata.cleaning import sources
from marketdata.cleaning.rules import CLOCK_SLACK, Known, Reason, Suspect
from marketdata.history import recording
from marketdata.models import Bar, Quote
from marketdata.ticks import TradeTick

LATE_MAX: Final = timedelta(days=2)
"""What is told later still is no trade that anybody missed: bars of it can be imported."""

Key = tuple[datetime, str, Decimal, Decimal]

_HELD: Final = """
    SELECT trade.at, trade_id, price, size FROM marketdata_tapetrade AS trade
     WHERE instrument_id = %s AND source = %s AND trade.at BETWEEN %s AND %s
"""
_BEFORE: Final = """
    SELECT price FROM marketdata_tapetrade AS trade
     WHERE instrument_id = %s AND source = %s AND sets_last AND trade.at < %s
     ORDER BY trade.at DESC, number DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of late trades: booked, held already, kept aside."""

    booked: int
    held: int
    kept_aside: int


def accept(trades: Sequence[TradeTick], *, source: str, now: datetime) -> Taken:
    """Book trades that `source` tells late, in any order: each once, however often it is told.

    One is the same as another when their times, numbers, prices and sizes are. What is told in
    one call is judged like a past that is played back, from the price before it on.
    """
    with transaction.atomic():
        store.take_turn()
        quotes = services.standing({trade.symbol for trade in trades}, now=now)
        told, quotes, suspects = sources.separated(trades, quotes, source=source)
        believed: list[TradeTick] = []
        held = 0
        for symbol, found in _by_symbol(told).items():
            if symbol not in quotes:
                suspects += [Suspect(trade, Reason.UNKNOWN_SYMBOL) for trade in found]
                continue
            new = _not_held(found, quotes[symbol], source=source)
            held += len(found) - len(new)
            sound, doubtful = _cleaned(new, quotes[symbol], source=source, now=now)
            believed += sound
            suspects += doubtful
        _turn_days(quotes.values(), source=source, now=now)
        _book(believed, quotes, source=source)
        store.keep_aside(suspects, source=source, day=calendars.date_of(now), now=now)
    return Taken(len(believed), held, len(suspects))


def _by_symbol(told: Iterable[TradeTick]) -> dict[str, list[TradeTick]]:
    """Return the trades of each symbol by their time; of one moment as they were told."""
    found: dict[str, list[TradeTick]] = {}
    for trade in sorted(told, key=lambda each: each.at):
        found.setdefault(trade.symbol, []).append(trade)
    return found


def _key(trade: TradeTick) -> Key:
    return trade.at, trade.trade_id, trade.price, trade.size


def _not_held(trades: Sequence[TradeTick], quote: Quote, *, source: str) -> list[TradeTick]:
    span = [trades[0].at, trades[-1].at]
    rows = bulk.execute(_HELD, [quote.instrument_id, source, *span])
    seen: set[Key] = {(at, trade_id, price, size) for at, trade_id, price, size in rows}
    new: list[TradeTick] = []
    for trade in trades:
        if _key(trade) not in seen:
            seen.add(_key(trade))
            new.append(trade)
    return new


def _cleaned(
    trades: Sequence[TradeTick], quote: Quote, *, source: str, now: datetime
) -> tuple[list[TradeTick], list[Suspect]]:
    if not trades:
        return [], []
    past = [trade for trade in trades if now - LATE_MAX <= trade.at <= now + CLOCK_SLACK]
    beyond = [
        Suspect(trade, Reason.FUTURE if trade.at > now else Reason.STALE)
        for trade in trades
        if not now - LATE_MAX <= trade.at <= now + CLOCK_SLACK
    ]
    if not past:
        return [], beyond
    before = bulk.execute(_BEFORE, [quote.instrument_id, source, past[0].at])
    known = Known(
        asset_class=quote.instrument.asset_class,
        increment=quote.instrument.price_increment,
        source=source,
        price=before[0][0] if before else None,
    )
    symbol = quote.instrument.symbol
    cleaned = screening.clean_ticks(ticks=past, known={symbol: known}, source=source, now=None)
    sound = [tick for tick in cleaned.believed if isinstance(tick, TradeTick)]
    return sound, [*beyond, *cleaned.suspects]


def _book(trades: Sequence[TradeTick], quotes: Mapping[str, Quote], *, source: str) -> None:
    if not trades:
        return
    recording.record(trades, standing=quotes, source=source)
    by_symbol = _by_symbol(trades)
    parts = (
        (quotes[symbol].instrument_id, part)
        for symbol, found in by_symbol.items()
        for part in rollups.parts(found)
    )
    store.add_bars(parts, source=source)
    wakeups.send(wakeups.Channel.BARS)
    repaired = [
        quotes[symbol]
        for symbol, found in by_symbol.items()
        if quotes[symbol].source == source and _repair_day(quotes[symbol], found)
    ]
    if repaired:
        store.write_quotes(repaired, news={quote.instrument_id for quote in repaired})
        wakeups.send(wakeups.Channel.QUOTES)


def _turn_days(quotes: Iterable[Quote], *, source: str, now: datetime) -> None:
    """Begin the day of quotes that nothing was told of yet today: what is late may be of it."""
    today = calendars.date_of(now)
    for quote in quotes:
        if quote.source == source and today > quote.day:
            services.turn_day(quote, day=today)


def _repair_day(quote: Quote, trades: Iterable[TradeTick]) -> bool:
    """Bring the figures of the quote's day in line with its bar; tell whether any is of that day.

    The bar knows which trade was indeed the first.
    """
    missed = [trade for trade in trades if calendars.date_of(trade.at) == quote.day]
    if not missed:
        return False
    quote.day_volume += sum((trade.size for trade in missed), Decimal(0))
    prices = [trade.price for trade in missed if trade.sets_last]
    if prices:
        quote.day_high = max(filter(None, [*prices, quote.day_high]))
        quote.day_low = min(filter(None, [*prices, quote.day_low]))
        day = Bar.objects.get(
            instrument_id=quote.instrument_id,
            timeframe=Bar.Timeframe.DAY,
            start=calendars.midnight(quote.day),
        )
        quote.day_open = day.open
    return True
