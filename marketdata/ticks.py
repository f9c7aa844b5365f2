"""A tick: one thing that the market said. Pure values and the rules that sort them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class QuoteTick:
    """The best bid and offer of `symbol` from `at` on; a side without orders is None.

    Prices in the instrument's currency, sizes in units (shares, coins), `at` aware UTC.
    """

    symbol: str
    at: datetime
    bid: Decimal | None
    bid_size: Decimal
    ask: Decimal | None
    ask_size: Decimal


@dataclass(frozen=True, slots=True)
class TradeTick:
    """One print on the tape. `trade_id` is the source's own number of it."""

    symbol: str
    at: datetime
    price: Decimal
    size: Decimal
    trade_id: str


Tick = QuoteTick | TradeTick
