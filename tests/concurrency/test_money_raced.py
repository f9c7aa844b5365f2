"""Money and corporate actions under many threads, with real transactions: each effect once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account, User
from orders.entry import submission
from portfolio import interest
from portfolio.actions import entitlements
from portfolio.actions.models import Entitlement
from portfolio.funding import services as funding
from portfolio.funding.models import FundingStep, InterestDay
from portfolio.funding.passage import Step
from portfolio.models import Balance, Position, Transfer
from tests import invariants, issuers, world
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal
THREADS = 16


def cash(account: Account) -> Decimal:
    return Balance.objects.get(account=account, asset="USD").amount


def withdrawal(account: Account, reference: str, amount: str = "1000.00"):
    payee = world.payee(account)

    def ask() -> bool:
        try:
            funding.request_withdrawal(
                account_id=account.pk, payee_id=payee.pk, amount=D(amount),
                reference=reference, actor="user:x", now=timezone.now(),
            )  # fmt: skip
        except funding.UnableToWithdraw:
            return False
        return True

    return ask


def test_racing_withdrawals_and_orders_never_spend_the_same_cash() -> None:
    """Eight withdrawals and eight orders of 1,000 each race for 5,500: five get it."""
    world.instrument()
    account = world.customer(cash="5500.00")

    def order():
        ticket = world.limit_ticket(account, "100.00")
        return lambda: (
            submission.submit_batch([ticket], now=timezone.now())[0].order.status == "submitted"
        )

    jobs = [withdrawal(account, f"W{n}") for n in range(8)] + [order() for _ in range(8)]
    assert sum(at_once(*jobs)) == 5
    balance = Balance.objects.get(account=account, asset="USD")
    assert balance.available == D(500)
    invariants.assert_hold()


def test_one_reference_is_one_withdrawal_however_often_it_is_asked_for() -> None:
    account = world.customer(cash="5500.00")
    assert all(at_once(*(withdrawal(account, "same") for _ in range(THREADS))))
    assert cash(account) == D(4500)
    assert Transfer.objects.filter(kind="withdrawal").count() == 1


def test_a_step_that_everybody_takes_is_taken_once() -> None:
    account = world.customer(cash="0")
    found = funding.expect_deposit(
        account_id=account.pk, amount=D(50), reference="R", actor="operator:x", now=timezone.now()
    )

    def settle() -> bool:
        return funding.take(
            found.pk, Step.SETTLE, actor="operator:y", reason="", now=timezone.now()
        )

    assert sum(at_once(*[settle] * THREADS)) == 1
    assert (cash(account), FundingStep.objects.filter(funding=found).count()) == (D(50), 2)


def test_two_people_approve_at_once_and_one_counts() -> None:
    account = world.customer()
    withdrawal(account, "W", "20000.00")()
    found = funding.Funding.objects.get(reference="W")
    funding.approve(found.pk, by=issuers.person(), reason="Yes", now=timezone.now())

    def approve(by: User):
        def run() -> bool:
            try:
                funding.approve(found.pk, by=by, reason="Yes", now=timezone.now())
            except funding.UnableToCarryOn:
                return False
            return True

        return run

    people = [issuers.person(f"p{n}") for n in range(THREADS)]
    assert sum(at_once(*(approve(each) for each in people))) == 1
    states = [step.state for step in FundingStep.objects.filter(funding=found)]
    assert states == ["requested", "approved"]


def test_actions_that_everybody_carries_out_happen_once_while_money_moves() -> None:
    aapl, venue = world.instrument(), world.Venue()
    accounts = [world.customer() for _ in range(4)]
    for account in accounts:
        world.own(account, "AAPL", "13", venue, price="100.00")
    before = [cash(account) for account in accounts]
    action = issuers.split(aapl, 1, 10, price="950")

    def entitle() -> int:
        return entitlements.entitle(action, now=timezone.now()).entitled

    def spend(number: int):
        return withdrawal(accounts[number % 4], f"W{number}", "10.00")

    done = at_once(*[entitle] * 8, *(spend(n) for n in range(8)))
    assert sum(done[:8]) == 4
    assert Entitlement.objects.count() == 4
    assert [Position.objects.get(account=each).quantity for each in accounts] == [D(1)] * 4
    assert [cash(each) for each in accounts] == [was + D(285) - D(20) for was in before]
    invariants.assert_hold()


def test_a_day_accrues_once_however_many_jobs_run() -> None:
    now = timezone.now()
    assert sum(at_once(*[lambda: interest.accrue(now=now)] * THREADS)) == 1
    assert InterestDay.objects.count() == 1
