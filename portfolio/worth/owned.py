"""What accounts own, read from their rows: many accounts in one statement, of one moment.

One statement sees one state of the database, so that cash and positions are both from before a
fill or both from after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Final, LiteralString
from uuid import UUID

from foundation import bulk
from foundation.bulk import Values
from marketdata import pricing
from marketdata.models import Quote
from portfolio.worth.valuation import DayStart, Owned, OwnedPosition, Price

COINS_GONE: Final[LiteralString] = """
SELECT f.account_id, sum(f.value) AS value FROM portfolio_funding f
 WHERE f.asset <> 'USD' AND f.state NOT IN ('cancelled', 'returned') GROUP BY f.account_id"""
"""What coins were worth that have left accounts, when that was asked for, by account."""

_OWNED: Final[LiteralString] = f"""
  WITH wanted AS (SELECT unnest(%s::uuid[]) AS id)
SELECT a.id, COALESCE(cash.amount, 0), COALESCE(cash.held, 0),
       COALESCE(cash.paid_in, 0) - COALESCE(gone.value, 0), realised.amount,
       start.at, start.equity, start.paid_in, start.realised,
       p.instrument_id, p.quantity, COALESCE(b.amount - sign(b.amount) * b.held, 0), p.cost_basis,
       p.opened_at
  FROM wanted
  JOIN accounts_account a ON a.id = wanted.id
  LEFT JOIN portfolio_balance cash ON cash.account_id = a.id AND cash.asset = 'USD'
  LEFT JOIN LATERAL (
    SELECT coins.value FROM ({COINS_GONE}) AS coins WHERE coins.account_id = a.id) AS gone ON true
  CROSS JOIN LATERAL (
    SELECT COALESCE(sum(each.realised), 0) AS amount FROM portfolio_position each
     WHERE each.account_id = a.id) AS realised
  LEFT JOIN LATERAL (
    SELECT s.at, s.equity, s.paid_in, s.realised FROM portfolio_equitysnapshot s
     WHERE s.account_id = a.id ORDER BY s.day DESC LIMIT 1) AS start ON true
  LEFT JOIN portfolio_position p ON p.account_id = a.id AND p.quantity <> 0
  LEFT JOIN marketdata_instrument i ON i.id = p.instrument_id
  LEFT JOIN portfolio_balance b ON b.account_id = a.id AND b.asset = i.code
 ORDER BY a.id, i.symbol"""  # noqa: S608 - put together from constants


def owned(account_ids: Iterable[UUID]) -> dict[UUID, Owned]:
    """Return what each of these accounts owns, by account; unknown ids are left out.

    Positions are in the order of their symbols.
    """
    rows = bulk.execute(_OWNED, [list(set(account_ids))])
    return {key: _owned(key, list(group)) for key, group in groupby(rows, key=itemgetter(0))}


def price_of(quote: Quote) -> Price:
    """Return the price of valuation (`marketdata.pricing`)."""
    price = pricing.market_price(last=quote.last, bid=quote.bid, ask=quote.ask)
    return Price(price=price, previous_close=quote.previous_close, sequence=quote.sequence)


def _owned(account_id: UUID, rows: list[Values]) -> Owned:
    _, cash, held, paid_in, realised, at, *at_day_start = rows[0][:9]
    return Owned(
        account_id=account_id,
        cash=cash,
        held=held,
        paid_in=paid_in,
        realised=realised,
        day_start=None if at is None else DayStart(at, *at_day_start),
        positions=tuple(OwnedPosition(*row[9:]) for row in rows if row[9] is not None),
    )
