"""Withdrawals of margin accounts: never the proceeds of a short sale, never what is required."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Quote
from portfolio.funding.services import UnableToWithdraw
from portfolio.models import Balance
from risk.margin import withdrawing
from tests import on_margin, world
from tests.on_margin import submit
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal


def withdraw(account, amount):
    return withdrawing.request_withdrawal(
        account_id=account.pk,
        payee_id=world.payee(account).pk,
        amount=D(amount),
        reference=f"out {amount}",
        actor="user:test",
        now=timezone.now(),
    )


def cash(account):
    return Balance.objects.get(account=account, asset="USD").amount


def test_the_proceeds_of_a_short_sale_stay():
    on_margin.instrument()
    account, venue = on_margin.customer(cash="10000.00"), world.Venue()
    ticket = world.limit_ticket(account, "100.00", side=Side.SELL, quantity=D(100))
    [answer] = submit(ticket)
    venue.fills(answer.order, "100", "100.00")
    world.apply_reports()
    Quote.objects.update(last=D(100))
    before = cash(account)
    free = on_margin.standing(account).withdrawable
    assert D(4990) < free <= D(5000)  # half of the 10,000, less the fees of the sale
    with pytest.raises(UnableToWithdraw):
        withdraw(account, free + D("0.01"))
    assert cash(account) == before
    withdraw(account, free)
    assert on_margin.standing(account).withdrawable == 0
    assert cash(account) == before - free


def test_a_cash_account_withdraws_what_it_has():
    account = world.customer(cash="100.00")
    with pytest.raises(UnableToWithdraw):
        withdraw(account, "100.01")
    withdraw(account, "100.00")
    assert cash(account) == 0


def test_nothing_leaves_while_a_position_has_no_price():
    on_margin.instrument()
    account, venue = on_margin.customer(cash="10000.00"), world.Venue()
    world.own(account, "AAPL", "10", venue, price="100.00")
    Quote.objects.update(doubts=1)
    with pytest.raises(UnableToWithdraw):
        withdraw(account, "1.00")


def test_coins_leave_a_margin_account_that_still_has_what_it_must():
    """It owes 1,402.50 for shares worth 3,000: 2,000 of equity have to stay beside the loan."""
    aapl, coin, venue = on_margin.instrument(), world.coin(), world.Venue()
    account = on_margin.customer(cash="2600.00")
    world.own(account, "BTC/USD", "10", venue, price="100.00")
    world.own(account, "AAPL", "30", venue, price="100.00")
    now = timezone.now()
    for each in (aapl, coin):
        world.quote(each, bid="100.00", ask="100.00", at=now)

    def leave(amount):
        return withdrawing.request_withdrawal(
            account_id=account.pk, payee_id=world.coin_payee(account).pk, coin="BTC",
            amount=D(amount), reference=f"coins {amount}", actor="user:test", now=now,
        )  # fmt: skip

    with pytest.raises(UnableToWithdraw) as refused:
        leave("6")
    assert refused.value.code == "insufficient_funds"
    assert leave("5.9").value == D("590.01")
    assert Balance.objects.get(account=account, asset="BTC/USD").amount == D("4.0999")
