"""Time and sales, and the quotes as they changed, in pieces that a reader can go on from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, islice
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Model, Q

from foundation import bulk
from marketdata import bars, calendars
from marketdata.bars import QuoteBar
from marketdata.history import adjusting, archive
from marketdata.history.adjusting import Adjustment, Step
from marketdata.history.models import PriceAdjustment, TapeQuote, TapeTrade
from marketdata.history.partitions import Kind
from marketdata.history.records import Print, Sides, Span

QUOTES_AT_ONCE: Final = 10_000
_INSTANT: Final = timedelta(microseconds=1)
_PRINT: Final = ("at", "number", "source", "price", "size", "trade_id", "sets_last")
_SIDES: Final = ("at", "number", "source", "bid", "bid_size", "ask", "ask_size")

Record = TypeVar("Record", Print, Sides)


def trades(span: Span) -> list[Print]:
    return _joined(_stored(TapeTrade, _PRINT, Print, span), Kind.TRADES, span, Print)


def quotes(span: Span) -> list[Sides]:
    return _joined(_stored(TapeQuote, _SIDES, Sides, span), Kind.QUOTES, span, Sides)


def quote_bars(
    instrument_id: UUID, *, start: datetime, end: datetime, limit: int
) -> list[QuoteBar]:
    """Return the bars of the quotes of minutes that begin from `start` to `end`, oldest first.

    A day, which begins at midnight in New York, opens with what is quoted in it first.
    """
    first = bars.minute_of(start)
    first += bars.MINUTE if first < start else timedelta(0)
    after_last = bars.minute_of(end) + bars.MINUTE
    midnight = calendars.midnight(calendars.date_of(first))
    stood = quotes(Span(instrument_id, midnight, first - _INSTANT, 1, is_ascending=False))
    told = _in_pages(Span(instrument_id, first, after_last - _INSTANT, QUOTES_AT_ONCE))
    found: list[QuoteBar] = []
    for _, of_day in groupby(told, key=lambda each: calendars.date_of(each.at)):
        before = stood[0] if stood else None
        found += islice(bars.roll_quotes(of_day, before=before), limit - len(found))
        stood = []
        if len(found) == limit:
            break
    return found


def _in_pages(span: Span) -> Iterator[Sides]:
    """Yield all quotes of `span`, of which so many are read at once as its limit says."""
    while page := quotes(span):
        yield from page
        span = replace(span, after=page[-1].place)


def _joined(stored: list[Record], kind: Kind, span: Span, record: type[Record]) -> list[Record]:
    """Return what the tables have, which were read first, with what the archive has.

    What was archived in between is in both, and is told once.
    """
    archived: list[Record] = archive.read(kind, span, record)
    if not archived:
        return stored
    told = {each.number for each in stored}
    found = stored + [each for each in archived if each.number not in told]
    found.sort(key=lambda each: each.place, reverse=not span.is_ascending)
    return found[: span.limit]


def _stored(
    model: type[Model], columns: tuple[str, ...], record: type[Record], span: Span
) -> list[Record]:
    rows = model._default_manager.filter(
        instrument_id=span.instrument_id, at__gte=span.start, at__lte=span.end
    )
    if span.after is not None:
        at, number = span.after
        # The first condition says no more than the second; the index understands it.
        if span.is_ascending:
            rows = rows.filter(Q(at__gte=at) & (Q(at__gt=at) | Q(number__gt=number)))
        else:
            rows = rows.filter(Q(at__lte=at) & (Q(at__lt=at) | Q(number__lt=number)))
    order = ("at", "number") if span.is_ascending else ("-at", "-number")
    found = rows.order_by(*order).values_list(*columns)[: span.limit]
    return [record(*row) for row in found]


_KINDS: Final = {
    Adjustment.RAW: (),
    Adjustment.SPLIT: (PriceAdjustment.Kind.SPLIT,),
    Adjustment.DIVIDEND: (PriceAdjustment.Kind.DIVIDEND,),
    Adjustment.ALL: tuple(PriceAdjustment.Kind),
}
# A dividend counts as a part of the last close before it, which is that of our own bars.
_ADJUSTMENTS: Final = """
    SELECT done.ex_date, done.kind, done.new, done.old, done.cash, done.share, before.close
      FROM marketdata_priceadjustment done LEFT JOIN LATERAL (
        SELECT close FROM marketdata_bar
         WHERE instrument_id = done.instrument_id AND timeframe = '1Day' AND close > 0
           AND start < done.ex_date::timestamp AT TIME ZONE 'America/New_York'
         ORDER BY start DESC LIMIT 1) before ON true
     WHERE done.instrument_id = %s AND done.kind = ANY(%s) AND done.ex_date > %s
     ORDER BY done.ex_date, done.id
"""


def steps(instrument_id: UUID, adjustment: Adjustment, *, since: datetime) -> list[Step]:
    """Return what has changed an instrument's prices after the day of `since`, in order."""
    kinds = [kind.value for kind in _KINDS[adjustment]]
    rows = bulk.execute(_ADJUSTMENTS, [instrument_id, kinds, calendars.date_of(since)])
    found = [
        _step(calendars.midnight(ex_date), kind, new, old, cash, share, close)
        for ex_date, kind, new, old, cash, share, close in rows
    ]
    return [step for step in found if step is not None]


def _step(
    at: datetime,
    kind: str,
    new: int,
    old: int,
    cash: Decimal,
    share: Decimal,
    close: Decimal | None,
) -> Step | None:
    if kind == PriceAdjustment.Kind.SPLIT:
        return adjusting.split(at, new=new, old=old)
    if kind == PriceAdjustment.Kind.SPIN_OFF:
        return adjusting.spin_off(at, share=share)
    return None if close is None else adjusting.dividend(at, cash=cash, close=close)
