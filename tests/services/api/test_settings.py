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
from tests.services.api.conftest import Api, Customer, send
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
    [
        {"lot_method": "best"},
        {"multiplier": 3},
        {"multiplier": True},
        {"shorting": "yes"},
        {"suspended": "yes"},
        [1],
    ],
)
def test_what_is_no_choice_changes_nothing(browser: Client, lender: Account, body: object) -> None:
    assert send(browser, "patch", PATH, body).status_code == 422
    assert send(browser, "patch", PATH, {"tier": "gold"}).status_code == 400
    after = Account.objects.get(pk=lender.pk)
    assert (after.lot_method, after.multiplier_max, after.allows_shorting) == ("fifo", 4, True)


def test_a_margin_account_may_be_kept_from_borrowing(browser: Client, lender: Account) -> None:
    answer = send(browser, "patch", PATH, {"shorting": False, "multiplier": 1})
    assert answer.json() == {
        "lot_method": "fifo", "shorting": False, "multiplier": 1, "suspended": False,
    }  # fmt: skip
    assert send(browser, "get", "/api/v1/account").json()["multiplier"] == "1"


CONFIGURATIONS = "/v2/account/configurations"


def test_programs_are_told_how_the_account_is_set(api: Api) -> None:
    told = api("GET", CONFIGURATIONS).json()
    assert told == {
        "dtbp_check": "entry", "fractional_trading": True, "max_options_trading_level": 0,
        "pdt_check": "entry", "ptp_no_exception_entry": False, "trade_confirm_email": "none",
        "disable_overnight_trading": False, "max_margin_multiplier": "1", "no_shorting": True,
        "suspend_trade": False,
    }  # fmt: skip
    again = api("PATCH", CONFIGURATIONS, json={**told, "new": "field"})  # as their clients send it
    assert (again.status_code, again.json()) == (200, told)
    assert not Activity.objects.filter(kind="account.settings_changed").exists()


def test_programs_change_what_can_be_chosen(api: Api, lender: Account) -> None:
    told = api("GET", CONFIGURATIONS).json()
    assert (told["max_margin_multiplier"], told["no_shorting"]) == ("4", False)
    news = {"max_margin_multiplier": "2", "no_shorting": True}
    assert api("PATCH", CONFIGURATIONS, json=news).json() == told | news
    lender.refresh_from_db()
    assert (lender.multiplier_max, lender.allows_shorting) == (2, False)


@pytest.mark.parametrize(
    "body",
    [
        {"trade_confirm_email": "all"}, {"fractional_trading": False}, {"no_shorting": "yes"},
        {"suspend_trade": 1}, {"max_margin_multiplier": "3"}, {"max_margin_multiplier": "4"},
        {"no_shorting": False}, [],
    ],
)  # fmt: skip
def test_what_cannot_be_set_changes_nothing(api: Api, body: object) -> None:
    told = api("GET", CONFIGURATIONS).json()
    refused = api("PATCH", CONFIGURATIONS, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, 40010001)
    assert api("GET", CONFIGURATIONS).json() == told


def test_a_suspended_account_takes_no_new_orders_until_its_owner_lifts_it(
    api: Api, browser: Client
) -> None:
    order = {
        "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "90",
        "time_in_force": "day",
    }  # fmt: skip
    stands = api("POST", "/v2/orders", json=order).json()
    assert api("PATCH", CONFIGURATIONS, json={"suspend_trade": True}).json()["suspend_trade"]
    assert api("GET", "/v2/account").json()["trade_suspended_by_user"] is True
    assert send(browser, "get", PATH).json()["suspended"] is True
    denied = api("POST", "/v2/orders", json=order)
    assert (denied.status_code, denied.json()["reason"]) == (403, "account_suspended")
    assert api("GET", f"/v2/orders/{stands['id']}").json()["status"] not in ("rejected", "canceled")
    assert api("DELETE", f"/v2/orders/{stands['id']}").status_code == 204
    assert send(browser, "patch", PATH, {"suspended": False}).json()["suspended"] is False
    assert api("POST", "/v2/orders", json=order).status_code == 200


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
