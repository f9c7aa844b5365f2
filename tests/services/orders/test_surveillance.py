"""Surveillance reads what accounts did, each thing once, and raises what it finds."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from marketdata import calendars
from marketdata.models import Bar, Instrument
from orders.entry import submission
from orders.models import Order, Trade
from orders.surveillance import survey as surveillance
from portfolio import services as portfolio
from portfolio.funding import services as funding
from portfolio.funding.passage import Step
from portfolio.payees import services as payees
from risk.findings import Severity
from risk.models import Alert, AlertEvidence, Surveyed
from tests import world
from tests.wire import trips_noted
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def venue():
    world.instrument()
    return world.Venue()


def look():
    """Read all there is to be read; return how much it was."""
    read = 0
    while count := surveillance.Watch().look(now=timezone.now()):
        read += count
    return read


def placed(account, side=Side.BUY, quantity=10, price="100.00"):
    world.quote(Instrument.objects.get(symbol="AAPL"), bid="99.99", ask="100.00")
    wanted = world.limit_ticket(account, price, side=side, quantity=D(quantity))
    [answer] = submission.submit_batch([wanted], now=timezone.now())
    assert answer.order.status == "submitted", answer
    return answer.order


def traded(account, venue, side=Side.BUY, quantity=10, price="100.00"):
    order = placed(account, side, quantity, price)
    venue.fills(order, str(quantity), price)
    world.apply_reports()
    return order


def kinds():
    return sorted(Alert.objects.values_list("kind", flat=True))


def test_everything_is_read_once(venue):
    account = world.customer()
    traded(account, venue)
    account.refresh_from_db()
    assert look() == account.activity_sequence == 3  # paid in, submitted, filled
    assert look() == 0
    assert Surveyed.objects.get(account=account).sequence == 3
    assert kinds() == []


def test_only_the_accounts_that_are_named_are_asked_for_until_all_of_theirs_is_read(
    venue, monkeypatch
):
    monkeypatch.setattr(surveillance, "EACH_MAX", 2)
    watch, now = surveillance.Watch(), timezone.now()
    mine, other = world.customer(), world.customer()
    assert [watch.look(now=now), watch.look(now=now, named=[])] == [2, 0]  # each has paid in
    for account in (mine, other):
        traded(account, venue)
        placed(account)
    assert [watch.look(now=now, named=named) for named in ([mine.pk], [], [])] == [2, 1, 0]
    assert watch.look(now=now, named=[]) == 0  # nobody tells of the other's
    assert watch.look(now=now, named=[other.pk, mine.pk]) == 2
    placed(mine)
    assert watch.look(now=now) == 2  # whatever was told


def test_a_large_trade_is_found_with_its_order(venue):
    account = world.customer(cash="200000.00")
    for _ in range(10):
        traded(account, venue)  # 1,000 USD each
    look()
    order = traded(account, venue, quantity=260)
    now = timezone.now()
    surveillance.Watch().look(now=now)
    [alert] = Alert.objects.all()
    assert (alert.kind, alert.account_id) == ("large_trade", account.pk)
    [evidence] = alert.evidence.all()
    assert evidence.facts["order"] == str(order.pk)
    assert evidence.facts["value"] == "26000"
    assert evidence.found_at == now  # the first look finds it


def test_two_accounts_of_one_person_that_trade_with_each_other(venue):
    mine = world.customer()
    other = world.customer()
    Account.objects.filter(pk=other.pk).update(user=mine.user)
    stranger = world.customer()
    world.own(other, "AAPL", "50", venue, price="100.00")
    look()
    bought = traded(stranger, venue, quantity=50)
    sold = traded(other, venue, Side.SELL, 50, "99.99")
    look()
    # That they bought what the other sold is not a wash, and what the other bought minutes ago is.
    evidence = AlertEvidence.objects.filter(kind="wash_trade")
    assert {str(bought.pk), str(sold.pk)} not in [set(e.facts["orders"]) for e in evidence]
    mine_bought = traded(mine, venue, quantity=50, price="100.00")
    look()
    assert str(mine_bought.pk) in {o for e in evidence.all() for o in e.facts["orders"]}


def test_shown_and_cancelled_orders_are_found_when_the_last_is_cancelled(venue):
    account = world.customer()
    world.own(account, "AAPL", "20", venue, price="100.00")
    layers = [placed(account, quantity=30, price=price) for price in ("99.50", "99.40", "99.30")]
    traded(account, venue, Side.SELL, 20, "99.99")
    look()
    assert kinds() == []
    submission.submit_batch([world.cancel_ticket(each) for each in layers], now=timezone.now())
    for each in layers:
        venue.cancels(each)
    world.apply_reports()
    look()
    [alert] = Alert.objects.filter(kind="layering")
    [evidence] = alert.evidence.all()
    assert set(evidence.facts["layers"]) == {str(each.pk) for each in layers}


def test_a_deposit_out_of_proportion_is_found():
    account = world.customer(cash="0")
    for number in range(5):
        pay_in(account, "1000.00", number)
    look()
    pay_in(account, "60000.00", 9)
    look()
    [alert] = Alert.objects.all()
    assert (alert.kind, alert.summary) == (
        "unusual_transfer",
        "Deposit of 60,000.00 USD; usual is 1,000.00 USD",
    )


def test_a_deposit_that_came_back_is_told_and_severe_when_its_cash_is_gone():
    kept, spent = world.customer(cash="500.00"), world.customer(cash="0")
    for account in (kept, spent):
        came = funding.expect_deposit(
            account_id=account.pk,
            amount=D(100),
            reference="R1",
            actor="operator:desk",
            now=timezone.now(),
        )
        take(came, Step.SETTLE)
        if account == spent:
            actor = f"user:{account.user_id}"
            funding.request_withdrawal(
                account_id=account.pk,
                payee_id=world.payee(account).pk,
                amount=D(70),
                reference="W1",
                actor=actor,
                now=timezone.now(),
            )
        take(came, Step.RETURN)
    look()
    returned = Alert.objects.filter(kind="deposit_returned")
    assert set(returned.values_list("account", "severity")) == {
        (kept.pk, Severity.WARNING),
        (spent.pk, Severity.SEVERE),
    }
    assert returned.get(account=spent).summary == (
        "A deposit of 100 USD came back from the bank, and its cash was gone"
    )


@pytest.mark.parametrize(("others", "found"), [(0, ["momentum_ignition"]), (1_201, [])])
def test_a_price_that_a_customer_bought_up_and_sold_into(venue, others, found):
    account = world.customer(cash="200000.00")
    minute = timezone.now().replace(second=0, microsecond=0)
    Bar.objects.create(
        instrument=Instrument.objects.get(symbol="AAPL"),
        timeframe="1Min",
        start=minute,
        volume=D(400 + others),
        turnover=D(40_000),
        trades=4,
    )
    with time_machine.travel(minute, tick=False) as clock:
        bought = []
        for tenth in range(4):
            bought.append(traded(account, venue, quantity=100, price=f"100.{tenth}0"))
            clock.shift(10)
        traded(account, venue, Side.SELL, 400, "100.25")
        look()
    assert [kind for kind in kinds() if kind == "momentum_ignition"] == found
    for evidence in AlertEvidence.objects.filter(kind="momentum_ignition"):
        assert evidence.facts["orders"] == [str(each.pk) for each in bought]


def test_a_deposit_that_the_bank_refuses_is_told_once():
    account = world.customer(cash="0")
    came = funding.expect_deposit(
        account_id=account.pk,
        amount=D(100),
        reference="D1",
        bank="DE12",
        actor="operator:bank",
        now=timezone.now(),
    )
    take(came, Step.RETURN)
    look()
    look()
    [alert] = Alert.objects.all()
    assert (alert.kind, alert.account_id, alert.severity) == (
        "deposit_failed",
        account.pk,
        Severity.WARNING,
    )
    assert alert.summary == "A deposit of 100 USD was refused by the bank"
    assert alert.evidence.get().facts == {"reference": "D1", "amount": "100"}


def take(came, step):
    funding.take(came.pk, step, actor="operator:bank", reason="", now=timezone.now())


def test_the_busy_keep_nobody_waiting(monkeypatch):
    monkeypatch.setattr(surveillance, "ACCOUNTS_MAX", 1)
    busy, other = sorted((world.customer(), world.customer()), key=lambda each: each.pk)
    look()
    pay_in(other, 10, "other")
    other.refresh_from_db()
    for number in range(100):  # by lot: that one is left out so often does not happen
        pay_in(busy, 10, number)
        surveillance.Watch().look(now=timezone.now())
        if Surveyed.objects.get(account=other).sequence == other.activity_sequence:
            break
    else:
        pytest.fail("the other account was never looked at")


def pay_in(account, amount, number):
    portfolio.deposit(
        account_id=account.pk,
        amount=D(amount),
        reference=f"payment {number}",
        actor="operator:test",
        now=timezone.now(),
    )


def test_a_busy_account_keeps_nobody_waiting(venue, monkeypatch):
    monkeypatch.setattr(surveillance, "EACH_MAX", 2)
    busy, quiet = world.customer(), world.customer()
    for _ in range(3):
        traded(busy, venue)
    assert surveillance.Watch().look(now=timezone.now()) == 3
    assert Surveyed.objects.get(account=busy).sequence == 2
    assert Surveyed.objects.get(account=quiet).sequence == 1
    assert look() == 5


def test_what_fails_alone_is_passed_over_with_an_alert(venue):
    broken, other = world.customer(), world.customer(cash="0")
    order = traded(broken, venue)
    traded_before = Surveyed.objects.count()
    with connection.cursor() as cursor:  # an activity that names no trade, as nobody writes it
        cursor.execute(
            """INSERT INTO accounts_activity (account_id, sequence, kind, at, actor, payload,
                                              previous_digest, digest)
               VALUES (%s, 4, 'order.filled', now(), 'venue:x', '{}', '', '')""",
            [broken.pk],
        )
    Account.objects.filter(pk=broken.pk).update(activity_sequence=4)
    pay_in(other, "300000.00", 1)
    look()
    assert traded_before == 0
    assert kinds() == ["surveillance_failed", "unusual_transfer"]
    failed = Alert.objects.get(kind="surveillance_failed")
    assert (failed.account_id, failed.severity) == (broken.pk, Severity.SEVERE)
    assert Surveyed.objects.get(account=broken).sequence == 4
    assert Order.objects.get(pk=order.pk).status == "filled"


def named(account, number="123456789"):
    """Let the customer of `account` name a payee with this bank account."""
    return payees.add(
        account_id=account.pk, kind="us_bank", holder=account.user.name,
        numbers={"routing_number": "111000025", "account_number": number},
        actor=f"user:{account.user_id}", now=timezone.now(),
    )  # fmt: skip


def test_a_bank_account_that_several_customers_name_is_told_of():
    first, second, third = world.customer(), world.customer(), world.customer()
    own = Account.objects.create(user=first.user, number="T-another")
    theirs = named(first)
    payees.remove(account_id=first.pk, payee_id=theirs.pk, actor="user:test", now=timezone.now())
    for again in (first, own):
        named(again)
    look()
    assert kinds() == []  # one customer, however often
    named(second, "987654321")
    look()
    assert kinds() == []
    again = named(second)
    look()
    alert = Alert.objects.get()
    assert (alert.kind, alert.account_id, alert.severity) == (
        "shared_payee", second.pk, Severity.WARNING,
    )  # fmt: skip
    evidence = AlertEvidence.objects.get().facts
    assert (evidence["payee"], evidence["customers"]) == (str(again.pk), 2)
    assert set(evidence["other_accounts"]) == {str(first.pk), str(own.pk)}
    assert len(evidence["other_payees"]) == 3
    named(third)
    look()
    assert Alert.objects.get(account=third).severity == Severity.SEVERE
    assert Alert.objects.count() == 2


def test_an_address_that_several_customers_name_is_told_of():
    for number in range(2):
        owner = world.customer()
        payees.add(
            account_id=owner.pk, kind="coin", holder=owner.user.name, actor="user:test",
            now=timezone.now(), numbers={
                "network": "bitcoin", "address": world.ADDRESSES["bitcoin"],
                "wallet": "provider", "provider": f"Bank {number}",
            },
        )  # fmt: skip
    look()
    assert Alert.objects.get().kind == "shared_payee"


def test_money_that_passes_through_as_coins_is_seen_by_what_they_are_worth():
    coin = world.coin(bid="50000.00", ask="50000.00")
    owner = world.customer(cash="50000.00")
    world.own(owner, "BTC/USD", "0.99", world.Venue(), price="50000.00")
    quoted = timezone.now()
    world.quote(coin, bid="50000.00", ask="50000.00", at=quoted)
    funding.request_withdrawal(
        account_id=owner.pk, payee_id=world.coin_payee(owner, daily_limit="90000").pk, coin="BTC",
        amount=D("0.95"), reference="C1", actor="user:test", now=quoted,
    )  # fmt: skip
    look()
    alert = Alert.objects.get(kind="unusual_transfer")
    assert (alert.severity, alert.summary) == (
        Severity.SEVERE,
        "47,505.00 USD withdrawn of 50,000.00 USD that came in within 5 days, as coins",
    )


def test_the_statements_of_a_round_do_not_grow_with_its_accounts(venue):
    def statements(count):
        accounts = [world.customer() for _ in range(count)]
        orders = [placed(each) for each in accounts]
        for order in orders:
            venue.fills(order, "10", "100.00")
        world.apply_reports()
        with trips_noted() as trips:
            surveillance.Watch().look(now=timezone.now())
        return len(trips)

    statements(1)  # prepares them
    assert statements(1) == statements(8)


def test_nothing_is_marked_as_read_when_the_round_is_undone(venue, monkeypatch):
    account = world.customer()
    traded(account, venue)
    monkeypatch.setattr(surveillance.alerts, "raise_alerts", killed)
    with pytest.raises(Killed):
        surveillance.Watch().look(now=timezone.now())
    assert not Surveyed.objects.exists()


class Killed(BaseException):
    pass


def killed(*_, **__):
    raise Killed


def test_it_rests_longer_than_it_works_and_never_too_long():
    assert [surveillance._rest(worked) for worked in (0.01, 0.1, 0.2, 5)] == [
        0.5,
        pytest.approx(0.9),
        pytest.approx(1.8),
        3.0,
    ]


# --- The close -----------------------------------------------------------------------------------


def test_the_last_minutes_of_a_session_are_looked_at_once_it_has_closed(venue):
    """Somebody buys a third of the last minutes' volume while the price rises by one percent."""
    close = calendars.sessions("XNYS", first=date(2026, 3, 2), last=date(2026, 3, 2))[0].close
    account = world.customer(cash="200000.00")
    order = placed(account, quantity=300)
    Instrument.objects.update(calendar="XNYS")
    Trade.objects.create(
        order=order,
        account=account,
        instrument=order.instrument,
        venue=order.venue,
        execution_id="late",
        side="buy",
        quantity=D(300),
        price=D("100.50"),
        executed_at=close - timedelta(minutes=2),
        booked_at=close - timedelta(minutes=2),
    )
    for minute, price in ((10, "100.00"), (1, "101.00")):
        Bar.objects.create(
            instrument=order.instrument,
            timeframe="1Min",
            start=close - timedelta(minutes=minute),
            source="test",
            open=D(price),
            high=D(price),
            low=D(price),
            close=D(price),
            volume=D(450),
            turnover=D(45_000),
            trades=9,
        )
    closes = surveillance.Closes()
    closes.look(now=close - timedelta(seconds=1))
    assert kinds() == []
    closes.look(now=close + timedelta(seconds=1))
    assert kinds() == ["marking_close"]
    surveillance.Closes().look(now=close + timedelta(minutes=1))  # after a new start
    assert AlertEvidence.objects.count() == 1
