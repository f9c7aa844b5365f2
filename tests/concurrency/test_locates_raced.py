"""One locate for everybody under 16 threads of many accounts: each share of it is lent once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.entry import submission
from orders.models import Order
from risk.models import Locate
from tests import on_margin, world
from tests.placing import direct
from tests.racing import at_once
from venues.messages import Side

pytestmark = pytest.mark.usefixtures("committed")
D = Decimal
ACCOUNTS = 16


def hard_to_borrow(symbol="AAPL"):
    listed = on_margin.instrument(symbol)
    listed.easy_to_borrow = False
    listed.save()
    return listed


def locate(listed, quantity, account=None):
    tomorrow = timezone.now().date() + timedelta(days=1)
    Locate.objects.create(
        instrument=listed, account=account, quantity=D(quantity), lasts_until=tomorrow, source="L"
    )


def sell(account, quantity=10, **wanted):
    return world.limit_ticket(account, "100.00", side=Side.SELL, quantity=D(quantity), **wanted)


def test_a_locate_for_everybody_is_lent_once_however_many_accounts_race_for_it():
    listed = hard_to_borrow()
    locate(listed, 50)
    accounts = [on_margin.customer() for _ in range(ACCOUNTS)]
    locate(listed, 10, accounts[0])  # has its own, and leaves the shared one to the others
    answers = at_once(*(direct(sell(account)) for account in accounts))
    codes = [answer.order.denial_code for answer in answers]
    assert codes[0] == ""
    assert sorted(codes[1:]) == [""] * 5 + ["no_locate"] * 10


def test_batches_that_sell_two_instruments_in_either_order_do_not_wait_for_each_other():
    for symbol in ("AAPL", "MSFT"):
        locate(hard_to_borrow(symbol), 40)
    accounts = [on_margin.customer() for _ in range(ACCOUNTS)]

    def batch(number, account):
        symbols = ["AAPL", "MSFT"] if number % 2 else ["MSFT", "AAPL"]
        tickets = [sell(account, symbol=symbol) for symbol in symbols]
        return lambda: submission.submit_batch(tickets, now=timezone.now())

    at_once(*(batch(number, account) for number, account in enumerate(accounts)))
    for symbol in ("AAPL", "MSFT"):
        of = Order.objects.filter(instrument__symbol=symbol)
        assert of.filter(status="submitted").count() == 4
        assert of.filter(denial_code="no_locate").count() == ACCOUNTS - 4
