"""The auction's price, against its definition read over every price there is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.price_steps import PriceSteps
from venues.exchange.auction import Interest, clearing_price, pairs
from venues.exchange.book import BUY, SELL, Order
from venues.exchange.commands import EVERY_TICK

PRICES = range(1, 40)


def interest(sign, *orders):
    return [
        Interest(Order(number, sign, price, lots), lots)
        for number, (price, lots) in enumerate(orders, start=1)
    ]


def by_definition(buying, selling, reference, steps):
    rows = []
    for price in filter(steps.fits, PRICES):
        demand = sum(each.lots for each in buying if each.order.price >= price)
        supply = sum(each.lots for each in selling if each.order.price <= price)
        if min(demand, supply):
            rows.append((min(demand, supply), abs(demand - supply), demand - supply, price))
    if not rows:
        return None
    most = max(row[0] for row in rows)
    least = min(row[1] for row in rows if row[0] == most)
    tied = [row for row in rows if row[:2] == (most, least)]
    prices = [row[3] for row in tied]
    if all(row[2] > 0 for row in tied):
        return max(prices)
    if all(row[2] < 0 for row in tied) or reference is None:
        return min(prices)
    return min(prices, key=lambda price: (abs(price - reference), price))


_ORDERS = st.lists(st.tuples(st.integers(2, 38), st.integers(1, 30)), max_size=12)


@settings(max_examples=200, deadline=None)
@given(
    _ORDERS,
    _ORDERS,
    st.one_of(st.none(), st.integers(2, 38)),
    st.sampled_from([EVERY_TICK, PriceSteps(5, 1, 20), PriceSteps(4, 1, 8)]),
)
def test_the_price_is_the_one_of_the_definition(bids, asks, reference, steps):
    bids, asks = ([(steps.down(price), lots) for price, lots in side] for side in (bids, asks))
    buying, selling = interest(BUY, *bids), interest(SELL, *asks)
    price = clearing_price(buying, selling, reference=reference, steps=steps)
    assert price == by_definition(buying, selling, reference, steps)
    if price is None:
        return
    buying.sort(key=lambda each: (-each.order.price, each.order.number))
    selling.sort(key=lambda each: (each.order.price, each.order.number))
    done = list(pairs(buying, selling, price=price))
    demand = sum(each.lots for each in buying if each.order.price >= price)
    supply = sum(each.lots for each in selling if each.order.price <= price)
    assert sum(pair.lots for pair in done) == min(demand, supply)
    for side, executed in (
        (buying, [p.buying for p in done]),
        (selling, [p.selling for p in done]),
    ):
        # Nobody is executed before one who stands better.
        numbers = [each.order for each in side]
        assert [each for each in numbers if each in executed] == list(dict.fromkeys(executed))
        assert numbers[: len(dict.fromkeys(executed))] == list(dict.fromkeys(executed))


@pytest.mark.parametrize(
    ("bids", "asks", "reference", "price"),
    [
        ([(10, 5)], [(9, 3)], None, 10),  # buyers are left over: they pay up
        ([(10, 3)], [(8, 5)], None, 8),  # sellers are left over: they give way
        ([(10, 5)], [(8, 5)], 9, 9),  # nobody is: the last price decides
        ([(10, 5)], [(8, 5)], 20, 10),
        ([(10, 5)], [(8, 5)], None, 8),
        ([(10, 5), (9, 5)], [(8, 5), (9, 5)], 1, 9),  # the most lots come first
        ([(8, 5)], [(9, 5)], 8, None),
        ([], [(9, 5)], 9, None),
    ],
)
def test_how_ties_are_broken(bids, asks, reference, price):
    assert (
        clearing_price(
            interest(BUY, *bids), interest(SELL, *asks), reference=reference, steps=EVERY_TICK
        )
        == price
    )


def test_cash_bounds_what_an_order_brings_to_each_price():
    buying = [Interest(Order(1, BUY, 10, 100), 100, cash=95)]
    selling = interest(SELL, (9, 4), (10, 6))
    # At 9 it could pay for ten but finds four, at 10 it can pay for nine.
    assert clearing_price(buying, selling, reference=None, steps=EVERY_TICK) == 10
    assert [pair.lots for pair in pairs(buying, selling, price=10)] == [4, 5]
