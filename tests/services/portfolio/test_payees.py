"""Whom money may be sent to: payees, their waiting times, the limit of a day, cancel links."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import activity
from accounts.letters import writing
from accounts.letters.models import Letter
from accounts.models import Account
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Step
from portfolio.models import Balance
from portfolio.payees import cancelling, precautions
from portfolio.payees import services as payees
from portfolio.payees.models import Payee
from portfolio.payees.services import Limit, UnableToAdd, UnableToLimit
from tests import invariants, world

pytestmark = pytest.mark.django_db

D = Decimal
NOW = timezone.now()
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
NOON = datetime.fromisoformat("2026-03-10T12:00:00-04:00")


@pytest.fixture
def account() -> Account:
    return world.customer()


def add(account: Account, number: str = "123456789", *, now: datetime = NOW, **more: str) -> Payee:
    wanted = {"holder": account.user.name, "label": "", **more}
    return payees.add(
        account_id=account.pk, kind="us_bank", actor="user:test", now=now,
        numbers={"routing_number": "111000025", "account_number": number}, **wanted,
    )  # fmt: skip


def withdraw(account: Account, payee: Payee, amount: str, *, now: datetime, reference: str = "W"):
    return funding.request_withdrawal(
        account_id=account.pk, payee_id=payee.pk, amount=D(amount), reference=reference,
        actor="user:test", now=now,
    )  # fmt: skip


def refused(account: Account, payee: Payee, amount: str, *, now: datetime) -> str:
    """Return the code that a withdrawal is refused with, seeing that nothing has changed."""
    before = (cash(account), Funding.objects.count(), Letter.objects.count())
    with pytest.raises(funding.UnableToWithdraw) as error:
        withdraw(account, payee, amount, now=now, reference=f"refused {amount}")
    assert (cash(account), Funding.objects.count(), Letter.objects.count()) == before
    return str(error.value.code)


def cash(account: Account) -> Decimal:
    return Balance.objects.get(account=account, asset="USD").amount


def token_of(letter: Letter) -> str:
    [token] = re.findall(r"/cancel/(\S+)", writing.read(letter))
    return str(token)


def test_a_new_payee_waits_and_is_paid_from_its_moment_on(account):
    payee = add(account)
    ripe = NOW + precautions.COOLING_OFF_FIRST
    assert payee.usable_at == ripe
    assert refused(account, payee, "100.00", now=ripe - SECOND) == "payee_cooling_off"
    asked = withdraw(account, payee, "100.00", now=ripe)
    assert (asked.payee, asked.bank) == (payee, payee.destination.text)
    assert cash(account) == D("99900.00")
    invariants.assert_hold()


def test_further_payees_wait_a_day_once_one_can_be_paid(account):
    add(account, "1111")
    assert add(account, "2222").usable_at == NOW + 48 * HOUR
    later = NOW + 48 * HOUR
    assert add(account, "3333", now=later).usable_at == later + 24 * HOUR


def test_removing_all_payees_makes_the_next_one_wait_longest_again(account):
    payee = add(account)
    later = NOW + 72 * HOUR
    assert payees.remove(account_id=account.pk, payee_id=payee.pk, actor="user:test", now=later)
    assert not payees.remove(account_id=account.pk, payee_id=payee.pk, actor="user:test", now=later)
    assert refused(account, payee, "1.00", now=later) == "unknown_payee"
    assert add(account, now=later).usable_at == later + 48 * HOUR


def test_what_happens_to_payees_is_told_and_kept(account):
    payee = add(account, label="Savings")
    payees.remove(account_id=account.pk, payee_id=payee.pk, actor="user:test", now=NOW)
    assert [each.kind for each in activity.since(account.pk, 0)] == [
        "money.deposited", "money.payee_added", "money.payee_removed",
    ]  # fmt: skip
    assert [each.removed_by for each in Payee.history.order_by("history_id")] == ["", "user:test"]
    letter = Letter.objects.get(kind="payee_added", user=account.user)
    assert "routing 111000025, account 123456789" in writing.read(letter)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"holder": "Somebody Else"}, "holder"),
        ({"label": "x" * 61}, "label"),
        ({"label": "a\x00b"}, "label"),
    ],
)
def test_a_payee_of_somebody_else_is_refused(account, more, field):
    with pytest.raises(UnableToAdd) as error:
        add(account, **more)
    assert (error.value.field, Payee.objects.count(), Letter.objects.count()) == (field, 0, 0)


def test_the_same_bank_account_is_a_payee_once(account):
    add(account)
    with pytest.raises(UnableToAdd, match="already"):
        add(account)
    add(world.customer())  # of another customer it may be one, too
    assert Payee.objects.count() == 2


def test_an_account_has_ten_payees_at_most(account):
    for number in range(payees.PAYEES_MAX):
        add(account, f"{1000 + number}")
    with pytest.raises(UnableToAdd, match="at most 10"):
        add(account, "9999")


def test_accounts_that_are_not_active_get_no_payees(account):
    Account.objects.filter(pk=account.pk).update(status=Account.Status.RESTRICTED)
    with pytest.raises(UnableToAdd, match="restricted"):
        add(account)


def test_a_payee_of_another_account_is_unknown(account):
    theirs = world.payee(world.customer())
    assert refused(account, theirs, "1.00", now=NOW) == "unknown_payee"
    assert not payees.remove(account_id=account.pk, payee_id=theirs.pk, actor="user:test", now=NOW)


def test_the_limit_of_a_day_holds_to_the_cent_and_is_new_at_midnight():
    account = world.customer(cash="100000.00")
    payee = world.payee(account)
    withdraw(account, payee, "15000.00", now=NOON)
    assert payees.left_today(account.pk, now=NOON) == D("10000.00")
    assert refused(account, payee, "10000.01", now=NOON) == "daily_limit"
    withdraw(account, payee, "10000.00", now=NOON, reference="exactly")
    assert refused(account, payee, "0.01", now=NOON + 12 * HOUR - SECOND) == "daily_limit"
    withdraw(account, payee, "25000.00", now=NOON + 12 * HOUR, reference="the next day")


def test_what_was_cancelled_or_came_back_does_not_count_for_the_day(account):
    payee = world.payee(account)
    asked = withdraw(account, payee, "25000.00", now=NOON)
    funding.take(asked.pk, Step.CANCEL, actor="user:test", reason="", now=NOON)
    assert payees.left_today(account.pk, now=NOON) == D("25000.00")


def choose(account: Account, amount: str, *, now: datetime) -> Limit:
    return payees.set_limit(account_id=account.pk, amount=D(amount), actor="user:test", now=now)


def test_a_lower_limit_holds_at_once_and_a_higher_one_a_day_later(account):
    assert choose(account, "100.00", now=NOON) == Limit(D(100))
    rise = NOON + 24 * HOUR
    assert choose(account, "200.00", now=NOON) == Limit(D(100), D(200), rise)
    assert payees.limit(account.pk, now=rise - SECOND).amount == D(100)
    assert payees.limit(account.pk, now=rise) == Limit(D(200))
    [told] = Letter.objects.filter(kind="limit_raised")
    assert "raised to 200.00 USD" in writing.read(told)


def test_a_lower_limit_takes_the_place_of_a_higher_one_that_waits(account):
    choose(account, "90000.00", now=NOON)
    choose(account, "50.00", now=NOON + HOUR)
    assert payees.limit(account.pk, now=NOON + 48 * HOUR) == Limit(D(50))


@pytest.mark.parametrize("amount", ["-0.01", "100000.01", "1.001"])
def test_a_limit_out_of_bounds_is_refused(account, amount):
    with pytest.raises(UnableToLimit):
        choose(account, amount, now=NOON)
    assert payees.limit(account.pk, now=NOON) == Limit(precautions.DAILY_LIMIT)


def test_the_link_in_the_letter_removes_a_payee_and_cancels_what_goes_there(account):
    payee = add(account)
    ripe = NOW + 48 * HOUR
    waiting = withdraw(account, payee, "100.00", now=ripe, reference="waits")
    sent = withdraw(account, payee, "200.00", now=ripe, reference="is gone")
    ann = world.customer().user
    funding.approve(sent.pk, by=ann, reason="Known", now=ripe)
    funding.take(sent.pk, Step.SEND, actor="operator:x", reason="", now=ripe)
    token = token_of(Letter.objects.get(kind="payee_added"))

    assert cancelling.cancel(token, now=ripe) is not None
    waiting.refresh_from_db()
    sent.refresh_from_db()
    assert (waiting.state, sent.state, cash(account)) == ("cancelled", "sent", D("99800.00"))
    assert payees.payees(account.pk) == []
    assert cancelling.cancel(token, now=ripe) is None


def test_the_link_in_the_letter_cancels_a_withdrawal_until_it_was_sent(account):
    payee = world.payee(account)
    asked = withdraw(account, payee, "100.00", now=NOW)
    token = token_of(Letter.objects.get(kind="withdrawal_requested"))
    funding.approve(asked.pk, by=world.customer().user, reason="Known", now=NOW)
    funding.take(asked.pk, Step.SEND, actor="operator:x", reason="", now=NOW)
    with pytest.raises(cancelling.TooLate):
        cancelling.cancel(token, now=NOW)

    other = withdraw(account, payee, "50.00", now=NOW, reference="W2")
    letter = Letter.objects.filter(kind="withdrawal_requested").order_by("pk").last()
    assert cancelling.cancel(token_of(letter), now=NOW) is not None
    other.refresh_from_db()
    assert (other.state, cash(account)) == ("cancelled", D("99900.00"))
    assert cancelling.cancel("nonsense", now=NOW) is None
