"""The market as it goes on: the trades since somebody looked last, the bars of one moment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import F

from marketdata import bars
from marketdata.cleaning import TRADE_AGE_MAX
from marketdata.history.models import TapeTrade
from marketdata.history.records import Print
from marketdata.models import Bar

_PRINT: Final = ("at", "number", "source", "price", "size", "trade_id", "sets_last")
_BAR: Final = ("start", "open", "high", "low", "close", "volume", "turnover", "trades")
_LATEST: Final = "SELECT last_value FROM marketdata_tick_number"


def latest_number() -> int:
    """Return the number that no trade or quote of before is above."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST)
        return int(cursor.fetchone()[0])


def trades_after(
    number: int, *, of: Collection[UUID], now: datetime
) -> list[tuple[UUID, Print]]:
    """Return the trades of these instruments that were heard of after `number`, in that order.

    Whoever reads again with the last number has missed none: they are numbered as committed.
    """
    rows = (
        TapeTrade.objects.filter(
            instrument_id__in=of, at__gte=now - TRADE_AGE_MAX, number__gt=number
        )
        .order_by("number")
        .values_list("instrument_id", *_PRINT)
    )
    return [(instrument_id, Print(*rest)) for instrument_id, *rest in rows]


def bars_at(start: datetime, *, timeframe: Bar.Timeframe) -> dict[UUID, bars.Bar]:
    """Return the stored bars that begin at `start`, of all instruments that have one with prices.

    An instrument has one source at a time: the bar is that of its quote's.
    """
    rows = Bar.objects.filter(
        timeframe=timeframe,
        start=start,
        open__isnull=False,
        source=F("instrument__quote__source"),
    ).values_list("instrument_id", *_BAR)
    return {instrument_id: bars.Bar(*rest) for instrument_id, *rest in rows}
