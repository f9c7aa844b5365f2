"""An estimate is the order's own decision, and leaves nothing behind."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import InternalError, connection, transaction

from accounts import locks
from accounts.models import Account
from orders.entry import estimating, submission
from orders.entry.estimating import Estimate
from orders.models import Order
from orders.tickets import Refusal
from portfolio.models import Balance, Hold
from risk.models import Decision
from tests import on_margin, world
from venues.messages import Side
from venues.models import OutboxMessage

pytestmark = pytest.mark.usefixtures("db")
D = Decimal


def told(ticket: object) -> Estimate:
    found = estimating.estimate(ticket)  # type: ignore[arg-type]
    assert isinstance(found, Estimate), found
    return found


def traces() -> tuple[object, ...]:
    return (
        *(model.objects.count() for model in (Order, Hold, Decision, OutboxMessage)),
        sorted(Balance.objects.values_list("asset", "amount", "held")),
        sorted(Account.objects.values_list("activity_sequence", flat=True)),
    )


def test_an_estimate_says_what_the_order_then_holds_and_leaves_nothing() -> None:
    world.instrument("AAPL", bid="99.99", ask="100.00")
    account = world.customer(cash="10000.00")
    ticket = world.limit_ticket(account, "101.00", quantity=D(10))
    before = traces()
    found = told(ticket)
    assert traces() == before
    assert (found.price, found.worst) == (D("100.00"), D("101.00"))
    assert (found.value, found.fees, found.total) == (D("1000.00"), (), D("1000.00"))
    assert (found.held_asset, found.held) == ("USD", D("1010.00"))
    assert (found.power_before, found.power_after) == (D("10000.00"), D("8990.00"))
    assert found.margin is None
    [answer] = submission.submit_batch([ticket])
    assert answer.order is not None
    assert Hold.objects.get(order_id=answer.order.pk).remaining == found.held


def test_a_sale_names_its_fees() -> None:
    world.instrument("AAPL", bid="99.99", ask="100.00")
    account = world.customer(cash="10000.00")
    world.own(account, "AAPL", "15", world.Venue(), price="100.00")
    found = told(world.limit_ticket(account, "90.00", side=Side.SELL, quantity=D(15)))
    names = dict(found.fees)
    assert set(names) == {"section_31", "taf"}
    assert found.value == D("1499.85")
    assert found.total == found.value - sum(names.values())
    assert (found.held, found.order.position_intent) == (D(15), "sell_to_close")


def test_what_is_too_dear_is_denied_with_the_quantity_that_would_do() -> None:
    world.instrument("AAPL", bid="99.99", ask="100.00")
    account = world.customer(cash="1000.00")
    found = told(world.limit_ticket(account, "100.00", quantity=D(11)))
    assert found.order.denial_code == "insufficient_buying_power"
    assert (found.held, found.power_after) == (D("1100.00"), None)
    assert found.quantity_max == D(10)
    assert not told(world.limit_ticket(account, "100.00", quantity=D(10))).order.denial_code
    assert not Order.objects.exists()


def test_a_short_sale_changes_what_a_margin_account_must_have() -> None:
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    found = told(world.limit_ticket(account, "99.00", side=Side.SELL, quantity=D(50)))
    assert found.order.position_intent == "sell_to_open"
    assert found.margin is not None
    before, after = found.margin
    assert (before.initial, before.maintenance, before.cash) == (D(0), D(0), D("10000.00"))
    assert found.total is not None
    assert after.cash == D("10000.00") + found.total
    assert after.initial == D("2499.88")  # half of 50 x 99.995
    assert after.short_value < 0
    assert found.power_after is not None
    assert found.power_after < found.power_before == D("20000.00")


def test_a_margin_purchase_that_is_too_large_is_told_what_would_do() -> None:
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    found = told(world.limit_ticket(account, "100.00", quantity=D(300)))
    assert found.order.denial_code == "insufficient_buying_power"
    assert found.quantity_max == D(200)


def test_what_makes_no_order_is_refused() -> None:
    account = world.customer(cash="1000.00")
    found = estimating.estimate(world.limit_ticket(account, "100.00", symbol="NONE"))
    assert isinstance(found, Refusal)
    assert found.code == "unknown_symbol"


def test_who_only_looks_can_write_nothing() -> None:
    account = world.customer(cash="1000.00")
    with transaction.atomic():
        locks.ask_unlocked([account.pk]).get()
        with pytest.raises(InternalError, match="read-only"), connection.cursor() as cursor:
            cursor.execute("UPDATE accounts_account SET tier = 'x' WHERE id = %s", [account.pk])
        transaction.set_rollback(True)
    assert Account.objects.get().tier == "standard"
