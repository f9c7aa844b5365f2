"""What the market says that a unit is worth. Pure.

Portfolios, margin and limits all value by this, so that nobody is shown one figure and held to
another.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, LiteralString


def market_price(
    *, last: Decimal | None, bid: Decimal | None, ask: Decimal | None
) -> Decimal | None:
    """Return the price of the last trade as far as it lies within bid and ask, which are newer.

    Where nobody has traded for a while, a quote far away says more than the last trade does.
    Before the first trade it is the middle of the quote, None without both sides. A crossed quote
    says nothing against the trade.
    """
    if last is None:
        return None if bid is None or ask is None else (bid + ask) / 2
    if bid is not None and ask is not None and bid > ask:
        return last
    if ask is not None and last > ask:
        return ask
    if bid is not None and last < bid:
        return bid
    return last


MARKET_PRICE: Final[LiteralString] = """
    CASE WHEN q.last IS NULL THEN (q.bid + q.ask) * 0.5
         WHEN q.bid > q.ask THEN q.last
         ELSE greatest(least(q.last, q.ask), q.bid) END"""
"""The same in SQL, of a row `q` of quotes; what is NULL among greatest and least is passed over."""
