"""What is traded, at what price, and how old that price is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Max, Q, QuerySet

from foundation import bulk
from marketdata import bars as rules
from marketdata import store
from marketdata.history import adjusting, reading
from marketdata.history.adjusting import Adjustment
from marketdata.history.records import Place, Print, Sides, Span
from marketdata.models import Bar, Depth, Instrument, PricePath, Quote

PARTS_READ_MAX: Final = 100_000  # stored bars that one question may read


def instrument(symbol: str) -> Instrument | None:
    return Instrument.objects.filter(symbol=symbol).first()


def instruments(symbols: Iterable[str]) -> dict[str, Instrument]:
    """Return those of `symbols` that we know, by symbol."""
    return {each.symbol: each for each in Instrument.objects.filter(symbol__in=set(symbols))}


def latest_quote(instrument_id: UUID) -> Quote | None:
    return latest_quotes([instrument_id]).get(instrument_id)


def latest_quotes(instrument_ids: Iterable[UUID]) -> dict[UUID, Quote]:
    """Return the latest quote of each instrument that has one; `is_stale` tells its age."""
    quotes = Quote.objects.filter(instrument_id__in=set(instrument_ids))
    return {quote.instrument_id: quote for quote in quotes}


def quotes_since(sequence: int, *, limit: int = 10_000) -> list[Quote]:
    """Return the quotes that changed after `sequence`, in that order, with their instruments."""
    quotes = bulk.select(Quote, "sequence > %s ORDER BY sequence LIMIT %s", [sequence, limit])
    if quotes:
        ids = [quote.instrument_id for quote in quotes]
        instruments = {each.pk: each for each in bulk.select(Instrument, "id = ANY(%s)", [ids])}
        for quote in quotes:
            bulk.relate(quote, "instrument", instruments[quote.instrument_id])
    return quotes


def quotes_from_outside() -> list[Quote]:
    """Return the quotes of all instruments whose source is a feed, as far as it has told them."""
    return list(
        Quote.objects.exclude(instrument__source="")
        .filter(source=F("instrument__source"))
        .select_related("instrument")
    )


def price_paths(
    wanted: Sequence[tuple[UUID, int, int]],
) -> dict[UUID, list[PricePath]]:
    """Return the kept paths of each instrument after one number and up to another, in order.

    `wanted` are instruments with both numbers. Their `points` are values (`ticks.Point`).
    """
    found: dict[UUID, list[PricePath]] = {}
    if not wanted:
        return found
    rows = bulk.select(PricePath, _WANTED_PATHS, [list(each) for each in zip(*wanted, strict=True)])
    for path in rows:
        path.points = [store.point(each) for each in path.points]
        found.setdefault(path.instrument_id, []).append(path)
    return found


_WANTED_PATHS: Final = """id IN (
    SELECT path.id FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS wanted(id, after, until)
      JOIN marketdata_pricepath path ON path.instrument_id = wanted.id
       AND path.number > wanted.after AND path.number <= wanted.until
    ) ORDER BY number"""


def stale_instruments(*, now: datetime) -> set[UUID]:
    """Return the instruments whose quotes have not been confirmed for too long."""
    oldest = now - timedelta(seconds=settings.QUOTE_AGE_SECONDS_MAX)
    rows = bulk.execute(
        "SELECT instrument_id FROM marketdata_quote WHERE received_at < %s", [oldest]
    )
    return {instrument_id for (instrument_id,) in rows}


class Freshness(NamedTuple):
    """How fresh the prices are that a source tells: the newest, how many, how many too old."""

    source: str
    newest_at: datetime
    quoted: int
    stale: int


def freshness(*, now: datetime) -> list[Freshness]:
    """Return how fresh the prices of each source are, by its name."""
    oldest = now - timedelta(seconds=settings.QUOTE_AGE_SECONDS_MAX)
    rows = (
        Quote.objects.values_list("source")
        .annotate(
            newest=Max("received_at"),
            quoted=Count("pk"),
            stale=Count("pk", filter=Q(received_at__lt=oldest)),
        )
        .order_by("source")
    )
    return [Freshness(*row) for row in rows]


class Standing(NamedTuple):
    """What an instrument is called today, and whether it may be traded."""

    symbol: str
    is_tradable: bool
    is_halted: bool
    is_closing_only: bool


def standings() -> dict[UUID, Standing]:
    """Return how each instrument stands."""
    columns = ("id", "symbol", "tradable", "halted", "closing_only")
    rows = Instrument.objects.order_by().values_list(*columns)
    return {instrument_id: Standing(*rest) for instrument_id, *rest in rows.iterator()}


def trades(
    instrument: Instrument,
    *,
    start: datetime,
    end: datetime,
    limit: int = 1000,
    is_ascending: bool = True,
    after: Place | None = None,
) -> list[Print]:
    """Return time and sales from `start` to `end` (both included), at most `limit`.

    With `after`, the `place` of a record, those that follow it in the order asked for.
    """
    span = Span(instrument.pk, start, end, limit, is_ascending, after)
    return reading.trades(span)


def quotes(
    instrument: Instrument,
    *,
    start: datetime,
    end: datetime,
    limit: int = 1000,
    is_ascending: bool = True,
    after: Place | None = None,
) -> list[Sides]:
    """Return the best bids and offers as they changed from `start` to `end`, like `trades`."""
    span = Span(instrument.pk, start, end, limit, is_ascending, after)
    return reading.quotes(span)


def quote_bars(
    instrument: Instrument, *, start: datetime, end: datetime, limit: int = 1000
) -> list[rules.QuoteBar]:
    """Return how the best bid and offer went in each minute from `start` to `end`, oldest first.

    Of minutes that begin in between, both included, and in which something was quoted; at most
    `limit`. A day (New York's) opens with its first quotes, every other minute with what stood.
    """
    return reading.quote_bars(instrument.pk, start=start, end=end, limit=limit)


def depths(instrument_ids: Iterable[UUID]) -> dict[UUID, Depth]:
    """Return the best levels of the books of these instruments, where they are known."""
    return Depth.objects.in_bulk(list(instrument_ids))


def bars(
    instrument: Instrument,
    timeframe: str,
    *,
    start: datetime,
    end: datetime,
    limit: int = 1000,
    is_ascending: bool = True,
    adjustment: Adjustment = Adjustment.RAW,
) -> list[rules.Bar]:
    """Return the bars that begin from `start` to `end` (both included), at most `limit`.

    `timeframe` is one of the compatible API's: 1Min to 59Min, 1Hour to 23Hour, 1Day, 1Week,
    1Month to 12Month. Longer ones than 1Min, 1Hour and 1Day are gathered from those; the bar
    that `start` falls into is left out, as only a part of it would be told. Bars are as they were
    traded, or as `adjustment` brings them to the terms of today. Raises UnknownTimeframe.
    """
    wanted = rules.parse_timeframe(timeframe)
    stored, parts_max = _stored(wanted)
    rows = Bar.objects.filter(instrument=instrument, timeframe=stored, open__isnull=False)
    order = "start" if is_ascending else "-start"
    if str(wanted) == stored:
        whole = _values(rows.filter(start__gte=start, start__lte=end).order_by(order)[:limit])
        return _adjusted(whole, instrument, adjustment)
    first = rules.start_of(start, timeframe=wanted)
    if first < start:
        first = rules.end_of(first, timeframe=wanted)
    after_last = rules.end_of(rules.start_of(end, timeframe=wanted), timeframe=wanted)
    parts = _values(
        rows.filter(start__gte=first, start__lt=after_last).order_by(order)[
            : min(limit * parts_max, PARTS_READ_MAX)
        ]
    )
    parts = _adjusted(parts, instrument, adjustment)  # each by its day: a week may have two terms
    gathered = rules.aggregate(parts if is_ascending else reversed(parts), timeframe=wanted)
    return (gathered if is_ascending else gathered[::-1])[:limit]


def _stored(wanted: rules.Timeframe) -> tuple[str, int]:
    """Return of which stored bars one of this length is made, and of how many at most."""
    if wanted.unit is rules.Unit.MINUTE:
        return Bar.Timeframe.MINUTE, wanted.count
    if wanted.unit is rules.Unit.HOUR:
        return Bar.Timeframe.HOUR, wanted.count
    return Bar.Timeframe.DAY, wanted.parts_max


def _adjusted(
    bars: list[rules.Bar], instrument: Instrument, adjustment: Adjustment
) -> list[rules.Bar]:
    if adjustment is Adjustment.RAW or not bars:
        return bars
    oldest = min(bars[0].start, bars[-1].start)
    return adjusting.adjust(bars, reading.steps(instrument.pk, adjustment, since=oldest))


def _values(rows: QuerySet[Bar]) -> list[rules.Bar]:
    return [rules.Bar(*row) for row in rows.values_list(*rules.COLUMNS)]
