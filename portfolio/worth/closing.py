"""What is written down of an account's worth: at the end of a day, and in the course of it.

All accounts are valued in the database, in one statement, by the arithmetic of
`portfolio.worth.valuation`: ten thousand accounts then cost no more trips than one.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, LiteralString

from foundation import bulk
from marketdata import calendars
from marketdata.pricing import MARKET_PRICE
from portfolio.models import EquityPoint
from portfolio.worth.owned import COINS_GONE

SOON: Final = timedelta(hours=1)
"""After the end of a day: prices of later say something of the next one."""
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
         COALESCE(cash.paid_in, 0) - COALESCE(gone.value, 0) AS paid_in,
         COALESCE(held.realised, 0) AS realised,
         COALESCE(cash.amount, 0) + COALESCE(held.value, 0) AS equity
    FROM accounts_account a
    LEFT JOIN portfolio_balance cash ON cash.account_id = a.id AND cash.asset = 'USD'
    LEFT JOIN held ON held.account_id = a.id
    LEFT JOIN ({COINS_GONE}) AS gone ON gone.account_id = a.id
)"""  # noqa: S608 - put together from constants
_SNAPSHOTS: Final[LiteralString] = f"""{_WORTH}
INSERT INTO portfolio_equitysnapshot (account_id, day, at, cash, equity, paid_in, realised)
SELECT account_id, %s::date, %s::timestamptz, cash, equity, paid_in, realised FROM worth
    ON CONFLICT DO NOTHING
RETURNING 1"""  # noqa: S608 - put together from constants
_SIDES: Final[tuple[tuple[LiteralString, LiteralString, LiteralString], ...]] = (
    ("credit", "debit", "+"),
    ("debit", "credit", "-"),
)
# What had come to accounts from outside, less what had left, before a moment, once for each side.
_FLOWS: Final[LiteralString] = " UNION ALL ".join(
    f"""
    SELECT own.owner_id AS account_id, {sign} t.amount AS amount
      FROM portfolio_ledgeraccount own
      JOIN portfolio_transfer t ON t.{side}_id = own.id
       AND t.kind IN ('deposit', 'withdrawal', 'reversal', 'correction')
      JOIN portfolio_ledgeraccount other ON other.id = t.{other}_id
       AND other.kind IN ('bank', 'clearing')
     WHERE own.kind = 'customer' AND own.asset = 'USD' AND t.at < %s"""  # noqa: S608 - constants
    for side, other, sign in _SIDES
)
# Coins by what they were worth, there and back.
_COINS: Final[LiteralString] = """
    SELECT f.account_id, CASE s.state WHEN 'requested' THEN -f.value ELSE f.value END
      FROM portfolio_funding f JOIN portfolio_fundingstep s ON s.funding_id = f.id
     WHERE f.asset <> 'USD' AND s.state IN ('requested', 'cancelled', 'returned') AND s.at < %s"""
_PAID_IN: Final[LiteralString] = f"""
    SELECT account_id, sum(amount) AS amount FROM ({_FLOWS} UNION ALL {_COINS}) AS flow
     GROUP BY account_id"""  # noqa: S608 - put together from constants
_AS_OF: Final[LiteralString] = f"""
WITH since AS (
  SELECT own.owner_id AS account_id, t.asset,
         sum(CASE WHEN t.credit_id = own.id THEN t.amount ELSE -t.amount END) AS amount
    FROM portfolio_transfer t
    JOIN portfolio_ledgeraccount own ON own.id IN (t.debit_id, t.credit_id)
     AND own.owner_id IS NOT NULL
   WHERE t.at >= %s
   GROUP BY own.owner_id, t.asset
), had AS (
  SELECT b.account_id, b.asset, b.amount - COALESCE(since.amount, 0) AS amount
    FROM portfolio_balance b LEFT JOIN since USING (account_id, asset)
), price AS (
  SELECT i.code AS asset, COALESCE(bar.close, {MARKET_PRICE}, i.reference_price) AS price
    FROM marketdata_instrument i
    LEFT JOIN marketdata_quote q ON q.instrument_id = i.id
    LEFT JOIN LATERAL (
      SELECT day.close FROM marketdata_bar day
       WHERE day.instrument_id = i.id AND day.timeframe = '1Day' AND day.start < %s
         AND day.close IS NOT NULL
       ORDER BY day.start DESC LIMIT 1) AS bar ON true
), worth AS (
  SELECT had.account_id, sum(had.amount) FILTER (WHERE had.asset = 'USD') AS cash,
         sum(CASE WHEN had.asset = 'USD' THEN had.amount
                  ELSE portfolio_cents(price.price * had.amount) END) AS equity
    FROM had LEFT JOIN price USING (asset)
   GROUP BY had.account_id
), realised AS (
  SELECT account_id, sum(realised) AS amount FROM portfolio_lotclosing WHERE closed_at < %s
   GROUP BY account_id
)
INSERT INTO portfolio_equitysnapshot (account_id, day, at, cash, equity, paid_in, realised)
SELECT a.id, %s::date, %s::timestamptz, COALESCE(worth.cash, 0), COALESCE(worth.equity, 0),
       COALESCE(paid_in.amount, 0), COALESCE(realised.amount, 0)
  FROM accounts_account a
  LEFT JOIN worth ON worth.account_id = a.id
  LEFT JOIN ({_PAID_IN}) AS paid_in ON paid_in.account_id = a.id
  LEFT JOIN realised ON realised.account_id = a.id
 WHERE a.opened_at < %s
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


def snapshot_equity(*, day: date, now: datetime) -> int:
    """Write down every account's equity at the end of `day`, which is over.

    Soon after, that is what it is worth now. Later it is what it had then, by the ledger, at the
    closing prices of that day or the last one before. Done twice for a day, it writes once.
    Returns how many it wrote.
    """
    end = calendars.midnight(day + timedelta(days=1))
    if now < end:
        raise ValueError(f"{day} is not over.")
    if now - end <= SOON:
        return len(bulk.execute(_SNAPSHOTS, [day, now]))
    return len(bulk.execute(_AS_OF, [end, end, end, day, *[end] * 5]))


def mark_equity(*, now: datetime) -> int:
    """Write a point of the equity curve of every account that is worth something else now.

    What was paid in counts as well. Returns how many it wrote.
    """
    return len(bulk.execute(_POINTS, [now]))


def thin_points(*, now: datetime) -> int:
    """Drop the points that are past their time; of those days the end is left."""
    return EquityPoint.objects.filter(at__lt=now - POINTS_KEPT).delete()[0]
