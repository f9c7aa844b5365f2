"""What a switch has stopped is answered, and never sent."""

from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.conversing import VENUE, answers, cancel_of, is_unsent, new_order, put
from venues import outbox, withheld
from venues.messages import (
    NewOrder,
    ReplaceOrder,
)

pytestmark = pytest.mark.django_db


ACCOUNT, OTHER = uuid.uuid4(), uuid.uuid4()


def block(**scope) -> uuid.UUID:
    key = uuid.uuid4()
    nothing = {"order_id": None, "account_id": None, "symbol": "", "venue": ""}
    withheld.block(key, **{**nothing, **scope}, code="kill_switch", now=timezone.now())
    return key


def of_account(account, **changes) -> NewOrder:
    return replace(new_order(), party=str(account), **changes)


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ({}, [0, 1, 2]),
        ({"account_id": ACCOUNT}, [0, 1]),
        ({"symbol": "MSFT"}, [1]),
        ({"account_id": ACCOUNT, "symbol": "AAPL"}, [0]),
        ({"account_id": OTHER, "symbol": "MSFT"}, []),
        ({"venue": VENUE}, [0, 1, 2]),
        ({"venue": "ELSEWHERE"}, []),
    ],
)
def test_what_is_blocked_is_answered_and_never_sent(talk, scope, stopped):
    orders = [of_account(ACCOUNT), of_account(ACCOUNT, symbol="MSFT"), of_account(OTHER)]
    put(*orders)
    block(**scope)
    talk.go_on()
    assert talk.stand.requests == [o for n, o in enumerate(orders) if n not in stopped]
    assert answers() == [
        ("rejected", orders[number].client_order_id, "kill_switch") for number in stopped
    ]
    assert not is_unsent()


def test_a_block_of_one_order_stops_that_one_and_its_replacement(talk):
    order, other = new_order(), new_order()
    put(order, other)
    talk.go_on()
    block(order_id=uuid.UUID(order.client_order_id))
    change, unlike = (
        ReplaceOrder(each.client_order_id, str(uuid.uuid4()), Decimal(20), Decimal("99.99"))
        for each in (order, other)
    )
    put(change, unlike)
    talk.go_on()
    assert talk.stand.requests == [order, other, unlike]
    assert answers() == [("replace_rejected", change.new_client_order_id, "kill_switch")]


def test_a_replacement_is_blocked_by_the_account_that_its_message_is_filed_under(talk):
    change = ReplaceOrder(str(uuid.uuid4()), str(uuid.uuid4()), Decimal(20), Decimal("99.99"))
    outbox.enqueue(
        [
            outbox.message(
                venue=VENUE,
                order_id=uuid.UUID(change.new_client_order_id),
                request=change,
                now=timezone.now(),
                party=str(ACCOUNT),
                symbol="AAPL",
            )
        ]
    )
    block(account_id=ACCOUNT)
    talk.go_on()
    assert talk.stand.requests == []
    assert answers() == [("replace_rejected", change.new_client_order_id, "kill_switch")]


def test_cancels_are_always_sent(talk):
    order = of_account(ACCOUNT)
    put(order)
    talk.go_on()
    block()
    cancel = cancel_of(order)
    put(cancel)
    talk.go_on()
    assert talk.stand.requests == [order, cancel]


def test_an_order_that_is_blocked_while_it_was_in_doubt_is_not_sent_if_it_never_arrived(talk):
    order = of_account(ACCOUNT)
    put(order)
    talk.conversation.open()
    talk.stand.cut = "before"
    talk.go_on()
    block(account_id=ACCOUNT)
    talk.stand.cut = None
    talk.go_on()
    assert talk.stand.requests == []
    assert answers() == [("rejected", order.client_order_id, "kill_switch")]


def test_once_a_block_is_lifted_later_orders_are_sent_and_what_was_answered_is_not(talk):
    first, second = of_account(ACCOUNT), of_account(ACCOUNT)
    key = block(account_id=ACCOUNT)
    put(first)
    talk.go_on()
    withheld.lift(key, now=timezone.now())
    put(second)
    talk.go_on()
    assert talk.stand.requests == [second]
