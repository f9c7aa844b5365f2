"""What is written down of an account's worth: at the end of a day, and in the course of it.

All accounts are valued in the database, in one statement, by the arithmetic of
`portfolio.worth.valuation`: ten thousand accounts then cost no more trips than one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, LiteralString

from foundation import bulk
from marketdata.calendars import NEW_YORK
from marketdata.pricing import MARKET_PRICE
from portfolio.models import EquityPoint
from portfolio.worth.owned import paid_in

POINTS_KEPT: Final = timedelta(days=32)  # portfolio history asks for a month of them

_WORTH: Final[LiteralString] = f"""
WITH price AS (
  SELECT q.instrument_id, {MARKET_PRICE} AS price FROM marketdata_quote q
), held AS (
  SELECT p.account_id, sum(p.realised) AS realised,
         sum(COALESCE(portfolio_cents(price.price * p.quantity), p.cost_basis)) AS value
    FROM portfolio_position p LEFT JOIN price USING (instrument_id)
   GROUP BY p.account_id
), worth AS (
  SELECT a.id AS account_id, COALESCE(cash.amount, 0) AS cash,
         COALESCE(paid_in.amount, 0) AS paid_in,
         COALESCE(held.realised, 0) AS realised,
         COALESCE(cash.amount, 0) + COALESCE(held.value, 0) AS equity
    FROM accounts_account a
    LEFT JOIN portfolio_balance cash ON cash.account_id = a.id AND cash.asset = 'USD'
    LEFT JOIN held ON held.account_id = a.id
    LEFT JOIN ({paid_in("")}) AS paid_in ON paid_in.account_id = a.id
)"""  # noqa: S608 - put together from constants
_SNAPSHOTS: Final[LiteralString] = f"""{_WORTH}
INSERT INTO portfolio_equitysnapshot (account_id, day, at, cash, equity, paid_in, realised)
SELECT account_id, %s::date, %s::timestamptz, cash, equity, paid_in, realised FROM worth
    ON CONFLICT DO NOTHING
RETURNING 1"""  # noqa: S608 - put together from constants
_POINTS: Final[LiteralString] = f"""{_WORTH}
INSERT INTO portfolio_equitypoint (account_id, at, equity, paid_in)
SELECT account_id, %s::timestamptz, worth.equity, worth.paid_in FROM worth
  LEFT JOIN LATERAL (
    SELECT p.equity, p.paid_in FROM portfolio_equitypoint p
     WHERE p.account_id = worth.account_id ORDER BY p.at DESC LIMIT 1) AS before ON true
 WHERE (worth.equity, worth.paid_in)
       IS DISTINCT FROM (COALESCE(before.equity, 0), COALESCE(before.paid_in, 0))
    ON CONFLICT DO NOTHING
RETURNING 1"""  # noqa: S608 - put together from constants


def snapshot_equity(*, now: datetime) -> int:
    """Write down every account's equity for the last New York day that has ended.

    Done twice for a day, it writes once. Returns how many it wrote.
    """
    day = (now.astimezone(NEW_YORK) - timedelta(days=1)).date()
    return len(bulk.execute(_SNAPSHOTS, [day, now]))


def mark_equity(*, now: datetime) -> int:
    """Write a point of the equity curve of every account that is worth something else now.

    What was paid in counts as well. Returns how many it wrote.
    """
    return len(bulk.execute(_POINTS, [now]))


def thin_points(*, now: datetime) -> int:
    """Drop the points that are past their time; of those days the end is left."""
    return EquityPoint.objects.filter(at__lt=now - POINTS_KEPT).delete()[0]
