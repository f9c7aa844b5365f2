"""Prices in: from what a feed says to quotes and bars that everybody reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from foundation import bulk, wakeups
from marketdata import calendars, rollups, store
from marketdata.batches import ingest
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import memory, sources
from marketdata.cleaning.rules import Known, Reason, Suspect
from marketdata.history import recording
from marketdata.models import Bar, Instrument, Quote
from marketdata.outcomes import Outcome
from marketdata.rollups import Part
from marketdata.ticks import Point, QuoteTick, TradeTick


def accept(told: TickColumns, *, source: str, now: datetime) -> None:
    """Book what the feed `source` has told, in its order, at `now`: all of it or nothing.

    What cleaning does not believe is kept aside and counted, and so is what is told of
    instruments whose prices another source tells. The latest quote of each
    instrument wins; every trade counts in the last price, the day's figures and the bars. Trades
    and changes of quotes are kept as they came.
    Quotes that changed get new sequence numbers; one that is told again unchanged is only
    confirmed (`received_at`). The same trades told twice count once.
    """
    if not len(told):
        return
    with transaction.atomic():
        store.take_turn()
        quotes = standing(told.names, now=now)
        refused, told = told.parted(sources.others(quotes, source=source))
        names = told.names
        quotes = {symbol: quote for symbol, quote in quotes.items() if symbol in names}
        known = {symbol: _known(quote) for symbol, quote in quotes.items()}
        ingested = ingest.ingest(told, known=known, source=source, now=now)
        outcome = ingested.outcome
        learned = {quote.instrument_id: ingested.known[name] for name, quote in quotes.items()}
        transaction.on_commit(lambda: memory.keep(learned))
        recording.record(ingested.believed, standing=quotes, source=source)
        news = _apply(outcome, quotes=quotes, source=source, now=now)
        for symbol, quote in quotes.items():
            quote.doubted = ingested.known[symbol].doubted
            quote.doubts = ingested.known[symbol].doubts
        store.write_paths(_paths(outcome, quotes), source=source)
        store.write_quotes(
            [quote for quote in quotes.values() if quote.instrument_id in news or quote.sequence],
            news=news,
        )
        parts = (
            (quotes[symbol].instrument_id, part)
            for symbol, found in outcome.parts.items()
            for part in found
        )
        store.add_bars(parts, source=source)
        suspects = [Suspect(tick, Reason.OTHER_SOURCE) for tick in refused.ticks()]
        suspects += ingested.suspects
        store.keep_aside(suspects, source=source, day=calendars.date_of(now), now=now)
        if news:
            wakeups.send(wakeups.Channel.QUOTES)


def standing(symbols: set[str], *, now: datetime) -> dict[str, Quote]:
    """Return the quote of each of our `symbols` as it stands; a new one (sequence 0) if none."""
    instruments = bulk.select(Instrument, "symbol = ANY(%s)", [list(symbols)])
    ids = [instrument.pk for instrument in instruments]
    known = {
        each.instrument_id: each for each in bulk.select(Quote, "instrument_id = ANY(%s)", [ids])
    }
    quotes = {}
    for instrument in instruments:
        quotes[instrument.symbol] = quote = known.get(instrument.pk) or Quote(
            instrument=instrument, sequence=0, source="", at=now, received_at=now
        )
        bulk.relate(quote, "instrument", instrument)
    return quotes


def _known(quote: Quote) -> Known:
    is_two_sided = quote.bid is not None and quote.ask is not None
    known = Known(
        asset_class=quote.instrument.asset_class,
        increment=quote.instrument.price_increment,
        source=quote.source or None,
        price=(quote.bid + quote.ask) / 2 if is_two_sided else quote.last,
        quote_at=quote.at if quote.source else None,
        trade_at=quote.last_at,
        trade_id=quote.last_trade_id,
        doubted=quote.doubted,
        doubts=quote.doubts,
    )
    return memory.recall(quote.instrument_id, known)


def _apply(
    outcome: Outcome, *, quotes: Mapping[str, Quote], source: str, now: datetime
) -> set[UUID]:
    """Bring `quotes` up to date with `outcome`; return the instruments of which there is news."""
    news: set[UUID] = set()
    for symbol in outcome.quotes.keys() | outcome.printed.keys():
        quote = quotes[symbol]
        if quote.source != source:
            _change_source(quote, source=source, now=now)
            news.add(quote.instrument_id)
        if calendars.date_of(now) > quote.day:
            turn_day(quote, day=calendars.date_of(now))
            news.add(quote.instrument_id)
        if symbol in outcome.quotes and _set_sides(quote, outcome.quotes[symbol], now=now):
            news.add(quote.instrument_id)
        if symbol in outcome.printed:
            quote.last_trade_id = outcome.printed[symbol].trade_id
            count_in_day(quote, outcome.parts[symbol])
            news.add(quote.instrument_id)
        if symbol in outcome.lasts:
            _set_last(quote, outcome.lasts[symbol])
    return news


def _change_source(quote: Quote, *, source: str, now: datetime) -> None:
    """Forget what another source has said; the last close is the one that `source` told, if any."""
    day = calendars.date_of(now)
    before = (
        Bar.objects.filter(
            instrument_id=quote.instrument_id,
            timeframe=Bar.Timeframe.DAY,
            source=source,
            start__lt=calendars.midnight(day),
            close__isnull=False,
        )
        .order_by("-start")
        .first()
    )
    quote.source = source
    quote.bid = quote.ask = quote.last = quote.last_at = None
    quote.bid_size = quote.ask_size = quote.last_size = Decimal(0)
    quote.last_trade_id = ""
    _begin_day(quote, day=day, previous_close=before.close if before else None)


def turn_day(quote: Quote, *, day: date) -> None:
    """Begin the quote's next day, after the last price that it has."""
    _begin_day(quote, day=day, previous_close=quote.last or quote.previous_close)


