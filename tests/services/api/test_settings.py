"""What a customer sets for the account, and the pages that show how it stands."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Activity
from orders.entry import submission
from portfolio.models import Lot
from portfolio.services import deposit
from tests import world
from tests.services.api.conftest import Customer
from tests.services.api.test_own import send
from venues.messages import Side

D = Decimal
PATH = "/api/v1/account/settings"


@pytest.fixture
def lender(customer: Customer) -> Account:
    Account.objects.filter(pk=customer.account.pk).update(margin=True)
    customer.account.refresh_from_db()
    return customer.account


def test_the_lot_method_is_chosen_told_and_kept(browser: Client, customer: Customer) -> None:
    assert send(browser, "get", PATH).json()["lot_method"] == "fifo"
    changed = send(browser, "patch", PATH, {"lot_method": "highest_cost"})
    assert (changed.status_code, changed.json()["lot_method"]) == (200, "highest_cost")
    event = Activity.objects.filter(account=customer.account).latest("sequence")
    assert event.kind == "account.settings_changed"
    assert event.payload == {"lot_method": "highest_cost"}
    assert send(browser, "patch", PATH, {"lot_method": "highest_cost"}).status_code == 200
    assert Activity.objects.filter(kind="account.settings_changed").count() == 1


@pytest.mark.parametrize(
    "body",
    [{"lot_method": "best"}, {"multiplier": 3}, {"multiplier": True}, {"shorting": "yes"}, [1]],
)
def test_what_is_no_choice_changes_nothing(browser: Client, lender: Account, body: object) -> None:
    assert send(browser, "patch", PATH, body).status_code == 422
    assert send(browser, "patch", PATH, {"tier": "gold"}).status_code == 400
    after = Account.objects.get(pk=lender.pk)
    assert (after.lot_method, after.multiplier_max, after.allows_shorting) == ("fifo", 4, True)


def test_a_margin_account_may_be_kept_from_borrowing(browser: Client, lender: Account) -> None:
    answer = send(browser, "patch", PATH, {"shorting": False, "multiplier": 1})
    assert answer.json() == {"lot_method": "fifo", "shorting": False, "multiplier": 1}
    assert send(browser, "get", "/api/v1/account").json()["multiplier"] == "1"


def test_a_cash_account_borrows_nothing(browser: Client, customer: Customer) -> None:
    assert send(browser, "patch", PATH, {"shorting": True}).status_code == 422
    assert send(browser, "patch", PATH, {"multiplier": 2}).status_code == 422
    assert Account.objects.get(pk=customer.account.pk).multiplier_max == 4


def test_a_position_shows_its_lots_and_what_was_closed(browser: Client, customer: Customer) -> None:
    venue = world.Venue()
    world.own(customer.account, "AAPL", "10", venue, price="100.00")
    ticket = world.limit_ticket(customer.account, "90.00", side=Side.SELL, quantity=D(4))
    [answer] = submission.submit_batch([ticket])
    assert answer.order is not None
    venue.fills(answer.order, "4", "110.00")
    world.apply_reports()
    page = browser.get("/account/positions/AAPL").content.decode()
    words = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "Realised so far +40.00" in words
    assert Lot.objects.get().quantity == D(6)
    assert " 6 600.00 " in words
    assert " 440.00 400.00 +40.00 " in words
    assert 'name="lot"' not in page
    send(browser, "patch", PATH, {"lot_method": "specific"})
    page = browser.get("/account/positions/AAPL").content.decode()
    assert f'name="lot" value="{Lot.objects.get().pk}"' in page
    assert browser.get("/account/positions/NONE").status_code == 404
    account = browser.get("/account").content.decode()
    assert "Settles on" in account
    assert "This is a cash account" in account


def test_a_margin_account_shows_its_day_trades_and_debit(browser: Client, lender: Account) -> None:
    deposit(
        account_id=lender.pk,
        amount=D("30000.00"),
        reference="more",
        actor="operator:test",
        now=timezone.now() - dt.timedelta(days=1),
    )
    page = browser.get("/account").content.decode()
    assert "Margin debit" in page
    assert "0 of 3" in page
    assert "30,000.00" in page
