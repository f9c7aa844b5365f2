"""What a unit is worth: the last trade, unless a newer quote says otherwise."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.pricing import market_price

prices = st.none() | st.integers(1, 1000).map(Decimal)


@pytest.mark.parametrize(
    ("last", "bid", "ask", "price"),
    [
        (100, 99, 101, 100),
        (100, 49, 51, 51),  # it has fallen since
        (100, 149, 151, 149),
        (100, None, 51, 51),
        (100, 149, None, 149),
        (100, None, None, 100),
        (100, 51, 49, 100),  # crossed
        (None, 99, 102, Decimal("100.5")),
        (None, 99, None, None),
        (None, None, None, None),
    ],
)
def test_the_last_trade_counts_within_bid_and_ask(last, bid, ask, price):
    assert market_price(last=last, bid=bid, ask=ask) == price


@given(last=prices, bid=prices, ask=prices)
def test_the_price_lies_within_an_uncrossed_quote(last, bid, ask):
    price = market_price(last=last, bid=bid, ask=ask)
    is_crossed = bid is not None and ask is not None and bid > ask
    if price is None or (is_crossed and last is not None):
        assert price == last
        return
    if not is_crossed:
        assert bid is None or price >= bid
        assert ask is None or price <= ask
