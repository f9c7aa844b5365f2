"""Patterns that deceive the market are found among customers who trade as usual."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from risk.findings import Severity
from risk.surveillance import manipulation
from risk.surveillance.manipulation import SHIPPED, Ending
from tests import flow
from tests.unit.risk.executions import (
    AT,
    MINE,
    MY_OTHER,
    PAPER,
    THEIRS,
    THEM,
    D,
    execution,
    resting,
)


def washed(*executions, since=AT):
    return manipulation.wash_trades(executions, since=since)


# --- Wash trades ---------------------------------------------------------------------------------


def test_two_accounts_of_one_person_at_one_price_and_moment():
    [found] = washed(execution(1, 1), execution(2, -1, account=MY_OTHER, after=1))
    assert (found.kind, found.severity) == ("wash_trade", Severity.SEVERE)
    assert found.evidence["orders"] == [uuid.UUID(int=10_001), uuid.UUID(int=10_002)]
    assert found.evidence["accounts"] == [str(MINE), str(MY_OTHER)]


def test_two_accounts_of_one_person_minutes_apart():
    [found] = washed(execution(1, 1), execution(2, -1, account=MY_OTHER, after=299, price="100.05"))
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize(
    "other",
    [
        {"owner": THEM, "account": THEIRS},
        {"after": 301},
        {"price": "100.06"},
        {"quantity": 106},
        {"quantity": 94},
        {"sign": 1},
    ],
)
def test_other_people_later_dearer_more_or_less_of_it_are_no_pair(other):
    terms = {"sign": -1, "account": MY_OTHER, **other}
    assert washed(execution(1, 1), execution(2, terms.pop("sign"), **terms)) == []


def test_one_account_may_change_its_mind_twice_and_not_a_third_time():
    fills = [
        execution(n, (-1) ** n, after=45 * n, price=D(100) + D("0.01") * (n % 3)) for n in range(6)
    ]
    assert washed(*fills[:5]) == []
    [found] = washed(*fills)
    assert (found.severity, found.evidence["pairs"]) == (Severity.WARNING, 3)


def test_an_account_that_meets_itself_is_found_at_once():
    [found] = washed(execution(1, 1), execution(2, -1, after=2))
    assert "at one price and time" in found.summary
    assert washed(execution(1, 1), execution(2, -1, after=2.1)) == []


def test_many_small_fills_are_one_order():
    bought = [replace(execution(n, 1, quantity=10), order_id=uuid.UUID(int=5)) for n in range(10)]
    [found] = washed(*bought, execution(50, -1, account=MY_OTHER))
    assert found.evidence["quantities"] == [D(100), D(100)]


def test_what_was_looked_at_before_is_only_counted():
    pair = execution(1, 1), execution(2, -1, account=MY_OTHER)
    assert washed(*pair, since=AT + timedelta(seconds=1)) == []


# --- Layering ------------------------------------------------------------------------------------


def layered(orders, *executions, since=AT):
    return manipulation.layering(executions or [execution(1, -1)], orders, since=since)


def test_orders_to_buy_shown_around_a_sale_and_taken_away():
    layers = [resting(n, price=f"99.{90 - n}") for n in range(3)]
    [found] = layered(layers)
    assert found.kind == "layering"
    assert found.evidence["layers"] == [each.order_id for each in layers]
    assert found.summary == (
        "AAPL: 3 orders to buy 300 shown and cancelled around 100 sold at 100.00"
    )


def test_orders_to_sell_shown_around_a_purchase():
    layers = [resting(n, sign=-1, price="100.10") for n in range(3)]
    [found] = layered(layers, execution(1, 1))
    assert "3 orders to sell 300 shown and cancelled around 100 bought" in found.summary


@pytest.mark.parametrize(
    "one",
    [
        {"cancelled": None},
        {"cancelled": 31},
        {"cancelled": -1},
        {"entered": -121},
        {"entered": 1},
        {"filled_quantity": D(1)},
        {"price": "99.99"},  # at the touch, where it would have been executed
        {"sign": -1},
        {"owner": THEM},
        {"quantity": 99},  # not three times what was sold
    ],
)
def test_one_layer_that_was_meant_is_enough_to_leave_it_alone(one):
    assert layered([resting(0), resting(1), resting(2, **one)]) == []


def test_a_pattern_is_told_when_it_is_complete_and_not_before():
    layers = [resting(n, cancelled=5 + n) for n in range(3)]
    assert len(layered(layers, since=AT + timedelta(seconds=7))) == 1
    assert layered(layers, since=AT + timedelta(seconds=8)) == []


# --- The close -----------------------------------------------------------------------------------


def ending(**terms):
    close = AT + timedelta(minutes=10)
    return Ending(
        **{
            "instrument_id": PAPER,
            "since": AT,
            "close": close,
            "volume": D(2_000),
            "before": D("100.00"),
            "last": D("100.30"),
            **terms,
        }
    )


def closing(*executions, **terms):
    return manipulation.marking_the_close(executions, [ending(**terms)])


def test_buying_a_quarter_of_the_last_minutes_while_the_price_rises():
    buys = [execution(n, 1, after=60 * n) for n in range(5)]
    [found] = closing(*buys)
    assert found.kind == "marking_close"
    assert "25% of the volume before the close, the price +0.30% with it" in found.summary


@pytest.mark.parametrize(
    "terms", [{"volume": D(2_001)}, {"last": D("100.29")}, {"last": D("99.00")}]
)
def test_a_smaller_share_or_move_or_the_other_way_is_left_alone(terms):
    assert closing(*[execution(n, 1, after=60 * n) for n in range(5)], **terms) == []


def test_selling_into_a_fall_counts_too_and_both_ways_does_not():
    assert len(closing(*[execution(n, -1) for n in range(5)], last=D("99.70"))) == 1
    assert closing(*[execution(n, (-1) ** n) for n in range(5)], last=D("99.70")) == []


# --- Usual customers -----------------------------------------------------------------------------


def test_of_usual_customers_hardly_anything_is_found_and_what_is_planted_is():
    executions, orders = [], []
    people = list(flow.customers(80, seed=3))
    for customer in people:
        for day in range(10):
            customer.trade(flow.OPENS + timedelta(days=day))
        executions += customer.executions
        orders += customer.orders
    usual = manipulation.wash_trades(executions, since=flow.OPENS)
    usual += manipulation.layering(executions, orders, since=flow.OPENS)
    assert (len(executions), len(orders), len(usual)) == (8_891, 5_733, 0)
    told = {each.key for each in usual}

    wash = [execution(1, 1), execution(2, -1, account=MY_OTHER)]
    spoof = [resting(n, owner=THEM, account_id=THEIRS) for n in range(SHIPPED.layers)]
    sale = execution(3, -1, owner=THEM, account=THEIRS)
    planted = manipulation.wash_trades([*executions, *wash, sale], since=flow.OPENS)
    planted += manipulation.layering([*executions, *wash, sale], [*orders, *spoof], since=AT)
    assert {each.key for each in planted} - told == {
        f"wash:{wash[0].order_id}:{wash[1].order_id}",
        f"layering:{sale.order_id}",
    }