def _begin_day(quote: Quote, *, day: date, previous_close: Decimal | None) -> None:
    quote.day = day
    quote.day_open = quote.day_high = quote.day_low = None
    quote.day_volume = Decimal(0)
    quote.previous_close = previous_close


def _set_sides(quote: Quote, tick: QuoteTick, *, now: datetime) -> bool:
    """Set both sides of the market; tell whether they are news or were only confirmed."""
    sides = (tick.bid, tick.bid_size, tick.ask, tick.ask_size)
    is_news = sides != (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
    quote.bid, quote.bid_size, quote.ask, quote.ask_size = sides
    quote.at = tick.at
    quote.received_at = now
    return is_news


def count_in_day(quote: Quote, parts: Iterable[Part]) -> bool:
    """Count trades, as `parts` of bars, in the figures of the quote's day; tell if any is of it."""
    midnight = calendars.midnight(quote.day)
    bars = [
        part.bar for part in parts if part.timeframe == rollups.DAY and part.bar.start == midnight
    ]
    for bar in bars:
        quote.day_volume += bar.volume
        if bar.open is not None and bar.high is not None and bar.low is not None:
            quote.day_open = bar.open if quote.day_open is None else quote.day_open
            quote.day_high = max(bar.high, quote.day_high or bar.high)
            quote.day_low = min(bar.low, quote.day_low or bar.low)
    return bool(bars)


def _set_last(quote: Quote, trade: TradeTick) -> None:
    # With its own time: a stop must not take an old price for what an odd print has made new.
    quote.last, quote.last_size, quote.last_at = trade.price, trade.size, trade.at


def _paths(outcome: Outcome, quotes: Mapping[str, Quote]) -> list[tuple[UUID, int, list[Point]]]:
    """Number the way of each last price (instrument, number, points)."""
    paths = []
    for symbol, points in outcome.paths.items():
        quote = quotes[symbol]
        quote.paths += 1
        paths.append((quote.instrument_id, quote.paths, points))
    return paths


@transaction.atomic
def note_action(instrument: Instrument, note: str, *, now: datetime) -> datetime:
    """Note something that was done about the instrument in its history, once; return when.

    `note` names it: at most 100 characters, different from every other.
    """
    Instrument.objects.select_for_update(no_key=True).get(pk=instrument.pk)
    history = Instrument.history.filter(id=instrument.pk, history_change_reason=note)
    earlier: datetime | None = history.values_list("history_date", flat=True).first()
    if earlier is not None:
        return earlier
    Instrument.history.bulk_history_create(
        [instrument], update=True, default_change_reason=note, default_date=now
    )
    return now
