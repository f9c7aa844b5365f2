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
from marketdata.models import Quote
from portfolio.valuation import DayStart, Owned, OwnedPosition, Price

PAID_IN: Final[LiteralString] = """
  SELECT COALESCE(sum(flow.amount), 0) AS amount
    FROM portfolio_ledgeraccount own
    CROSS JOIN LATERAL (
      SELECT t.amount, t.debit_id AS other FROM portfolio_transfer t
       WHERE t.credit_id = own.id
         AND t.kind IN ('deposit', 'withdrawal', 'reversal', 'correction')
      UNION ALL
      SELECT -t.amount, t.credit_id FROM portfolio_transfer t
       WHERE t.debit_id = own.id
         AND t.kind IN ('deposit', 'withdrawal', 'reversal', 'correction')
    ) AS flow
    JOIN portfolio_ledgeraccount other ON other.id = flow.other
   WHERE own.owner_id = a.id AND own.kind = 'customer' AND own.asset = 'USD'
     AND other.kind IN ('bank', 'clearing')"""
"""All that came to account `a` from outside less what left: also what is on its way out."""

_OWNED: Final[LiteralString] = f"""
SELECT a.id, COALESCE(cash.amount, 0), COALESCE(cash.held, 0), paid_in.amount, realised.amount,
       start.at, start.equity, start.paid_in, start.realised,
       p.instrument_id, p.quantity, COALESCE(b.amount - b.held, 0), p.cost_basis, p.opened_at
  FROM accounts_account a
  LEFT JOIN portfolio_balance cash ON cash.account_id = a.id AND cash.asset = 'USD'
  CROSS JOIN LATERAL ({PAID_IN}) AS paid_in
  CROSS JOIN LATERAL (
    SELECT COALESCE(sum(each.realised), 0) AS amount FROM portfolio_position each
     WHERE each.account_id = a.id) AS realised
  LEFT JOIN LATERAL (
    SELECT s.at, s.equity, s.paid_in, s.realised FROM portfolio_equitysnapshot s
     WHERE s.account_id = a.id ORDER BY s.day DESC LIMIT 1) AS start ON true
  LEFT JOIN portfolio_position p ON p.account_id = a.id AND p.quantity <> 0
  LEFT JOIN marketdata_instrument i ON i.id = p.instrument_id
  LEFT JOIN portfolio_balance b ON b.account_id = a.id AND b.asset = i.code
 WHERE a.id = ANY(%s)
 ORDER BY a.id, i.symbol"""  # noqa: S608 - put together from constants


def owned(account_ids: Iterable[UUID]) -> dict[UUID, Owned]:
    """Return what each of these accounts owns, by account; unknown ids are left out.

    Positions are in the order of their symbols.
    """
    rows = bulk.execute(_OWNED, [list(set(account_ids))])
    return {key: _owned(key, list(group)) for key, group in groupby(rows, key=itemgetter(0))}


def price_of(quote: Quote) -> Price:
    """Return the price of valuation: the last trade, else the middle of the quote."""
    price = quote.last
    if price is None and quote.bid is not None and quote.ask is not None:
        price = (quote.bid + quote.ask) / 2
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
