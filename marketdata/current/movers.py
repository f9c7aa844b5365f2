"""What moves and what is traded most today: instruments by their day, chosen and in order.

Today is the latest day of an instrument's class that the market has told of. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, LiteralString, NamedTuple

from django.conf import settings

from foundation import bulk


class Rank(StrEnum):
    """What instruments can be put in order by."""

    CHANGE = "change_percent"
    PRICE = "price"
    VOLUME = "volume"
    TURNOVER = "turnover"
    TRADES = "trades"
    RANGE = "range_percent"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which instruments are asked for, and in which order. What is None does not count.

    Changes are in percent of the close before, prices in the instrument's currency, `volume_min`
    in units and `turnover_min` in money, of today. The first `limit` after `offset` are returned.
    """

    rank: Rank
    is_descending: bool = True
    limit: int = 10
    offset: int = 0
    asset_class: str | None = None
    sector: str | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    change_min: Decimal | None = None
    change_max: Decimal | None = None
    volume_min: Decimal | None = None
    turnover_min: Decimal | None = None


class Mover(NamedTuple):
    """An instrument and its day until now. Percents are of the close before, unrounded.

    `range_percent` is how far today's high lies above today's low.
    """

    symbol: str
    name: str
    asset_class: str
    sector: str
    price: Decimal
    change: Decimal
    change_percent: Decimal
    high: Decimal
    low: Decimal
    range_percent: Decimal
    volume: Decimal
    turnover: Decimal
    trades: int
    at: datetime
    is_stale: bool


_COLUMNS: Final[dict[Rank, LiteralString]] = {
    Rank.CHANGE: "change_percent",
    Rank.PRICE: "price",
    Rank.VOLUME: "volume",
    Rank.TURNOVER: "turnover",
    Rank.TRADES: "trades",
    Rank.RANGE: "range_percent",
}
# An instrument that has not traded today has not moved; of a day's bar there may be none yet where
# only prints that set no price were made.
_MOVERS: Final = """
    SELECT symbol, name, asset_class, sector, price, change, change_percent, high, low,
           range_percent, volume, turnover, trades, at, received_at < %s
      FROM (
        SELECT symbol, name, asset_class, sector, last AS price, last - previous_close AS change,
               100 * (last - previous_close) / previous_close AS change_percent,
               day_high AS high, day_low AS low,
               100 * (day_high - day_low) / previous_close AS range_percent,
               day_volume AS volume, coalesce(bar.turnover, 0) AS turnover,
               coalesce(bar.trades, 0) AS trades, last_at AS at, received_at, day,
               max(day) OVER (PARTITION BY asset_class) AS today
          FROM marketdata_quote AS quote
          JOIN marketdata_instrument AS instrument ON instrument.id = quote.instrument_id
          LEFT JOIN marketdata_bar AS bar
            ON bar.instrument_id = quote.instrument_id AND timeframe = '1Day'
           AND start = day::timestamp AT TIME ZONE 'America/New_York'
         WHERE tradable AND last IS NOT NULL AND previous_close > 0 AND day_high IS NOT NULL
      ) AS moved
     WHERE day = today
       AND coalesce(asset_class = %s, true)
       AND coalesce(sector = %s, true)
       AND coalesce(price >= %s, true)
       AND coalesce(price <= %s, true)
       AND coalesce(change_percent >= %s, true)
       AND coalesce(change_percent <= %s, true)
       AND coalesce(volume >= %s, true)
       AND coalesce(turnover >= %s, true)
     ORDER BY {rank} {direction}, symbol
     LIMIT %s OFFSET %s
"""


def movers(wanted: Wanted, *, now: datetime) -> list[Mover]:
    """Return the instruments that are asked for, in their order; ties by symbol."""
    statement = _MOVERS.replace("{rank}", _COLUMNS[wanted.rank]).replace(
        "{direction}", "DESC" if wanted.is_descending else "ASC"
    )
    rows = bulk.execute(
        statement,
        [
            now - timedelta(seconds=settings.QUOTE_AGE_SECONDS_MAX),
            wanted.asset_class,
            wanted.sector,
            wanted.price_min,
            wanted.price_max,
            wanted.change_min,
            wanted.change_max,
            wanted.volume_min,
            wanted.turnover_min,
            wanted.limit,
            wanted.offset,
        ],
    )
    return [Mover(*row) for row in rows]
