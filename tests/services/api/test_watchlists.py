"""The customer's watchlists: as programs know them, by id and by name, and on the trade page."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import watchlists
from accounts.models import Watchlist
from tests import world
from tests.services.api.conftest import Api, Customer, send

LISTS = "/v2/watchlists"
BY_NAME = "/v2/watchlists:by_name"


@pytest.fixture(autouse=True)
def _market(customer: Customer) -> None:
    world.instrument("MSFT")
    world.instrument("BTC/USD")


def made(api: Api, name: str = "Tech", *symbols: str) -> Any:
    answer = api("POST", LISTS, json={"name": name, "symbols": list(symbols)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def symbols_of(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert [asset["symbol"] for asset in shown["assets"]] == shown["symbols"]
    return list(shown["symbols"])


def refused(answer: Any) -> tuple[int, int, str]:
    body = answer.json()
    return answer.status_code, body["code"], body["reason"]


def test_a_list_is_made_with_its_assets_and_listed_without(api: Api, customer: Customer) -> None:
    assert api("GET", LISTS).json() == []
    list_ = made(api, "Tech", "msft", "AAPL", "MSFT", "BTCUSD")
    assert list_["symbols"] == ["MSFT", "AAPL", "BTC/USD"]
    assert [asset["class"] for asset in list_["assets"]] == ["us_equity"] * 3
    assert (list_["account_id"], list_["name"]) == (str(customer.account.pk), "Tech")
    assert list_["created_at"] == list_["updated_at"]
    later = made(api, "Empty")
    assert (later["symbols"], later["assets"]) == ([], [])
    listed = api("GET", LISTS).json()
    assert [each["name"] for each in listed] == ["Tech", "Empty"]
    assert all("assets" not in each for each in listed)
    assert api("GET", f"{LISTS}/{list_['id']}").json() == list_
    assert api("GET", BY_NAME, params={"name": "Tech"}).json() == list_


def test_a_list_is_renamed_filled_anew_and_deleted(api: Api) -> None:
    list_ = made(api, "Tech", "AAPL")
    path = f"{LISTS}/{list_['id']}"
    renamed = api("PUT", path, json={"name": "Mine", "colour": "green"}).json()
    assert (renamed["name"], renamed["symbols"]) == ("Mine", ["AAPL"])
    assert renamed["created_at"] == list_["created_at"] < renamed["updated_at"]
    assert symbols_of(api("PUT", path, json={"symbols": ["MSFT"]})) == ["MSFT"]
    assert symbols_of(api("POST", path, json={"symbol": "aapl"})) == ["MSFT", "AAPL"]
    assert symbols_of(api("POST", path, json={"symbol": "BTC/USD"})) == ["MSFT", "AAPL", "BTC/USD"]
    assert symbols_of(api("DELETE", f"{path}/BTC/USD")) == ["MSFT", "AAPL"]
    assert symbols_of(api("DELETE", f"{path}/msft")) == ["AAPL"]
    answer = api("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert refused(api("GET", path)) == (404, 40410000, "not_found")


def test_a_list_is_known_by_its_name_too(api: Api) -> None:
    made(api, "My tech", "AAPL")
    named = {"name": "My tech"}
    assert symbols_of(api("POST", BY_NAME, params=named, json={"symbol": "MSFT"})) == [
        "AAPL", "MSFT",
    ]  # fmt: skip
    changed = api("PUT", BY_NAME, params=named, json={"name": "Yours", "symbols": ["MSFT"]})
    assert symbols_of(changed) == ["MSFT"]
    assert refused(api("GET", BY_NAME, params=named)) == (404, 40410000, "not_found")
    assert api("DELETE", BY_NAME, params={"name": "Yours"}).status_code == 204
    assert api("GET", LISTS).json() == []
    assert refused(api("GET", BY_NAME)) == (422, 40010001, "invalid_request")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"name": "Tech"}, "name_taken"),
        ({"name": " Tech "}, "name_taken"),
        ({"name": ""}, "invalid_name"),
        ({"name": "x" * 65}, "invalid_name"),
        ({"name": "a\nb"}, "invalid_name"),
        ({"name": "Other", "symbols": ["AAPL", "NOPE"]}, "unknown_symbol"),
        ({"name": "Other", "symbols": "AAPL"}, "invalid_request"),
        ({"name": "Other", "symbols": [1]}, "invalid_request"),
        ({"name": 7}, "invalid_request"),
        ({"symbols": ["AAPL"]}, "invalid_request"),
        ([], "invalid_request"),
    ],
)
def test_what_is_no_list_is_not_made(api: Api, body: object, reason: str) -> None:
    made(api, "Tech", "AAPL")
    assert refused(api("POST", LISTS, json=body)) == (422, 40010001, reason)
    assert [each["name"] for each in api("GET", LISTS).json()] == ["Tech"]


def test_what_cannot_be_changes_nothing(api: Api) -> None:
    made(api, "Other")
    list_ = made(api, "Tech", "AAPL")
    path = f"{LISTS}/{list_['id']}"
    taken = api("PUT", path, json={"name": "Other", "symbols": ["MSFT"]})
    assert refused(taken) == (422, 40010001, "name_taken")
    assert refused(api("PUT", path, json={})) == (422, 40010001, "invalid_request")
    again = api("POST", path, json={"symbol": "AAPL"})
    assert refused(again) == (422, 40010001, "watched_already")
    unknown = api("POST", path, json={"symbol": "NOPE"})
    assert refused(unknown) == (422, 40010001, "unknown_symbol")
    assert refused(api("POST", path, json={})) == (422, 40010001, "invalid_request")
    assert refused(api("DELETE", f"{path}/MSFT")) == (404, 40410000, "not_found")
    assert refused(api("GET", f"{LISTS}/{uuid.uuid4()}")) == (404, 40410000, "not_found")
    assert refused(api("DELETE", f"{LISTS}/none")) == (404, 40410000, "not_found")
    assert api("GET", path).json() == list_
    assert api("PUT", path, json={"name": "Tech"}).status_code == 200  # its own name is free


def test_there_are_so_many_lists_and_symbols(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchlists, "LISTS_MAX", 2)
    monkeypatch.setattr(watchlists, "SYMBOLS_MAX", 2)
    list_ = made(api, "One", "AAPL", "MSFT")
    made(api, "Two")
    assert refused(api("POST", LISTS, json={"name": "Three"})) == (
        422, 40010001, "too_many_watchlists",
    )  # fmt: skip
    more = api("POST", f"{LISTS}/{list_['id']}", json={"symbol": "BTC/USD"})
    assert refused(more) == (422, 40010001, "too_many_symbols")
    assert Watchlist.objects.count() == 2


def test_the_lists_of_another_are_not_found(api: Api, other: Customer) -> None:
    theirs = made(Api(other), "Tech", "AAPL")
    assert api("GET", LISTS).json() == []
    assert api("GET", BY_NAME, params={"name": "Tech"}).status_code == 404
    assert api("DELETE", f"{LISTS}/{theirs['id']}/AAPL").status_code == 404
    assert api("DELETE", f"{LISTS}/{theirs['id']}").status_code == 404
    assert made(api, "Tech")["id"] != theirs["id"]
    assert Api(other)("GET", f"{LISTS}/{theirs['id']}").json() == theirs


def test_the_page_shows_all_that_is_traded_until_there_is_a_list(browser: Client) -> None:
    def shown() -> Any:
        page = browser.get("/trade/AAPL").content.decode()
        found = re.search(r'<script id="trade-start"[^>]*>(.*?)</script>', page)
        assert found is not None
        return json.loads(found[1])["watchlists"]

    assert shown() == [{"id": None, "name": "Watchlist", "symbols": ["AAPL", "BTC/USD", "MSFT"]}]
    answer = send(browser, "post", "/api/v1/watchlists", {"name": "Mine", "symbols": ["MSFT"]})
    assert shown() == [{"id": answer.json()["id"], "name": "Mine", "symbols": ["MSFT"]}]
    wrong = send(browser, "post", "/api/v1/watchlists", {"name": "Two", "colour": "green"})
    assert (wrong.status_code, wrong.json()["reason"]) == (400, "unknown_field")


def test_a_symbol_that_changes_is_changed_on_every_list(customer: Customer) -> None:
    account_id, now = customer.account.pk, timezone.now()
    for name, symbols in (("One", ["MSFT", "AAPL"]), ("Two", ["APPL", "AAPL"]), ("None", [])):
        watchlists.create(account_id=account_id, name=name, symbols=symbols, now=now)
    assert watchlists.rename("AAPL", "APPL", now=now) == 2
    assert {each.name: each.symbols for each in watchlists.of(account_id)} == {
        "One": ["MSFT", "APPL"], "Two": ["APPL"], "None": [],
    }  # fmt: skip
