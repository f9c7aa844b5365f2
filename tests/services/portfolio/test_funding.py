"""Deposits and withdrawals on their way, and back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import activity
from accounts.models import Account, ApprovalDecision, User
from orders.entry import submission
from portfolio import selectors
from portfolio.funding import services as funding
from portfolio.funding.models import Funding, FundingStep
from portfolio.funding.passage import Step
from portfolio.models import Balance, LedgerAccount, Transfer
from portfolio.worth import owned
from tests import invariants, world
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal
BANKER = "operator:bank"


@pytest.fixture(autouse=True)
def the_books_agree(db):
    yield
    invariants.assert_hold()


def person(name: str) -> User:
    return User.objects.create_user(f"{name}@example.com", is_staff=True)


def expect(account: Account, amount: str = "100.00", reference: str = "R1") -> Funding:
    return funding.expect_deposit(
        account_id=account.pk, amount=D(amount), reference=reference, actor="operator:desk",
        now=timezone.now(),
    )  # fmt: skip


def withdraw(account: Account, amount: str = "100.00", **more: object) -> Funding:
    wanted = {"reference": "W1", "actor": f"user:{account.user_id}", **more}
    wanted.setdefault("payee_id", world.payee(account).pk)
    return funding.request_withdrawal(
        account_id=account.pk, amount=D(amount), now=timezone.now(), **wanted
    )


def take(found: Funding, step: Step) -> bool:
    return funding.take(found.pk, step, actor=BANKER, reason="", now=timezone.now())


def cash(account: Account) -> Decimal:
    found = Balance.objects.filter(account=account, asset="USD").first()
    return found.amount if found else D(0)


def under_way(account: Account) -> funding.Pending:
    return funding.pending([account.pk]).get(account.pk, funding.Pending(D(0), D(0)))


def house(kind: str) -> Decimal:
    of = LedgerAccount.objects.filter(owner=None, kind=kind, asset="USD").first()
    if of is None:
        return D(0)
    credits_ = sum(t.amount for t in Transfer.objects.filter(credit=of))
    return credits_ - sum(t.amount for t in Transfer.objects.filter(debit=of))


def kinds(account: Account) -> list[str]:
    return [each.kind for each in activity.since(account.pk, 0)]


def states(found: Funding) -> list[str]:
    return [step.state for step in FundingStep.objects.filter(funding=found)]


def test_a_deposit_is_the_customers_once_it_settles():
    account = world.customer(cash="0")
    found = expect(account)
    assert (cash(account), under_way(account).coming) == (D(0), D(100))
    assert expect(account).pk == found.pk

    assert [take(found, Step.SETTLE), take(found, Step.SETTLE)] == [True, False]
    assert (cash(account), under_way(account).coming) == (D(100), D(0))
    assert house("bank") == D(-100)
    assert states(found) == ["pending", "settled"]
    assert kinds(account) == ["money.deposit_pending", "money.deposited"]


def test_who_entered_a_deposit_does_not_settle_it():
    account = world.customer(cash="0")
    found = expect(account)
    before = kinds(account)
    with pytest.raises(funding.UnableToCarryOn, match="Another person"):
        funding.take(
            found.pk, Step.SETTLE, actor="operator:desk", reason="Mine", now=timezone.now()
        )
    assert (cash(account), states(found), kinds(account)) == (D(0), ["pending"], before)
    assert not Transfer.objects.exists()
    assert take(found, Step.SETTLE)
    assert cash(account) == D(100)


def test_a_deposit_that_comes_back_before_it_settles_moves_nothing():
    account = world.customer(cash="0")
    found = expect(account)
    take(found, Step.RETURN)
    assert not Transfer.objects.exists()
    assert states(found) == ["pending", "returned"]
    with pytest.raises(funding.UnableToCarryOn):
        take(found, Step.SETTLE)
    assert cash(account) == 0


def test_what_was_paid_in_is_kept_with_the_balance_and_read_without_its_past():
    account = world.customer(cash="1000.00")
    take(expect(account), Step.SETTLE)
    withdraw(account, "250.00")
    balance = Balance.objects.get(account=account)
    assert (balance.amount, balance.paid_in) == (D(850), D(850))
    worth = selectors.snapshot(account.pk)
    assert (worth.paid_in, worth.profit) == (D(850), D(0))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {owned._OWNED}", [[account.pk]])
        assert "portfolio_transfer" not in str(cursor.fetchall())
    Balance.objects.update(paid_in=0)
    with connection.cursor() as cursor:
        cursor.execute(import_module("portfolio.migrations.0014_paid_in").SUMMED)
    assert Balance.objects.get(account=account).paid_in == D(850)


def test_a_deposit_that_comes_back_later_is_reversed():
    account = world.customer(cash="50.00")
    found = expect(account)
    take(found, Step.SETTLE)
    take(found, Step.RETURN)
    [reversal] = Transfer.objects.filter(kind="reversal")
    assert reversal.reverses.reference == f"deposit:{account.pk}:R1"
    assert (cash(account), house("bank")) == (D(50), D(-50))
    assert Account.objects.get(pk=account.pk).status == "active"


@pytest.mark.parametrize("margin", [False, True])
def test_a_deposit_whose_cash_is_gone_is_owed_and_restricts(margin):
    account = world.customer(cash="0")
    Account.objects.filter(pk=account.pk).update(margin=margin)
    found = expect(account)
    take(found, Step.SETTLE)
    gone = withdraw(account, "70.00", lendable=D(100))
    take(found, Step.RETURN)
    assert (cash(account), house("bank")) == (D(-70), D(0))
    assert found.steps.latest("number").owed == D(70)
    stopped = Account.objects.get(pk=account.pk)
    assert (stopped.status, "70" in stopped.status_reason) == ("restricted", True)
    assert kinds(account)[-2:] == ["money.deposit_returned", "account.restricted"]

    with pytest.raises(funding.UnableToWithdraw):
        withdraw(account, "1.00", reference="W2", lendable=D(100))
    take(expect(account, "90.00", "R2"), Step.SETTLE)
    assert cash(account) == D(20)
    take(gone, Step.CANCEL)
    assert (cash(account), house("clearing")) == (D(90), D(0))


def test_a_withdrawal_leaves_at_once_and_the_bank_when_it_is_sent():
    account = world.customer(cash="500.00")
    found = withdraw(account)
    assert (cash(account), house("clearing"), house("bank")) == (D(400), D(100), D(-500))
    assert under_way(account).going == D(100)
    assert withdraw(account).pk == found.pk
    assert cash(account) == D(400)

    with pytest.raises(funding.UnableToCarryOn):
        take(found, Step.SEND)
    funding.approve(found.pk, by=person("ann"), reason="Known", now=timezone.now())
    take(found, Step.SEND)
    assert (house("clearing"), house("bank")) == (D(0), D(-400))
    take(found, Step.SETTLE)
    assert states(found) == ["requested", "approved", "sent", "settled"]
    assert (under_way(account).going, cash(account)) == (D(0), D(400))


@pytest.mark.parametrize("way", [[], [Step.APPROVE]])
def test_a_withdrawal_that_is_cancelled_comes_back(way):
    account = world.customer(cash="500.00")
    found = withdraw(account)
    if way:
        funding.approve(found.pk, by=person("ann"), reason="Known", now=timezone.now())
    assert [take(found, Step.CANCEL), take(found, Step.CANCEL)] == [True, False]
    assert (cash(account), house("clearing"), house("bank")) == (D(500), D(0), D(-500))


@pytest.mark.parametrize("way", [[], [Step.SETTLE]])
def test_a_withdrawal_that_the_bank_returns_comes_back_the_way_it_went(way):
    account = world.customer(cash="500.00")
    found = withdraw(account)
    funding.approve(found.pk, by=person("ann"), reason="Known", now=timezone.now())
    for step in (Step.SEND, *way, Step.RETURN):
        take(found, step)
    assert (cash(account), house("clearing"), house("bank")) == (D(500), D(0), D(-500))
    assert Transfer.objects.filter(kind="reversal").count() == 2


def test_a_large_withdrawal_needs_two_people_and_neither_is_who_entered_it():
    account = world.customer()
    ann, bob = person("ann"), person("bob")
    found = withdraw(account, "10000.01", actor=f"operator:{ann.pk}")
    now = timezone.now()
    with pytest.raises(funding.UnableToCarryOn, match="Another person"):
        funding.approve(found.pk, by=ann, reason="Mine", now=now)
    assert funding.approve(found.pk, by=bob, reason="Called back", now=now).state == "requested"
    with pytest.raises(funding.UnableToCarryOn, match="Another person"):
        funding.approve(found.pk, by=bob, reason="Again", now=now)
    assert not ApprovalDecision.objects.exists()

    eve = person("eve")
    assert funding.approve(found.pk, by=eve, reason="Checked", now=now).state == "approved"
    with pytest.raises(funding.UnableToCarryOn):
        funding.approve(found.pk, by=eve, reason="Checked", now=now)


def test_an_approval_that_waited_too_long_is_asked_for_again():
    found = withdraw(world.customer(), "20000")
    now, later = timezone.now(), timezone.now() + timedelta(hours=25)
    funding.approve(found.pk, by=person("ann"), reason="Yes", now=now)
    assert funding.approve(found.pk, by=person("bob"), reason="Yes", now=later).state == "requested"
    eve = person("eve")
    assert funding.approve(found.pk, by=eve, reason="Yes", now=later).state == "approved"


def test_only_settled_cash_leaves():
    account, venue, _ = world.customer(cash="200.00"), world.Venue(), world.instrument()
    world.own(account, "AAPL", "1", venue, price="100.00")
    sale = world.limit_ticket(account, "100.00", side=Side.SELL, quantity=D(1))
    [sold] = submission.submit_batch([sale], now=timezone.now())
    venue.fills(sold.order, "1", "100.00")
    world.apply_reports()
    settled = cash(account) - D(100)  # the fees are taken of what there was
    before = list(Transfer.objects.values())
    with pytest.raises(funding.UnableToWithdraw, match=f"{settled:.2f} USD"):
        withdraw(account, str(settled + D("0.01")))
    assert list(Transfer.objects.values()) == before and not Funding.objects.filter(
        direction="withdrawal"
    )
    withdraw(account, str(settled))
    assert cash(account) == D(100)


@pytest.mark.parametrize(
    ("lendable", "amount", "may"),
    [(None, "1", False), ("99.99", "100", False), ("100", "100", True), ("900", "600", False)],
)
def test_a_margin_account_keeps_what_it_must(lendable, amount, may):
    account = world.customer(cash="500.00")
    Account.objects.filter(pk=account.pk).update(margin=True)
    if may:
        withdraw(account, amount, lendable=D(lendable))
        assert cash(account) == D(500) - D(amount)
    else:
        with pytest.raises(funding.UnableToWithdraw):
            withdraw(account, amount, lendable=lendable and D(lendable))
        assert cash(account) == D(500)


def test_a_restricted_account_sends_nothing_out():
    account = world.customer(cash="500.00")
    Account.objects.filter(pk=account.pk).update(status="restricted")
    with pytest.raises(funding.UnableToWithdraw, match="restricted"):
        withdraw(account)
    assert cash(account) == D(500)


@pytest.mark.parametrize("reference", ["", "x" * 33, "a\nb"])
def test_a_reference_is_a_short_name(reference):
    with pytest.raises(funding.UnableToDeposit, match="reference"):
        expect(world.customer(cash="0"), reference=reference)
    assert not Funding.objects.exists()


def test_the_same_reference_for_another_amount_is_refused():
    account = world.customer(cash="500.00")
    withdraw(account)
    with pytest.raises(funding.UnableToWithdraw, match="another amount"):
        withdraw(account, "99.00")
    assert cash(account) == D(400)


def test_steps_are_never_changed():
    expect(world.customer(cash="0"))
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        FundingStep.objects.update(state="settled")
