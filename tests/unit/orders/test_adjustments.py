"""What splits and dividends make of resting orders."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata import price_steps
from orders.actions.adjustments import (
    Change,
    Dividend,
    Increments,
    Removal,
    Split,
    Terms,
    Unfit,
    adjustment,
)
from venues.messages import OrderType, Side

D = Decimal
CENTS = Increments(price=price_steps.of(D("0.01"), None, None), quantity=D(1))
SHARES = replace(CENTS, price=price_steps.of(D("0.01"), D("0.0001"), D(1)))
LIMIT = Terms(
    side=Side.BUY,
    type=OrderType.LIMIT,
    filled=D(0),
    leaves=D(10),
    limit_price=D("100.03"),
    stop_price=None,
    is_by_value=False,
)
SELL = replace(LIMIT, side=Side.SELL)
SELL_STOP = replace(SELL, type=OrderType.STOP, limit_price=None, stop_price=D("90.00"))
SELL_STOP_LIMIT = replace(SELL_STOP, type=OrderType.STOP_LIMIT, limit_price=D("89.50"))
BUY_STOP = replace(SELL_STOP, side=Side.BUY)
TRAILING = replace(
    SELL_STOP, type=OrderType.TRAILING_STOP, stop_price=None, trail_amount=D("5"), mark=D("100")
)
BY_PERCENT = replace(TRAILING, trail_amount=None)


@pytest.mark.parametrize(
    ("terms", "split", "expected"),
    [
        (LIMIT, Split(4, 1), Change(D(40), D("25.00"), None)),  # 25.0075: a buy down
        (SELL, Split(4, 1), Change(D(40), D("25.01"), None)),  # a sell up
        (replace(LIMIT, filled=D(3)), Split(4, 1), Change(D(43), D("25.00"), None)),
        (SELL_STOP_LIMIT, Split(2, 1), Change(D(20), D("44.75"), D("45.00"))),
        (replace(LIMIT, leaves=D(5)), Split(3, 2), Change(D(7), D("66.68"), None)),
        (TRAILING, Split(4, 1), Change(D(40), trail=D("1.25"), mark=D("25"))),
        (BY_PERCENT, Split(4, 1), Change(D(40), mark=D("25"))),
        # What does not come out even lets it go later, by a billionth.
        (TRAILING, Split(3, 1), Change(D(30), trail=D("1.666666667"), mark=D("33.333333333"))),
        (replace(BY_PERCENT, side=Side.BUY), Split(3, 1), Change(D(30), mark=D("33.333333334"))),
    ],
)
def test_a_forward_split_multiplies_quantities_and_divides_prices(terms, split, expected):
    assert adjustment(terms, split, CENTS) == expected


@pytest.mark.parametrize(
    ("terms", "action"),
    [
        (LIMIT, Split(1, 10)),
        (TRAILING, Split(1, 2)),
        (replace(TRAILING, mark=None), Split(2, 1)),
        (replace(LIMIT, is_group_begun=True), Split(2, 1)),
        (replace(LIMIT, is_by_value=True), Split(2, 1)),
        (replace(LIMIT, limit_price=D("0.01")), Split(2, 1)),
        (LIMIT, Removal()),
        (replace(LIMIT, limit_price=D("0.25")), Dividend(D("0.25"))),
    ],
)
def test_what_has_no_new_terms_ends(terms, action):
    assert isinstance(adjustment(terms, action, CENTS), Unfit)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (LIMIT, Change(None, D("99.65"), None)),
        (SELL_STOP, Change(None, None, D("89.62"))),
        (SELL_STOP_LIMIT, Change(None, D("89.12"), D("89.62"))),
        (SELL, None),
        (BUY_STOP, None),
        (replace(BUY_STOP, type=OrderType.STOP_LIMIT, limit_price=D(91)), None),
        (TRAILING, None),
    ],
)
def test_a_dividend_lowers_buy_limits_and_sell_stops_alone(terms, expected):
    assert adjustment(terms, Dividend(D("0.375")), CENTS) == expected


def test_what_falls_below_a_dollar_has_finer_steps():
    cheap = replace(LIMIT, limit_price=D("3.01"))
    assert adjustment(cheap, Split(4, 1), SHARES) == Change(D(40), D("0.7525"))
    assert adjustment(cheap, Split(7, 2), SHARES) == Change(D(35), D("0.86"))
    assert adjustment(replace(cheap, side=Side.SELL), Split(3, 1), SHARES).limit_price == D("1.01")
    assert adjustment(cheap, Split(3, 1), SHARES).limit_price == D("1.00")


def test_a_dividend_below_a_cent_changes_no_order():
    assert adjustment(LIMIT, Dividend(D("0.0099")), CENTS) is None
    assert adjustment(LIMIT, Dividend(D("0.01")), CENTS) == Change(None, D("100.02"))


@given(
    price=st.integers(1, 10**7).map(lambda cents: D(cents) / 100),
    leaves=st.integers(1, 10**6).map(D),
    new=st.integers(2, 20),
    side=st.sampled_from(Side),
)
def test_a_split_never_makes_an_order_more_eager_and_keeps_its_value(price, leaves, new, side):
    terms = replace(LIMIT, side=side, limit_price=price, leaves=leaves)
    change = adjustment(terms, Split(new, 1), CENTS)
    if isinstance(change, Unfit):
        assert price < D("0.01") * new
        return
    assert change.quantity == leaves * new
    assert (change.limit_price * new - price) * side.sign <= 0
    assert abs(change.limit_price * new - price) < D("0.01") * new
