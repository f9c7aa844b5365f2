"""Coins that are withdrawn and sold at once, with real threads: one of the two has them."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.locks import LockedAccount
from accounts.models import Account
from marketdata.models import Quote
from orders.entry import submission
from portfolio.funding import moves
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Step
from portfolio.models import Balance, Lot
from tests import invariants, world
from tests.racing import at_once
from venues.messages import Side

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal


def with_coins() -> Account:
    world.coin()
    account = world.customer()
    world.own(account, "BTC/USD", "1", world.Venue(), price="90.00")
    return account


def withdrawal(account: Account, reference: str):
    payee, at = world.coin_payee(account), Quote.objects.get().received_at

    def ask() -> bool:
        try:
            funding.request_withdrawal(
                account_id=account.pk, payee_id=payee.pk, coin="BTC", amount=D("0.9999"),
                reference=reference, actor="user:x", now=at,
            )  # fmt: skip
        except funding.UnableToWithdraw:
            return False
        return True

    return ask


def sale(account: Account):
    ticket = world.limit_ticket(
        account, "120.00", symbol="BTC/USD", side=Side.SELL, quantity=D(1)
    )  # fmt: skip

    def sell() -> bool:
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        return bool(answer.order.status == "submitted")

    return sell


def test_what_is_withdrawn_and_sold_at_once_goes_one_way():
    account = with_coins()
    jobs = [withdrawal(account, f"W{n}") for n in range(6)] + [sale(account) for _ in range(6)]
    assert sum(at_once(*jobs)) == 1
    assert Balance.objects.get(account=account, asset="BTC/USD").available == 0
    invariants.assert_hold()


def test_its_twin_without_the_lock_lets_the_same_coins_leave_twice():
    """Two who have both read the books before either has written."""
    account = cast("LockedAccount", with_coins())
    asked = [_unbooked(account, f"W{n}") for n in range(2)]
    with transaction.atomic():
        both = [moves.opened_for(account, "BTC/USD") for _ in asked]
        for opened in both:
            assert opened.available(account, "BTC/USD") == D(1)
            assert moves.unsettled(account, opened, "BTC/USD", now=timezone.now()) == 0
        for opened, each in zip(both, asked, strict=True):
            moves.set_aside(account, opened, each, timezone.now())
            opened.close()
        assert sum(each.total for each in asked) == 2
        assert Balance.objects.get(account=account, asset="BTC/USD").amount == 0
        transaction.set_rollback(True)
    assert Lot.objects.get().quantity == 1


def _unbooked(account: Account, reference: str) -> Funding:
    return Funding(
        account=account, direction="withdrawal", asset="BTC/USD", amount=D("0.9999"),
        fee=D("0.0001"), value=D(100), reference=reference, state="requested",
    )  # fmt: skip


def test_a_payment_that_is_sent_and_cancelled_at_once_is_one_of_the_two():
    account = with_coins()
    withdrawal(account, "W")()
    found = Funding.objects.get(asset="BTC/USD")
    Funding.objects.filter(pk=found.pk).update(state="approved")

    def take(step: Step):
        def run() -> bool:
            try:
                return funding.take(found.pk, step, actor="rule:x", reason="", now=timezone.now())
            except funding.UnableToCarryOn:
                return False

        return run

    assert sum(at_once(*[take(Step.SEND)] * 4, *[take(Step.CANCEL)] * 4)) == 1
    left = Balance.objects.get(account=account, asset="BTC/USD").amount
    assert left == (0 if Funding.objects.get(pk=found.pk).state == "sent" else 1)
    invariants.assert_hold()
