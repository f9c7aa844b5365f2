"""The market as it goes on: the trades since somebody looked last, the bars of one moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from foundation import bulk
from marketdata import bars
from marketdata.cleaning.rules import TRADE_AGE_MAX
from marketdata.history.records import Print
from marketdata.models import Bar

_LATEST: Final = """
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM marketdata_tick_number
"""
_TRADES_AFTER: Final = """
    SELECT instrument_id, trade.at, trade.number, source, price, size, trade_id, sets_last
      FROM unnest(%s::uuid[], %s::bigint[]) AS followed(id, heard_of)
      JOIN marketdata_tapetrade AS trade ON instrument_id = id AND trade.number > heard_of
     WHERE trade.at >= %s
     ORDER BY trade.number
"""


def latest_number() -> int:
    """Return the number that no trade or quote of before is above."""
    ((number,),) = bulk.execute(_LATEST, [])
    return int(number)


def trades_after(numbers: Mapping[UUID, int], *, now: datetime) -> list[tuple[UUID, Print]]:
    """Return the trades of each instrument that were heard of after its number, in that order.

    Who asks again with the last number of each has missed none: they are numbered as committed.
    """
    rows = bulk.execute(_TRADES_AFTER, [list(numbers), list(numbers.values()), now - TRADE_AGE_MAX])
    return [(instrument_id, Print(*rest)) for instrument_id, *rest in rows]


def bars_at(
    start: datetime, *, timeframe: Bar.Timeframe, of: Collection[UUID]
) -> dict[UUID, bars.Bar]:
    """Return the stored bars with prices that begin at `start`, by instrument."""
    rows = Bar.objects.filter(
        instrument_id__in=of, timeframe=timeframe, start=start, open__isnull=False
    ).values_list("instrument_id", *bars.COLUMNS)
    return {instrument_id: bars.Bar(*rest) for instrument_id, *rest in rows}
