"""Interest on what margin accounts owe."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import DatabaseError, transaction

from accounts import activity
from accounts.models import Account
from marketdata import calendars
from portfolio import interest, lending
from portfolio.funding import services as funding
from portfolio.funding.models import InterestAccrual, InterestDay, InterestRate
from portfolio.funding.passage import Step
from portfolio.models import Balance, LedgerAccount, Transfer
from tests import invariants, on_margin, world
from tests.wire import trips_noted
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal
NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)  # Tuesday, in New York
RATE = D("0.08")


@pytest.fixture(autouse=True)
def the_books_agree(db):
    with time_machine.travel(NOON):
        yield
        # Days pass here in a moment, and nobody sends what waits for a venue.
        invariants.assert_hold(has_gateway=False)


def debtor(owed: str, *, at: datetime = NOON, margin: bool = True) -> Account:
    """Open an account that owes this much from `at` on."""
    account = world.customer(cash="0")
    Account.objects.filter(pk=account.pk).update(margin=margin)
    corrected(account, -D(owed), at=at)
    return account


def corrected(account: Account, amount: Decimal, *, at: datetime) -> None:
    """Correct what the account has in cash: final at once, whatever it does or owes."""
    mine, _ = LedgerAccount.objects.get_or_create(owner=account, kind="customer", asset="USD")
    house, _ = LedgerAccount.objects.get_or_create(owner=None, kind="suspense", asset="USD")
    debit, credit = (house, mine) if amount > 0 else (mine, house)
    Transfer.objects.create(
        kind="correction", at=at, reference=f"correction:{Transfer.objects.count()}", asset="USD",
        debit=debit, credit=credit, amount=abs(amount),
    )  # fmt: skip
    balance, _ = Balance.objects.get_or_create(
        ledger_account=mine, defaults={"account": account, "asset": "USD", "may_be_negative": True}
    )
    balance.amount += amount
    balance.save()


def accrued(account: Account) -> list[tuple[date, Decimal, Decimal]]:
    rows = InterestAccrual.objects.filter(account=account).order_by("day")
    return list(rows.values_list("day", "debit", "amount"))


def a_day(debit: str) -> Decimal:
    return lending.interest_of_day(debit=D(debit), rate=RATE)


def post(*, now: datetime) -> int:
    """Charge all that is due; return how many charges that were."""
    return sum(interest.charge(each, now=now) for each in interest.due())


def after(days: int) -> datetime:
    return NOON + timedelta(days=days)


def test_a_day_that_is_over_accrues_once():
    account = debtor("9000")
    assert [interest.accrue(now=after(1)), interest.accrue(now=after(1))] == [1, 0]
    assert accrued(account) == [(date(2026, 3, 10), D(9000), D(2))]
    assert InterestDay.objects.get().accounts == 1


def test_missed_days_are_made_up_for_with_what_was_owed_on_each():
    account = debtor("9000")
    interest.accrue(now=after(1))
    corrected(account, D(4500), at=after(2))  # on the 12th
    corrected(account, D(9000), at=after(4))  # on the 14th: nothing is owed any more
    assert interest.accrue(now=after(6)) == 5
    assert accrued(account) == [
        (date(2026, 3, 10), D(9000), D(2)),
        (date(2026, 3, 11), D(9000), D(2)),
        (date(2026, 3, 12), D(4500), D(1)),
        (date(2026, 3, 13), D(4500), D(1)),
    ]
    assert InterestDay.objects.count() == 6


def test_what_has_not_settled_neither_owes_nor_pays():
    venue = world.Venue()
    with time_machine.travel(after(-7), tick=False):
        aapl, account = on_margin.instrument(), on_margin.customer(cash="100000.00")
        world.own(account, "AAPL", "1000", venue, price="100.00")
    with time_machine.travel(NOON, tick=False):
        corrected(account, D(-9000), at=NOON)
        world.quote(aapl, bid="99.99", ask="100.00")
        for side, quantity in ((Side.SELL, "45"), (Side.BUY, "18")):
            ticket = world.limit_ticket(account, "100.00", side=side, quantity=D(quantity))
            [traded] = on_margin.submit(ticket)
            venue.fills(traded.order, quantity, "100.00")
            world.apply_reports()
    interest.accrue(now=after(1))
    interest.accrue(now=after(2))
    assert accrued(account) == [
        (date(2026, 3, 10), D(9000), D(2)),
        (date(2026, 3, 11), D("6300.01"), a_day("6300.01")),  # a cent of it is the sale's fee
    ]


def test_the_day_ends_at_midnight_in_new_york():
    late = calendars.midnight(date(2026, 3, 11))
    early = debtor("9000", at=late - timedelta(microseconds=1))
    next_day = debtor("9000", at=late)
    interest.accrue(now=late)
    assert (len(accrued(early)), len(accrued(next_day))) == (1, 0)


def test_who_owes_nothing_pays_nothing():
    account = debtor("-500")
    interest.accrue(now=after(1))
    assert accrued(account) == []


def test_what_was_never_lent_costs_nothing():
    account = world.customer(cash="0")
    terms = {"account_id": account.pk, "amount": D(50), "actor": "operator:x", "now": NOON}
    came = funding.expect_deposit(reference="A", **terms)
    step = {"actor": "operator:y", "reason": "", "now": NOON}
    funding.take(came.pk, Step.SETTLE, **step)
    funding.request_withdrawal(reference="B", payee_id=world.payee(account).pk, **terms)
    funding.take(came.pk, Step.RETURN, **step)
    assert Balance.objects.get(account=account).amount == D(-50)
    interest.accrue(now=after(1))
    assert accrued(account) == []


def test_a_month_is_charged_once_when_it_is_over():
    account = debtor("10000")
    interest.accrue(now=after(1))
    interest.accrue(now=after(21))  # 31 March: the 10th to the 30th
    assert post(now=after(21)) == 0
    interest.accrue(now=after(22))  # 1 April
    assert [post(now=after(22)), post(now=after(23))] == [1, 0]
    [charged] = Transfer.objects.filter(kind="interest")
    # 22 days of 10,000 x 0.08 / 360.
    assert (charged.amount, charged.credit.kind) == (D("48.89"), "interest")
    assert charged.reference == f"interest:{account.pk}:2026-03"
    assert Balance.objects.get(account=account).amount == D("-10048.89")
    told = activity.since(account.pk, 0)[-1]
    assert (told.kind, told.payload["amount"]) == ("money.interest_charged", "48.89")


def test_months_that_were_missed_are_charged_and_those_before_what_is_charged_are_not_read():
    debtor("10000.00")
    for days in (1, 200):  # from 10 March to 25 September
        interest.accrue(now=after(days))
    assert post(now=after(200)) == 6
    months = Transfer.objects.filter(kind="interest").order_by("at", "pk")
    assert [each.reference[-7:] for each in months] == [f"2026-0{n}" for n in range(3, 9)]
    assert post(now=after(201)) == 0
    with trips_noted() as trips:
        assert post(now=after(201)) == 0
    assert len(trips) == 2  # up to when was accrued, and the last month


def test_a_month_that_costs_nothing_hides_none_before_it():
    account = debtor("10000.00")
    interest.accrue(now=after(1))
    corrected(account, D("9999.99"), at=after(20))
    interest.accrue(now=after(60))  # April is over, and a cent costs less than one
    assert [post(now=after(60)) for _ in range(2)] == [1, 0]
    assert Transfer.objects.get(kind="interest").reference[-7:] == "2026-03"


def test_the_rate_of_the_day_counts_and_the_later_row_for_a_day():
    for rate in ("0.5", "0.04"):
        InterestRate.objects.create(
            starts_on=date(2026, 3, 11), rate=D(rate), reason="Cheaper", made_by="operator:x"
        )
    account = debtor("9000")
    interest.accrue(now=after(1))
    interest.accrue(now=after(2))
    assert [amount for _, _, amount in accrued(account)] == [D(2), D(1)]


def test_without_a_rate_nothing_is_accrued():
    debtor("9000")
    with pytest.raises(interest.NoInterestRate):
        interest.accrue(now=datetime(2019, 5, 5, tzinfo=UTC))
    assert not InterestDay.objects.exists()


def test_what_has_accrued_since_is_told():
    account = debtor("9000")
    interest.accrue(now=after(3))
    interest.accrue(now=after(4))
    assert interest.accrued(account.pk, since=date(2026, 3, 12)) == 2 * a_day("9000")


def test_accruals_are_never_changed():
    debtor("9000")
    interest.accrue(now=after(1))
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        InterestAccrual.objects.update(amount=0)
