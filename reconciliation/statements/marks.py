"""What instruments were called and worth when a day ended, written down once for statements."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, LiteralString

from foundation import bulk
from marketdata import calendars
from marketdata.pricing import MARKET_PRICE
from reconciliation.statements.models import ClosingMark
from reconciliation.statements.periods import DAY
from reconciliation.statements.rules import Mark, Marks

# The close of the day, or of the last one that had one; before the first, what the market says.
_WRITE: Final[LiteralString] = f"""
INSERT INTO reconciliation_closingmark (day, code, symbol, name, price)
SELECT %s::date, i.code, i.symbol, i.name, COALESCE((
         SELECT b.close FROM marketdata_bar b
          WHERE b.instrument_id = i.id AND b.timeframe = '1Day' AND b.start < %s::timestamptz
            AND b.close IS NOT NULL
          ORDER BY b.start DESC LIMIT 1), {MARKET_PRICE})
  FROM marketdata_instrument i LEFT JOIN marketdata_quote q ON q.instrument_id = i.id
 WHERE i.code = ANY(%s)
   AND NOT EXISTS (SELECT FROM reconciliation_closingmark m
                    WHERE m.day = %s::date AND m.code = i.code)
 ORDER BY i.code
    ON CONFLICT DO NOTHING"""  # noqa: S608 - put together from constants


def write(day: date, codes: Iterable[str]) -> None:
    """Write down the marks of these instruments for `day`, those that are not yet."""
    wanted = sorted(codes)
    if wanted:
        bulk.execute(_WRITE, [day, calendars.midnight(day + DAY), wanted, day])


def of(day: date, codes: Iterable[str]) -> Marks:
    """Return what was written down."""
    rows = ClosingMark.objects.filter(day=day, code__in=list(codes))
    return {row.code: Mark(row.symbol, row.name, row.price) for row in rows.order_by("code")}
