"""What is written down of an account's worth, for all accounts at once."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from marketdata import calendars
from marketdata.models import Bar, Instrument, Quote
from orders.entry import submission
from portfolio import selectors, settling
from portfolio.funding import services as funding
from portfolio.funding.passage import Step
from portfolio.models import Balance, EquityPoint, EquitySnapshot
from portfolio.worth import closing, history
from tests import holdings, world
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal
FIVE_PAST_MIDNIGHT = datetime(2026, 11, 21, 5, 5, tzinfo=UTC)  # in New York


def points(account: Account) -> list[tuple[Decimal, Decimal]]:
    rows = EquityPoint.objects.filter(account=account).order_by("at")
    return list(rows.values_list("equity", "paid_in"))


def test_the_end_of_a_day_is_written_once_for_everybody() -> None:
    accounts = [world.customer(cash="100.00"), world.customer(cash="0")]
    day = FIVE_PAST_MIDNIGHT.date() - timedelta(days=1)
    assert closing.snapshot_equity(day=day, now=FIVE_PAST_MIDNIGHT) == 2
    later = FIVE_PAST_MIDNIGHT + timedelta(hours=1)
    assert closing.snapshot_equity(day=day, now=later) == 0
    rows = EquitySnapshot.objects.order_by("-equity").values_list(
        "account_id", "day", "at", "cash", "equity", "paid_in", "realised"
    )
    at, hundred, zero = FIVE_PAST_MIDNIGHT, D("100.00"), D(0)
    assert list(rows) == [
        (accounts[0].pk, day, at, hundred, hundred, hundred, zero),
        (accounts[1].pk, day, at, zero, zero, zero, zero),
    ]


def test_what_is_written_is_what_the_account_would_be_told() -> None:
    """The database computes as `portfolio.worth.valuation` does, halves of cents included."""
    dice = random.Random(20)
    listed = [world.instrument(f"S{number}") for number in range(8)]
    for instrument in listed:
        prices = [D(dice.randint(1, 10**7)) / 1000 for _ in range(3)]
        last, bid, ask = (price if dice.random() < 0.7 else None for price in prices)
        Quote.objects.filter(instrument=instrument).update(last=last, bid=bid, ask=ask)
    unpriced = world.instrument("NONE", bid=None, ask=None)
    for _ in range(20):
        account = world.customer(cash=f"{dice.randint(1, 10**7)}.{dice.randint(10, 99)}")
        for instrument in dice.sample([*listed, unpriced], 5):
            # Eighths and halves of a unit, so that there are halves of a cent.
            quantity = D(dice.choice((-1, 1)) * dice.randint(1, 8000)) / 8
            holdings.hold(account, instrument, quantity, cost=D(dice.randint(1, 10**6)) / 100)
    now = timezone.now()
    holdings.close_yesterday()
    closing.mark_equity(now=now)
    told = selectors.snapshots(Account.objects.values_list("pk", flat=True), now=now)
    written = {row.account_id: row for row in EquitySnapshot.objects.all()}
    marked = {row.account_id: row for row in EquityPoint.objects.all()}
    assert len(written) == len(marked) == 20
    for account_id, snapshot in told.items():
        row = written[account_id]
        assert (row.cash, row.equity, row.paid_in) == (
            snapshot.cash,
            selectors.snapshot(account_id).equity,
            snapshot.paid_in,
        )
        assert (marked[account_id].equity, marked[account_id].paid_in) == (
            snapshot.equity,
            snapshot.paid_in,
        )


def test_it_takes_as_many_statements_for_many_accounts_as_for_one() -> None:
    for _ in range(5):
        world.customer()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        selectors.snapshots(Account.objects.values_list("pk", flat=True))
    assert len(queries) <= 4


def test_a_point_is_written_where_something_moved() -> None:
    account, _empty = world.customer(cash="100.00"), world.customer(cash="0")
    aapl = world.instrument("AAPL", bid="10", ask="12")
    holdings.hold(account, aapl, D(5), cost=D("50.00"))
    now = timezone.now()
    assert closing.mark_equity(now=now) == 1
    assert closing.mark_equity(now=now + timedelta(minutes=5)) == 0
    world.quote(aapl, bid="12", ask="14")
    assert closing.mark_equity(now=now + timedelta(minutes=10)) == 1
    assert points(account) == [(D("155.00"), D("100.00")), (D("165.00"), D("100.00"))]


def test_points_are_dropped_after_a_month() -> None:
    account, now = world.customer(cash="100.00"), timezone.now()
    closing.mark_equity(now=now - closing.POINTS_KEPT - timedelta(seconds=1))
    EquityPoint.objects.create(
        account=account, at=now - closing.POINTS_KEPT, equity=D("100.00"), paid_in=D("100.00")
    )
    assert closing.thin_points(now=now) == 1
    assert EquityPoint.objects.get().at == now - closing.POINTS_KEPT


def test_a_day_that_was_closed_takes_no_deposit_for_profit() -> None:
    """Also one whose time is before the close and whose commit came after it."""
    account, now = world.customer(cash="100.00"), timezone.now()
    holdings.close_yesterday()
    holdings.deposit(account, "50.00", at=now)
    snapshot = selectors.snapshot(account.pk)
    assert (snapshot.last_equity, snapshot.paid_in_since) == (D("100.00"), D("50.00"))
    assert (snapshot.profit_day, snapshot.profit) == (D(0), D(0))


def test_money_on_its_way_out_has_left_and_comes_back_without_being_profit() -> None:
    account, now = world.customer(cash="100.00"), timezone.now()
    asked = funding.request_withdrawal(
        account_id=account.pk, payee_id=world.payee(account).pk, amount=D("30.00"),
        reference="R1", actor="user:test", now=now,
    )  # fmt: skip
    snapshot = selectors.snapshot(account.pk)
    assert (snapshot.cash, snapshot.paid_in, snapshot.profit) == (D("70.00"), D("70.00"), D(0))
    closing.mark_equity(now=now)
    assert funding.take(asked.pk, Step.CANCEL, actor="user:test", reason="no", now=now)
    snapshot = selectors.snapshot(account.pk)
    assert (snapshot.cash, snapshot.paid_in, snapshot.profit) == (D("100.00"), D("100.00"), D(0))
    closing.mark_equity(now=now + timedelta(minutes=5))
    hundred, seventy = D("100.00"), D("70.00")
    assert points(account) == [(seventy, seventy), (hundred, hundred)]
    # What takes back a withdrawal is one of its kind.
    moved = history.flows(account.pk, start=now - timedelta(days=1), end=now + timedelta(days=1))
    assert [(kind, amount) for _, kind, amount in moved] == [
        ("deposit", hundred),
        ("withdrawal", D("-30.00")),
        ("withdrawal", D("30.00")),
    ]


FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)


def friday_and_saturday() -> Account:
    """Trade on Friday, move money and sell on Saturday; return the account."""
    venue = world.Venue()
    with time_machine.travel(datetime(2026, 11, 20, 17, tzinfo=UTC), tick=False):
        aapl, account = world.instrument("AAPL"), world.customer(cash="1000.00")
        world.own(account, "AAPL", "5", venue, price="100.00")
    with time_machine.travel(datetime(2026, 11, 21, 17, tzinfo=UTC), tick=False):
        world.customer(cash="7.00")
        holdings.deposit(account, "50.00")
        world.quote(aapl, bid="110.00", ask="110.01")
        sale = world.limit_ticket(account, "110.00", side=Side.SELL, quantity=D(2))
        [answer] = submission.submit_batch([sale], now=timezone.now())
        assert answer.order is not None
        venue.fills(answer.order, "2", "110.00")
        world.apply_reports()
    for day, close in ((FRIDAY, "104"), (SATURDAY, "111")):
        Bar.objects.create(
            instrument=aapl, timeframe="1Day", start=calendars.midnight(day), source="test",
            open=D(100), high=D(120), low=D(90), close=D(close), volume=D(1), trades=1,
            turnover=D(close), open_at=calendars.midnight(day), close_at=calendars.midnight(day),
        )  # fmt: skip
    return account


def test_a_day_that_was_missed_is_written_as_it_was_then() -> None:
    account = friday_and_saturday()
    world.quote(Instrument.objects.get(), bid="500", ask="501")  # what it is worth by now
    late = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert closing.snapshot_equity(day=FRIDAY, now=late) == 1  # the other was opened later
    assert closing.snapshot_equity(day=SATURDAY, now=late) == 2
    assert closing.snapshot_equity(day=SATURDAY, now=late + timedelta(days=1)) == 0
    rows = EquitySnapshot.objects.filter(account=account).order_by("day")
    assert list(rows.values_list("day", "at", "cash", "equity", "paid_in", "realised")) == [
        (FRIDAY, calendars.midnight(SATURDAY), D(500), D(1020), D(1000), D(0)),
        # 500 and 50, and two sold at 110 for two cents of fees.
        (
            SATURDAY, calendars.midnight(date(2026, 11, 22)),
            D("769.98"), D("1102.98"), D(1050), D(20),
        ),
    ]  # fmt: skip


def test_a_day_that_is_not_over_is_not_written() -> None:
    world.customer()
    with pytest.raises(ValueError, match="2026-11-21 is not over"):
        closing.snapshot_equity(day=SATURDAY, now=FIVE_PAST_MIDNIGHT)
    assert not EquitySnapshot.objects.exists()


def test_proceeds_are_struck_out_when_their_day_has_come() -> None:
    account = friday_and_saturday()
    monday, tuesday = date(2026, 11, 23), date(2026, 11, 24)
    balance = Balance.objects.get(account=account, asset="USD")
    assert balance.unsettled == {"2026-11-23": "220"}
    assert settling.waiting(SATURDAY) == []
    assert settling.settle(account.pk, day=SATURDAY) == 0
    assert settling.waiting(monday) == settling.waiting(tuesday) == [account.pk]
    assert [settling.settle(account.pk, day=monday) for _ in range(2)] == [D(220), D(0)]
    assert settling.waiting(tuesday) == []
    before = balance.amount
    balance.refresh_from_db()
    assert (balance.unsettled, balance.amount) == ({}, before)
