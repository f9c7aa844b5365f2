"""Money on its way out, by the pages and by the calls of those who are signed in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.letters import writing
from accounts.letters.models import Letter
from accounts.models import Account
from accounts.sessions import authentication
from portfolio.funding.models import Funding
from portfolio.payees.models import DailyLimit, Payee
from tests import people, world

pytestmark = pytest.mark.django_db

US_BANK = {
    "kind": "us_bank", "holder": "A Customer", "routing_number": "111000025",
    "account_number": "123456789",
}  # fmt: skip
REFERENCE = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """A day has a limit: no test begins on one and ends on the next."""
    authentication.forget()
    with time_machine.travel("2026-03-10T12:00:00-04:00", tick=True):
        yield


@pytest.fixture
def account() -> Account:
    return world.customer()


@pytest.fixture
def browser(account: Account) -> Client:
    return people.browser_of(account.user)


def call(browser: Client, method: str, path: str, body: Any = None) -> Any:
    return browser.generic(
        method, f"/api/v1/{path}", _json(body), content_type="application/json",
        headers={"x-csrftoken": "unused"},
    )  # fmt: skip


def _json(body: Any) -> bytes:
    return b"" if body is None else orjson.dumps(body)


def later(**by: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(**by), tick=True)


def test_from_a_payee_to_a_withdrawal_that_is_asked_for_once(account, browser):
    page = browser.post("/account/money/payees/new", {**US_BANK, "label": "Savings"}, follow=True)
    assert "Savings was added" in page.content.decode()
    payee = Payee.objects.get(account=account)
    early = browser.get("/account/money/withdraw").content.decode()
    assert "None of your payees can be paid yet" in early

    Payee.objects.update(usable_at=timezone.now())
    asked = {"payee": payee.pk, "amount": "1,250.50", "reference": REFERENCE}
    for _ in range(2):
        page = browser.post("/account/money/withdraw", asked, follow=True).content.decode()
    assert "1,250.50 USD are set aside" in page
    assert "98,749.50" in page
    [found] = Funding.objects.filter(direction="withdrawal")
    assert (found.payee, found.state) == (payee, "requested")

    page = browser.post(f"/account/money/withdrawals/{found.pk}/cancel", follow=True)
    assert "The withdrawal was cancelled" in page.content.decode()
    page = browser.post(f"/account/money/payees/{payee.pk}/remove", follow=True)
    assert "The payee was removed" in page.content.decode()
    assert "100,000.00" in page.content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"routing_number": "111000026"}, "This is no routing number"),
        ({"account_number": ""}, "An account number has 4 to 17 digits."),
        ({"holder": "Mallory"}, "Money goes to accounts of your own"),
        ({"kind": "iban", "iban": "DE88"}, "This IBAN is not valid"),
        ({"kind": "paypal"}, "Select a valid choice"),
    ],
)
def test_a_payee_that_cannot_be_is_refused_beside_its_field(account, browser, wrong, said):
    page = browser.post("/account/money/payees/new", {**US_BANK, **wrong})
    assert (page.status_code, said in page.content.decode()) == (422, True)
    assert not Payee.objects.exists()


@pytest.mark.parametrize("amount", ["", "0", "-5", "1e3", "1.001", "99999999", "NaN"])
def test_an_amount_that_cannot_leave_is_refused(account, browser, amount):
    asked = {"payee": world.payee(account).pk, "amount": amount, "reference": REFERENCE}
    page = browser.post("/account/money/withdraw", asked)
    assert page.status_code == 422
    assert not Funding.objects.filter(direction="withdrawal").exists()


def test_what_is_dear_asks_for_a_fresh_strong_proof(account, browser):
    with later(minutes=6):
        for path in ("payees/new", "withdraw", "limit"):
            answer = browser.get(f"/account/money/{path}")
            assert answer.headers["Location"].startswith("/prove?"), path
        for method, path in (
            ("POST", "payees"),
            ("POST", "withdrawals"),
            ("PUT", "withdrawals/limit"),
        ):
            assert call(browser, method, path, {}).status_code == 403, path
        assert browser.get("/account/money").status_code == 200
        assert call(browser, "GET", "payees").status_code == 200
    assert not Payee.objects.exists()


def test_nobody_touches_the_money_of_others(account, browser):
    other = world.customer()
    payee = world.payee(other)
    theirs = people.browser_of(other.user)
    done = call(
        theirs, "POST", "withdrawals",
        {"payee_id": str(payee.pk), "amount": "5", "reference": "W1"},
    )  # fmt: skip
    withdrawal = done.json()["id"]
    for path in (f"payees/{payee.pk}/remove", f"withdrawals/{withdrawal}/cancel"):
        assert browser.post(f"/account/money/{path}").status_code == 404
    for path in (f"payees/{payee.pk}", f"withdrawals/{withdrawal}"):
        assert call(browser, "DELETE", path).status_code == 404
    taken = call(browser, "POST", "withdrawals", {"payee_id": str(payee.pk), "amount": "5"})
    assert (taken.status_code, taken.json()["reason"]) == (403, "unknown_payee")
    assert [each.state for each in Funding.objects.filter(direction="withdrawal")] == ["requested"]
    assert Payee.objects.get(pk=payee.pk).removed_at is None


def test_programs_of_phones_do_the_same_by_calls(account, browser):
    made = call(browser, "POST", "payees", {**US_BANK, "label": "Savings"})
    assert made.status_code == 201
    payee = made.json()
    assert (payee["account"], payee["label"]) == ("Account … 6789", "Savings")
    assert "123456789" not in str(call(browser, "GET", "payees").json())

    asked = {"payee_id": payee["id"], "amount": "100.00", "reference": "W1"}
    early = call(browser, "POST", "withdrawals", asked)
    assert (early.status_code, early.json()["reason"]) == (403, "payee_cooling_off")
    assert early.json()["until"] == payee["usable_at"]

    Payee.objects.update(usable_at=timezone.now())
    first, again = (call(browser, "POST", "withdrawals", asked).json() for _ in range(2))
    assert first == again
    limit = call(browser, "PUT", "withdrawals/limit", {"amount": "500"}).json()
    assert (limit["amount"], limit["left_today"], limit["withdrawable"]) == ("500", "400", "99900")
    too_much = call(
        browser, "POST", "withdrawals", {**asked, "amount": "400.01", "reference": "W2"}
    )
    assert too_much.json()["reason"] == "daily_limit"
    assert call(browser, "DELETE", f"withdrawals/{first['id']}").status_code == 204
    assert call(browser, "DELETE", f"payees/{payee['id']}").status_code == 204
    assert call(browser, "GET", "payees").json() == []
    assert call(browser, "PUT", "withdrawals/limit", {"amount": "100000.01"}).status_code == 422
    assert DailyLimit.objects.count() == 1


def test_whoever_has_the_letter_stops_it_without_signing_in(account, browser):
    browser.post("/account/money/payees/new", US_BANK)
    letter = Letter.objects.get(kind="payee_added")
    [path] = re.findall(r"(/cancel/\S+)", writing.read(letter))
    anybody = Client()
    for _ in range(2):  # looking uses nothing up
        page = anybody.get(path)
        assert (page.status_code, "Remove this payee?" in page.content.decode()) == (200, True)
    assert "123456789" not in page.content.decode()
    assert "The payee is removed" in anybody.post(path).content.decode()
    assert Payee.objects.get().removed_at is not None
    for gone in (anybody.get(path), anybody.post(path), anybody.get("/cancel/nonsense")):
        assert (gone.status_code, "no longer works" in gone.content.decode()) == (410, True)


# --- Coins --------------------------------------------------------------------------------------

ADDRESS = {
    "kind": "coin", "holder": "A Customer", "network": "bitcoin",
    "address": world.ADDRESSES["bitcoin"], "wallet": "self_hosted",
}  # fmt: skip


@pytest.fixture
def coins(account: Account, settings: Any) -> None:
    settings.QUOTE_AGE_SECONDS_MAX = 3600
    world.coin(bid="50000.00", ask="50000.00")
    world.own(account, "BTC/USD", "1", world.Venue(), price="50000.00")


def test_from_an_address_to_a_withdrawal_of_coins(account, browser, coins):
    page = browser.post("/account/money/payees/new", {**ADDRESS, "label": "Cold"}, follow=True)
    assert "Cold was added" in page.content.decode()
    payee = Payee.objects.get(account=account)
    assert payee.numbers["address"] == ADDRESS["address"]

    Payee.objects.update(usable_at=timezone.now())
    form = browser.get("/account/money/withdraw").content.decode()
    assert "Cold (Bitcoin bc1qw5 … f3t4), BTC" in form
    assert "0.9999 BTC" in form
    asked = {"payee": payee.pk, "amount": "0.1", "reference": REFERENCE}
    page = browser.post("/account/money/withdraw", asked, follow=True).content.decode()
    assert "0.1 BTC and a network fee of 0.0001 BTC are set aside" in page
    [found] = Funding.objects.filter(direction="withdrawal")
    assert (found.coin, found.value, found.state) == ("BTC", 5005, "requested")
    assert "19,995.00 USD" in page  # of the day's limit of 25,000

    letter = Letter.objects.get(kind="withdrawal_requested")
    assert "A withdrawal of 0.1 BTC was asked for" in letter.subject
    [token] = re.findall(r"/cancel/(\S+)", writing.read(letter))
    assert "Cancel the withdrawal of 0.1 BTC?" in browser.get(f"/cancel/{token}").content.decode()
    assert browser.post(f"/cancel/{token}").status_code == 200
    assert Funding.objects.get(pk=found.pk).state == "cancelled"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"address": "bc1qw508d6qejxtdg4y5r3z"},
            "This is no address on Bitcoin",
        ),
        ({"network": "ethereum"}, "This is no address on Ethereum"),
        ({"holder": "Mallory Thief"}, "Money goes to accounts of your own"),
        ({"wallet": "provider"}, "Say which provider keeps the wallet."),
    ],
)
def test_an_address_that_cannot_be_is_refused_beside_its_field(account, browser, wrong, said):
    page = browser.post("/account/money/payees/new", {**ADDRESS, **wrong})
    assert (page.status_code, said in page.content.decode()) == (422, True)
    assert not Payee.objects.exists()


def test_coins_leave_by_the_calls_as_cash_does(account, browser, coins):
    made = call(browser, "POST", "payees", ADDRESS)
    assert made.status_code == 201
    assert (made.json()["asset"], made.json()["network"]) == ("BTC", "bitcoin")
    assert call(browser, "POST", "payees", ADDRESS).status_code == 422
    asked = {"payee_id": made.json()["id"], "asset": "BTC", "amount": "0.25"}
    assert call(browser, "POST", "withdrawals", asked).json()["reason"] == "payee_cooling_off"
    Payee.objects.update(usable_at=timezone.now())
    without = {key: asked[key] for key in ("payee_id", "amount")}
    assert call(browser, "POST", "withdrawals", without).json()["reason"] == "other_asset"
    done = call(browser, "POST", "withdrawals", asked).json()
    assert (done["asset"], done["amount"], done["fee"]) == ("BTC", "0.25", "0.0001")
    assert done["value"] == "12505"
    limit = call(browser, "GET", "withdrawals/limit").json()
    assert limit["left_today"] == "12495"
    assert limit["coins"] == [{"asset": "BTC", "withdrawable": "0.7498", "fee": "0.0001"}]
    assert call(browser, "DELETE", f"withdrawals/{done['id']}").status_code == 204
