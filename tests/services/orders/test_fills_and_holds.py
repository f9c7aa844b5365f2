"""What a fill costs to the cent, and what its order has set aside for it."""

from decimal import Decimal

import pytest
from django.utils import timezone

from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Step
from portfolio.models import Balance, Hold
from tests import world
from tests.invariants import broken
from tests.placing import parked_reason, place, state

pytestmark = pytest.mark.django_db

D = Decimal


def test_a_crypto_fill_of_many_decimals_is_exact(venue, db):
    world.instrument("BTC/USD", bid="108450.36", ask="108450.37", increment="0.00000001")
    account = world.customer(cash="100000.00")
    order = place(world.ticket(account, symbol="BTC/USD", quantity=D("0.12345678")))
    venue.fills(order, "0.12345678", "108450.37")
    world.apply_reports()
    assert state(order) == ("filled", D("0.12345678"))
    assert order.filled_value == D("13388.9334700086")
    assert broken() == set()


def test_a_fill_that_costs_more_than_its_hold_and_the_cash_is_parked(venue, db):
    world.instrument()
    account = world.customer(cash="1030.00")
    order = place(world.ticket(account))
    venue.fills(order, "10", "103.01")
    world.apply_reports()
    assert state(order) == ("submitted", D(0))
    assert "it takes 1030.1 USD, 1030 is available" in parked_reason()
    assert Balance.objects.get(account=account, asset="USD").amount == D("1030.00")


def test_a_fill_is_booked_although_the_deposit_that_paid_for_it_came_back(venue, db):
    """What the order had set aside is its own: the customer then owes it."""
    world.instrument()
    account = world.customer(cash="1000.00")
    order = place(world.limit_ticket(account, "100.00"))
    deposit = Funding.objects.get(account=account)
    funding.take(deposit.pk, Step.RETURN, actor="rule:bank", reason="unpaid", now=timezone.now())
    venue.fills(order, "10", "100.00")
    world.apply_reports()
    assert state(order) == ("filled", D(10))
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.held) == (D("-1000.00"), D(0))
    assert broken() == set()


def test_a_cent_that_a_fill_has_not_cost_yet_is_kept_for_the_next(venue, db):
    """Half a cent rounds to nothing first; with what follows the order costs all it held."""
    fractional = world.instrument(increment="0.001", bid="0.99", ask="1.00")
    fractional.fractionable = True
    fractional.save()
    account = world.customer(cash="1.01")
    order = place(world.limit_ticket(account, "1.00", quantity=D("1.010")))
    venue.fills(order, "0.005", "1.00")
    world.apply_reports()
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.held) == (D("1.01"), D("1.01"))
    assert broken() == set()
    venue.fills(order, "1.005", "1.00")
    world.apply_reports()
    cash.refresh_from_db()
    assert (cash.amount, cash.held) == (D(0), D(0))
    assert state(order) == ("filled", D("1.010"))
    assert broken() == set()


def test_a_hold_of_the_older_rule_may_lack_a_cent_and_its_fill_is_booked(venue, db):
    """The cent that was freed too early has been withdrawn: it is owed, not left unbooked."""
    fractional = world.instrument(increment="0.001", bid="0.99", ask="1.00")
    fractional.fractionable = True
    fractional.save()
    account = world.customer(cash="1.01")
    order = place(world.limit_ticket(account, "1.00", quantity=D("1.010")))
    venue.fills(order, "0.005", "1.00")
    world.apply_reports()
    Hold.objects.filter(order_id=order.pk).update(remaining=D("1.00"))
    Balance.objects.filter(account=account, asset="USD").update(held=D("1.00"))
    assert broken() == set()
    funding.request_withdrawal(
        account_id=account.pk,
        payee_id=world.payee(account).pk,
        amount=D("0.01"),
        reference="W1",
        actor="user",
        now=timezone.now(),
    )
    venue.fills(order, "1.005", "1.00")
    world.apply_reports()
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.held) == (D("-0.01"), D(0))
    assert state(order) == ("filled", D("1.010"))
    assert broken() == set()
