"""What our own pages call: keys, demo money, the activity log."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.sessions import authentication
from orders.models import Order
from portfolio.models import Transfer
from reconciliation.proof import sealing
from tests.services.api.conftest import Api, Customer, send
from trading import demo


def test_a_key_is_made_shown_once_used_and_revoked(browser: Client) -> None:
    made = send(browser, "post", "/api/v1/keys", {"name": "robot"})
    assert made.status_code == 201
    key = made.json()
    robot = Api(Customer(None, key["key_id"], key["secret_key"]))  # type: ignore[arg-type]
    assert robot("GET", "/v2/account").status_code == 200
    listed = send(browser, "get", "/api/v1/keys").json()
    assert listed[0]["name"] == "robot"
    assert all("secret_key" not in row for row in listed)
    assert send(browser, "delete", f"/api/v1/keys/{key['key_id']}").status_code == 204
    authentication.forget()
    assert robot("GET", "/v2/account").status_code == 401


def test_the_key_of_another_is_not_found(browser: Client, other: Customer) -> None:
    answer = send(browser, "delete", f"/api/v1/keys/{other.key_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, 40410000)
    assert Api(other)("GET", "/v2/account").status_code == 200


def test_demo_money_comes_once_for_each_key(browser: Client) -> None:
    def cash() -> str:
        return str(send(browser, "get", "/api/v1/account").json()["cash"])

    first = send(browser, "post", "/api/v1/demo-deposit", {"key": "key-number-1"})
    again = send(browser, "post", "/api/v1/demo-deposit", {"key": "key-number-1"})
    assert (first.json()["repeat"], again.json()["repeat"]) == (False, True)
    assert cash() == "110000"


def test_demo_money_is_bounded_by_the_day(browser: Client) -> None:
    before = Transfer.objects.count()
    for n in range(demo.DEPOSITS_PER_DAY_MAX):
        assert (
            send(browser, "post", "/api/v1/demo-deposit", {"key": f"number-{n}"}).status_code == 200
        )
    answer = send(browser, "post", "/api/v1/demo-deposit", {"key": "one-too-many"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "deposit_limit")
    assert Transfer.objects.count() == before + demo.DEPOSITS_PER_DAY_MAX


def test_there_is_no_demo_money_in_production(browser: Client, settings: Any) -> None:
    settings.DEMO = False
    answer = send(browser, "post", "/api/v1/demo-deposit", {"key": "key-number-1"})
    assert answer.status_code == 404


def test_the_activity_log_goes_on_from_where_one_was(browser: Client) -> None:
    whole = send(browser, "get", "/api/v1/activity").json()
    assert [e["kind"] for e in whole] == ["money.deposited", "key.created"]
    rest = send(browser, "get", f"/api/v1/activity?since={whole[0]['sequence']}").json()
    assert rest == whole[1:]


@pytest.mark.parametrize("path", ["/api/v1/keys", "/api/v1/demo-deposit"])
def test_an_unknown_field_is_refused(browser: Client, path: str) -> None:
    answer = send(browser, "post", path, {"colour": "green"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "unknown_field")


def test_a_key_opens_nothing_of_the_pages(api: Api) -> None:
    for path in ("/api/v1/account", "/api/v1/keys", "/api/v1/orders"):
        assert api("GET", path).status_code == 401


def test_an_estimate_is_the_orders_decision_and_places_nothing(
    browser: Client,
) -> None:
    body = {"symbol": "AAPL", "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"}
    told = send(browser, "post", "/api/v1/orders/estimate", body).json()
    assert (told["position_intent"], told["price"], told["total"]) == ("buy_to_open", "100", "1000")
    assert (told["fees"], told["margin"], told["denial"]) == ([], None, None)
    assert (told["held"], told["buying_power"]) == ({"asset": "USD", "amount": "1030"}, "100000")
    assert told["buying_power_after"] == "98970"
    dear = send(browser, "post", "/api/v1/orders/estimate", body | {"qty": "5000"}).json()
    assert dear["denial"]["code"] == "insufficient_buying_power"
    assert dear["qty_max"] == "970"
    wrong = send(browser, "post", "/api/v1/orders/estimate", body | {"qty": "-1"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "qty")
    none = send(browser, "post", "/api/v1/orders/estimate", body | {"symbol": "NONE"})
    assert (none.status_code, none.json()["reason"]) == (422, "unknown_symbol")
    assert not Order.objects.exists()


def test_the_proof_is_that_of_the_latest_seal(
    browser: Client, api: Api, customer: Customer, settings: Any, tmp_path: Any
) -> None:
    settings.SEALS = tmp_path
    unsealed = send(browser, "get", "/api/v1/proof")
    assert (unsealed.status_code, unsealed.json()["reason"]) == (404, "not_found")
    sealing.run(day=date(2026, 11, 16), now=timezone.now(), progress=lambda done, total: None)
    shown = send(browser, "get", "/api/v1/proof").json()
    assert shown["account"] == str(customer.account.pk)
    assert [(owed["asset"], owed["amount"]) for owed in shown["owed"]] == [("USD", "100000")]
    assert shown == api("GET", "/v2/proof").json()
