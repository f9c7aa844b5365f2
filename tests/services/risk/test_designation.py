"""Taking back that somebody is a pattern day trader: two people, once in 90 days."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.approvals import UnableToApprove
from accounts.models import Activity, Approval
from marketdata import calendars
from orders import day_trading
from risk.margin import designation
from risk.margin.designation import AGAIN_AFTER, UnableToClear
from risk.margin.monitor import Counted, Monitor
from risk.models import MarginStatus
from tests import on_margin, people, world
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def two():
    return people.person(is_staff=True), people.person(is_staff=True)


def day_trader(cash="10000.00", **fields):
    account = on_margin.customer(cash=cash)
    now = timezone.now()
    MarginStatus.objects.create(
        account=account,
        at=now,
        day=calendars.date_of(now),
        day_trades=4,
        day_trader_since=calendars.date_of(now),
        **fields,
    )
    return account


def status(account):
    return MarginStatus.objects.get(account=account)


def ask(account, by, now=None):
    return designation.ask_to_clear(
        account, reason="He has understood", by=by, now=now or timezone.now()
    )


def test_it_takes_two_people_and_is_told(two):
    account = day_trader()
    asked = ask(account, two[0])
    with pytest.raises(UnableToClear, match="waits for another person"):
        ask(account, two[1])
    with pytest.raises(UnableToApprove):
        designation.approve(asked.pk, by=two[0], now=timezone.now())
    assert status(account).day_trader_since is not None
    now = timezone.now()
    designation.approve(asked.pk, by=two[1], now=now)
    after = status(account)
    assert (after.day_trader_since, after.cleared_at, after.day_trades) == (None, now, 0)
    [told] = Activity.objects.filter(account=account, kind="account.day_trader_cleared")
    assert told.actor == f"operator:{two[0].pk}"


def test_who_is_none_is_not_asked_for(two):
    account = on_margin.customer()
    with pytest.raises(UnableToClear, match="no pattern day trader"):
        ask(account, two[0])
    MarginStatus.objects.create(account=account, at=timezone.now())
    with pytest.raises(UnableToClear, match="no pattern day trader"):
        ask(account, two[0])
    assert not Approval.objects.exists()


@pytest.mark.parametrize(
    ("cash", "ago", "is_allowed"),
    [
        ("24999.99", AGAIN_AFTER - timedelta(seconds=1), False),
        ("24999.99", AGAIN_AFTER, True),
        ("25000.00", timedelta(days=1), True),
    ],
)
def test_once_in_90_days_or_with_the_equity_of_a_day_trader(two, cash, ago, is_allowed):
    now = timezone.now()
    account = day_trader(cash, cleared_at=now - ago)
    if is_allowed:
        designation.approve(ask(account, two[0], now).pk, by=two[1], now=now)
        assert status(account).day_trader_since is None
        return
    with pytest.raises(UnableToClear, match="90 days"):
        ask(account, two[0], now)
    assert status(account).day_trader_since is not None
    assert not Approval.objects.exists()


def test_what_was_asked_for_is_looked_at_again_when_it_is_agreed_to(two):
    account = day_trader()
    asked = ask(account, two[0])
    MarginStatus.objects.update(cleared_at=timezone.now() - timedelta(days=1))
    with pytest.raises(UnableToClear):
        designation.approve(asked.pk, by=two[1], now=timezone.now())
    assert status(account).day_trader_since is not None
    assert not hasattr(Approval.objects.get(), "decision")


def day_trade(venue, account, symbol):
    world.own(account, symbol, "1", venue, price="100.00")
    wanted = world.limit_ticket(account, "100.00", symbol=symbol, side=Side.SELL, quantity=D(1))
    [answer] = on_margin.submit(wanted)
    assert answer.order.denial_code == "", answer.order.status_reason
    venue.fills(answer.order, "1", "100.00")
    world.apply_reports()


def count(account):
    record = day_trading.records([account.pk], now=timezone.now())[account.pk]
    return {account.pk: Counted(record.count, record.since)}


def look(account, counted):
    Monitor().look(now=timezone.now(), touched=[account.pk], counted=counted)


def test_day_trades_of_before_make_no_pattern_day_trader_again(two):
    venue, account = world.Venue(), on_margin.customer(cash="30000.00")
    for symbol in ("AAPL", "MSFT", "NVDA", "TSLA"):
        on_margin.instrument(symbol)
        day_trade(venue, account, symbol)
    look(account, {})
    of_before = count(account)
    look(account, of_before)
    assert (status(account).day_trades, status(account).day_trader_since is None) == (4, False)
    designation.approve(ask(account, two[0]).pk, by=two[1], now=timezone.now())
    look(account, of_before)  # counted before, written after
    look(account, count(account))
    assert (status(account).day_trades, status(account).day_trader_since) == (0, None)
    for symbol in ("AAPL", "MSFT", "NVDA"):
        day_trade(venue, account, symbol)
    look(account, count(account))
    assert (status(account).day_trades, status(account).day_trader_since) == (3, None)
    day_trade(venue, account, "TSLA")
    look(account, count(account))
    assert status(account).day_trader_since == calendars.date_of(timezone.now())


def test_it_is_asked_for_on_its_page(two):
    user = two[0]
    user.is_superuser = True
    user.save()
    browser, account = people.browser_of(user), day_trader()
    page = f"/admin/risk/marginstatus/{account.pk}/change/"
    assert "why_clear" in browser.get(page).content.decode()
    assert browser.post(page, {"why_clear": ""}).status_code == 200
    assert not Approval.objects.exists()
    assert browser.post(page, {"why_clear": "He has understood"}).status_code == 302
    asked = Approval.objects.get()
    assert (asked.kind, asked.subject) == ("risk.day_trader", str(account.pk))
    assert status(account).day_trader_since is not None
    MarginStatus.objects.update(day_trader_since=None)
    assert "why_clear" not in browser.get(page).content.decode()
