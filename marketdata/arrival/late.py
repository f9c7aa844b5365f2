"""Trades that are told late: what a feed has missed, and asked for when it was back.

They are history. They repair bars, time and sales and the figures of the day; they are never a
last price, and nothing is triggered by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction

from foundation import bulk, wakeups
from marketdata import calendars, services, store
from marketdata.batches import ingest
from marketdata.batches.columns import TickColumns
from marketdata.batches.ingest import Ingested
from marketdata.cleaning import sources
from marketdata.cleaning.rules import CLOCK_SLACK, Known, Reason, Suspect
from marketdata.history import recording
from marketdata.models import Bar, Quote
from marketdata.rollups import Part
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
        others = sources.others(quotes, source=source)
        suspects: list[Suspect] = []
        parts: list[tuple[Quote, Sequence[Part]]] = []
        booked = held = 0
        for symbol, found in _by_symbol(trades).items():
            quote = quotes.get(symbol)
            if quote is None or symbol in others:
                reason = Reason.UNKNOWN_SYMBOL if quote is None else Reason.OTHER_SOURCE
                suspects += [Suspect(trade, reason) for trade in found]
                continue
            new = _not_held(found, quote, source=source)
            held += len(found) - len(new)
            past, beyond = _in_reach(new, now=now)
            suspects += beyond
            if past:
                ingested = _ingested(past, quote, source=source)
                suspects += ingested.suspects
                booked += len(ingested.believed)
                recording.record(ingested.believed, standing={symbol: quote}, source=source)
                parts.append((quote, ingested.outcome.parts.get(symbol, ())))
        _repair(parts, source=source, today=calendars.date_of(now))
        store.keep_aside(suspects, source=source, day=calendars.date_of(now), now=now)
    return Taken(booked, held, len(suspects))


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


def _in_reach(
    trades: Sequence[TradeTick], *, now: datetime
) -> tuple[list[TradeTick], list[Suspect]]:
    """Return the trades that may have been missed, and those that are too old or yet to come."""
    past: list[TradeTick] = []
    beyond: list[Suspect] = []
    for trade in trades:
        if trade.at > now + CLOCK_SLACK:
            beyond.append(Suspect(trade, Reason.FUTURE))
        elif trade.at < now - LATE_MAX:
            beyond.append(Suspect(trade, Reason.STALE))
        else:
            past.append(trade)
    return past, beyond


def _ingested(trades: Sequence[TradeTick], quote: Quote, *, source: str) -> Ingested:
    """Judge trades of one instrument, by their time, from the price before them on."""
    before = bulk.execute(_BEFORE, [quote.instrument_id, source, trades[0].at])
    known = Known(
        asset_class=quote.instrument.asset_class,
        increment=quote.instrument.price_increment,
        source=source,
        price=before[0][0] if before else None,
    )
    return ingest.ingest(
        TickColumns.of(trades), known={quote.instrument.symbol: known}, source=source, now=None
    )


def _repair(told: Sequence[tuple[Quote, Sequence[Part]]], *, source: str, today: date) -> None:
    """Add parts of bars to those of the instruments, and to the figures of their day."""
    store.add_bars(
        ((quote.instrument_id, part) for quote, parts in told for part in parts), source=source
    )
    if not any(parts for _, parts in told):
        return
    wakeups.send(wakeups.Channel.BARS)
    repaired = [
        quote for quote, parts in told if _repair_day(quote, parts, source=source, today=today)
    ]
    if repaired:
        store.write_quotes(repaired, news={quote.instrument_id for quote in repaired})
        wakeups.send(wakeups.Channel.QUOTES)


def _repair_day(quote: Quote, parts: Iterable[Part], *, source: str, today: date) -> bool:
    """Bring the figures of the quote's day in line with its bar; tell whether any is of that day.

    The day of a quote of which nothing was told yet today begins. The bar knows which trade was
    indeed the first.
    """
    if quote.source != source:
        return False
    if today > quote.day:
        services.turn_day(quote, day=today)
    if not services.count_in_day(quote, parts):
        return False
    bar = Bar.objects.get(
        instrument_id=quote.instrument_id,
        timeframe=Bar.Timeframe.DAY,
        start=calendars.midnight(quote.day),
    )
    quote.day_open = bar.open
    return True
