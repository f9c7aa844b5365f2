"""Money that comes in."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import activity
from portfolio import selectors, services
from portfolio.models import Balance, Transfer
from tests import world

pytestmark = pytest.mark.django_db


def deposit(account, amount, reference="R1"):
    return services.deposit(
        account_id=account.pk,
        amount=Decimal(amount),
        reference=reference,
        actor="operator:test",
        now=timezone.now(),
    )


def test_a_deposit_moves_cash_from_the_bank_to_the_customer():
    account = world.customer(cash="0")
    assert deposit(account, "12.34")
    transfer = Transfer.objects.get()
    assert (transfer.debit.kind, transfer.credit.kind) == ("bank", "customer")
    assert Balance.objects.get(account=account).amount == Decimal("12.34")
    [told] = activity.since(account.pk, 0)
    assert (told.kind, told.payload) == ("money.deposited", {"amount": "12.34", "asset": "USD"})


def test_the_same_reference_deposits_once():
    account = world.customer(cash="0")
    assert [deposit(account, "5.00"), deposit(account, "5.00")] == [True, False]
    assert Balance.objects.get(account=account).amount == Decimal("5.00")


def test_the_same_reference_for_another_amount_is_refused():
    account = world.customer(cash="0")
    deposit(account, "5.00")
    with pytest.raises(services.UnableToDeposit, match="another amount"):
        deposit(account, "6.00")


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1.005"])
def test_what_is_no_amount_of_money_is_refused(amount):
    account = world.customer(cash="0")
    with pytest.raises(services.UnableToDeposit):
        deposit(account, amount)
    assert not Transfer.objects.exists()


def test_a_deposit_is_no_profit():
    account = world.customer(cash="500.00")
    snapshot = selectors.snapshot(account.pk)
    assert (snapshot.equity, snapshot.profit_day) == (Decimal("500.00"), 0)
