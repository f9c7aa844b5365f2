"""The first row of an order's history is the order as it was placed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from foundation import trips
from orders import history
from orders.batch import AlreadyPlaced
from orders.entry import desk as desks
from orders.entry import placing, submission
from orders.history import Cause
from orders.models import Order
from orders.tickets import Actor, OrderClass, StopLoss
from tests import world
from venues.messages import OrderType, Side

pytestmark = pytest.mark.django_db

COLUMNS = [field.attname for field in Order._meta.concrete_fields]


def test_each_order_of_a_batch_has_its_own_first_step():
    world.instrument()
    rich, poor = world.customer(), world.customer(cash="1.00")
    bracket = world.limit_ticket(
        rich,
        "90.00",
        order_class=OrderClass.BRACKET,
        take_profit=Decimal("110.00"),
        stop_loss=StopLoss(Decimal("80.00")),
    )
    answers = submission.submit_batch(
        [
            world.limit_ticket(rich, "90.00", display_quantity=Decimal(0)),
            world.ticket(poor),
            world.ticket(rich, type=OrderType.STOP, stop_price=Decimal("120.00"), limit_price=None),
            bracket,
            world.ticket(rich, quantity=None, notional=Decimal("50.00")),
        ],
        now=timezone.now(),
    )
    told = [(answer.order.status, answer.order.denial_code) for answer in answers]
    assert told == [
        ("submitted", ""),
        ("rejected", "insufficient_buying_power"),
        ("held", ""),
        ("submitted", ""),
        ("rejected", "not_fractionable"),
    ]
    placed = [answer.order for answer in answers] + list(answers[3].legs)
    for order in placed:
        [first] = history.steps(order.pk)
        assert first.history_type == "+"
        assert first.actor.startswith("user:")
        stored = Order.objects.get(pk=order.pk)
        assert [getattr(first, c) for c in COLUMNS] == [getattr(stored, c) for c in COLUMNS]
        assert [getattr(order, c) for c in COLUMNS] == [getattr(stored, c) for c in COLUMNS]


def test_what_was_placed_takes_no_further_step_in_its_batch():
    world.instrument()
    account = world.customer()
    ticket = world.limit_ticket(account, "90.00", side=Side.BUY)
    with trips.together():
        opened = desks.open_desk([ticket])
        locked = opened.batch.accounts[account.pk]
        order = placing.place(opened, locked, ticket).order
        cause = Cause(Actor("rule", "test"), opened.batch.now, "Once more")
        with pytest.raises(AlreadyPlaced):
            opened.batch.keep(order, cause, "submitted")
    assert not Order.objects.exists()
