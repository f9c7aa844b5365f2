"""Prices that somebody pushes and then trades against are found, and who trades as usual is not."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from risk.findings import Severity
from risk.surveillance import ignition
from tests import flow
from tests.unit.risk.executions import AT, MY_OTHER, THEM, execution, resting

D = Decimal


def pushed(sign=1, *, count=4, quantity=100, step="0.10"):
    """Orders a quarter of a minute apart, each a tenth dearer (or cheaper) than the last."""
    return [
        execution(n, sign, quantity=quantity, price=D(100) + sign * n * D(step), after=15 * n)
        for n in range(count)
    ]


def found(*executions, orders=(), since=AT, volume=0):
    pushes = ignition.pushes(executions, orders, since=since)
    return ignition.momentum_ignition(pushes, dict.fromkeys(range(len(pushes)), D(volume)))


def used(price="100.25", *, sign=-1, quantity=400, after=60.0, **more):
    return execution(50, sign, quantity=quantity, price=price, after=after, **more)


def test_a_price_that_is_bought_up_and_sold_into():
    bought, sold = pushed(), used()
    [alert] = found(*bought, sold, volume=1_600)
    assert (alert.kind, alert.severity) == ("momentum_ignition", Severity.WARNING)
    assert alert.summary == (
        "AAPL: 400 bought in 4 orders, 25% of the volume, the price +0.30% with it; then 400 sold"
    )
    assert alert.evidence["orders"] == [each.order_id for each in bought]
    assert alert.evidence["executed"] == [sold.order_id]
    assert (alert.key, alert.happened_at) == (f"ignition:{bought[-1].order_id}", sold.at)


def test_a_price_that_is_sold_down_and_bought_back():
    [alert] = found(*pushed(-1), used("99.75", sign=1))
    assert "400 sold in 4 orders, all of the volume, the price -0.30%" in alert.summary


def test_what_another_account_of_the_person_uses_counts_and_so_do_several_orders():
    parts = [
        replace(used(quantity=100, account=MY_OTHER, after=60 + n), order_id=uuid.UUID(int=90 + n))
        for n in range(3)
    ]
    [alert] = found(*pushed(), *parts)
    assert alert.evidence["executed"] == [uuid.UUID(int=90), uuid.UUID(int=91)]


@pytest.mark.parametrize(
    ("push", "use", "volume"),
    [
        ({}, {}, 1_601),  # others traded more
        ({"count": 2, "step": "0.30", "quantity": 200}, {}, 0),  # too few orders
        ({"step": "0.09"}, {}, 0),  # hardly a move
        ({"quantity": 62}, {}, 0),  # below the floor
        ({}, {"price": "100.14"}, 0),  # most of the move is lost again
        ({}, {"quantity": 199}, 0),  # most of it is kept
        ({}, {"after": 346}, 0),  # minutes later
        ({}, {"owner": THEM}, 0),
        ({}, {"sign": 1}, 0),
    ],
)
def test_what_is_less_than_that_is_left_alone(push, use, volume):
    assert found(*pushed(**push), used(**use), volume=volume) == []


def test_a_push_is_told_up_to_its_edges():
    assert len(found(*pushed(quantity=63), used("100.15", quantity=126, after=345))) == 1


def test_who_is_executed_where_he_had_shown_his_price_pushes_nothing():
    bought = pushed()
    waited = [
        resting(n, order_id=each.order_id, placed_at=each.at - timedelta(seconds=2))
        for n, each in enumerate(bought)
    ]
    at_once = [replace(each, placed_at=each.placed_at + timedelta(seconds=1)) for each in waited]
    assert found(*bought, used(), orders=waited) == []
    assert len(found(*bought, used(), orders=at_once)) == 1


def test_a_price_that_came_back_between_ends_the_push():
    first, second, third, last = pushed()
    back = replace(third, price=D("100.05"))
    assert found(first, second, back, last, used()) == []


def test_it_is_told_when_it_is_complete_and_once():
    fills = [*pushed(), used()]
    assert len(found(*fills, since=AT + timedelta(seconds=60))) == 1
    assert found(*fills, since=AT + timedelta(seconds=61)) == []
    again = [
        replace(each, order_id=uuid.UUID(int=70 + n), at=each.at + timedelta(minutes=10))
        for n, each in enumerate(fills)
    ]
    assert len(found(*fills, *again)) == 2


def test_it_has_one_name_also_when_its_first_orders_are_too_long_ago_to_be_read():
    first, *others = [*pushed(count=5, step="0.11"), used("100.44", after=75)]
    [whole], [rest] = found(first, *others), found(*others)
    assert whole.key == rest.key


def test_of_usual_customers_nothing_is_found_and_of_what_is_planted_everything():
    executions, orders = [], []
    for customer in flow.customers(80, seed=3):
        for day in range(10):
            customer.trade(flow.OPENS + timedelta(days=day))
        executions += customer.executions
        orders += customer.orders
    # Even if nobody else had traded.
    assert (len(executions), found(*executions, orders=orders, since=flow.OPENS)) == (8_891, [])
    planted = found(*executions, *pushed(), used(), orders=orders, since=flow.OPENS)
    assert [each.key for each in planted] == [f"ignition:{pushed()[-1].order_id}"]
