"""What a custodian is told of withdrawals of coins, and what its answers make of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from django.utils import timezone

from accounts.models import Account, User
from portfolio.custody import paying_out, simulated
from portfolio.custody.custodian import OutOfReach, Payment, Refused, Standing
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Step
from portfolio.models import Balance, Payee
from reconciliation.invariants import check_invariants
from tests import world

pytestmark = pytest.mark.django_db

D = Decimal
HERE = "tests.services.portfolio.test_paying_out"


class Told:
    """A custodian that answers as a test has said, and keeps what it was told."""

    payments: ClassVar[list[Payment]] = []
    fails: ClassVar[list[Exception]] = []
    standings: ClassVar[list[Standing]] = []

    def send(self, payment: Payment) -> str:
        self.payments.append(payment)
        if self.fails:
            raise self.fails.pop()
        return f"tx {payment.id}"

    def standing(self, payment: Payment, transaction: str, *, now: datetime) -> Standing:
        return self.standings[-1] if self.standings else Standing()


@pytest.fixture(autouse=True)
def custodian(settings):
    settings.COIN_CUSTODIAN = f"{HERE}.Told"
    yield
    for kept in (Told.payments, Told.fails, Told.standings):
        kept.clear()


@pytest.fixture
def account(db) -> Account:
    world.coin()
    owner = world.customer()
    world.own(owner, "BTC/USD", "2", world.Venue(), price="90.00")
    return owner


def approved(account: Account, amount: str = "1") -> Funding:
    quoted = timezone.now()
    world.quote(of_bitcoin(), bid="99.99", ask="100.00", at=quoted)
    found = funding.request_withdrawal(
        account_id=account.pk, payee_id=world.coin_payee(account).pk, coin="BTC",
        amount=D(amount), reference=amount, actor="user:test", now=quoted,
    )  # fmt: skip
    by = User.objects.create_user(f"ann{amount}@example.com", is_staff=True)
    return funding.approve(found.pk, by=by, reason="Known", now=quoted)


def of_bitcoin():
    return world.Instrument.objects.get(symbol="BTC/USD")


def steps(found: Funding) -> list[str]:
    return list(found.steps.order_by("number").values_list("state", flat=True))


def has(account: Account) -> Decimal:
    return Balance.objects.get(account=account, asset="BTC/USD").amount


def pay_out(*, later: timedelta = timedelta(0)) -> int:
    done = paying_out.pay_out(now=timezone.now() + later)
    broken = [each for each in check_invariants(now=timezone.now()) if not each.holds]
    assert broken == []
    return done


def test_what_was_approved_is_sent_once_and_settles_when_it_is_deep_enough(account):
    found = approved(account)
    assert pay_out() == 1
    [payment] = Told.payments
    assert (payment.id, payment.amount, payment.fee) == (found.pk, D(1), D("0.0001"))
    assert (payment.address, payment.beneficiary) == (
        world.ADDRESSES["bitcoin"], account.user.name,
    )  # fmt: skip
    assert Funding.objects.get(pk=found.pk).transaction == f"tx {found.pk}"
    Told.standings.append(Standing(confirmations=2))
    assert pay_out() == 0
    Told.standings.append(Standing(confirmations=3))
    assert (pay_out(), pay_out(), len(Told.payments)) == (1, 0, 1)
    assert steps(found) == ["requested", "approved", "sent", "settled"]


def test_what_was_not_heard_of_is_told_again_under_the_same_id(account):
    found = approved(account)
    Told.fails.append(OutOfReach("no line"))
    assert pay_out() == 1
    assert Funding.objects.get(pk=found.pk).transaction == ""
    with pytest.raises(funding.UnableToCarryOn):
        funding.take(found.pk, Step.CANCEL, actor="user:x", reason="", now=timezone.now())
    pay_out()
    assert [each.id for each in Told.payments] == [found.pk, found.pk]
    assert steps(found)[-1] == "sent"


def test_one_that_is_out_of_reach_stands_in_nobodys_way(account):
    first, second = approved(account, "0.5"), approved(account, "0.25")
    Told.fails.append(OutOfReach("no line"))
    pay_out()
    known = dict(Funding.objects.exclude(asset="USD").values_list("pk", "transaction"))
    assert known == {first.pk: "", second.pk: f"tx {second.pk}"}


def test_those_that_stay_stuck_hide_no_younger_ones(account, monkeypatch):
    monkeypatch.setattr(paying_out, "BATCH", 2)
    stuck = [approved(account, amount) for amount in ("0.1", "0.2", "0.3")]
    pay_out()
    pay_out(later=timedelta(minutes=1))
    younger = approved(account, "0.4")
    for minute in range(2, 5):
        pay_out(later=timedelta(minutes=minute))
    told = [each.id for each in Told.payments]
    assert sorted(told) == sorted(each.pk for each in (*stuck, younger))


@pytest.mark.parametrize("way", ["refused", "returned"])
def test_what_does_not_arrive_comes_back(account, way):
    found = approved(account)
    if way == "refused":
        Told.fails.append(Refused("a name on a list"))
    else:
        Told.standings.append(Standing(returned="the provider knows nobody of this name"))
    assert pay_out() == 2
    last = found.steps.latest("number")
    assert (last.state, "name" in last.reason, has(account)) == ("returned", True, D(2))


def test_what_was_cancelled_is_not_sent(account):
    found = approved(account)
    funding.take(found.pk, Step.CANCEL, actor="user:x", reason="", now=timezone.now())
    assert (pay_out(), Told.payments) == (0, [])


def test_without_a_custodian_people_take_the_steps(account, settings):
    settings.COIN_CUSTODIAN = ""
    found = approved(account)
    assert pay_out() == 0
    funding.take(found.pk, Step.SEND, actor="operator:x", reason="", now=timezone.now())
    assert steps(found)[-1] == "sent"


def test_cash_is_none_of_the_custodians_business(account):
    found = funding.request_withdrawal(
        account_id=account.pk, payee_id=world.payee(account).pk, amount=D(100),
        reference="cash", actor="user:test", now=timezone.now(),
    )  # fmt: skip
    by = User.objects.create_user("bob@example.com", is_staff=True)
    funding.approve(found.pk, by=by, reason="Known", now=timezone.now())
    assert (pay_out(), steps(found)) == (0, ["requested", "approved"])


@pytest.mark.parametrize("leads_nowhere", [False, True])
def test_the_simulated_custodian_confirms_with_time_and_returns_what_leads_nowhere(
    account, settings, leads_nowhere
):
    settings.COIN_CUSTODIAN = "portfolio.custody.simulated.SimulatedCustodian"
    found = approved(account)
    if leads_nowhere:
        numbers = {**world.coin_payee(account).numbers, "address": "1111111111111111111114oLvT2"}
        Payee.objects.filter(pk=found.payee_id).update(numbers=numbers)
    sent_at = timezone.now() + timedelta(minutes=1)
    paying_out.pay_out(now=sent_at)
    named = Funding.objects.get(pk=found.pk).transaction
    assert len(named) == 64
    blocks = simulated.BLOCK_TIME
    assert paying_out.pay_out(now=sent_at + blocks - timedelta(seconds=1)) == 0
    assert paying_out.pay_out(now=sent_at + 3 * blocks) == 1
    assert steps(found)[-1] == ("returned" if leads_nowhere else "settled")
    assert has(account) == (D(2) if leads_nowhere else D("0.9999"))
