"""Margin accounts over the API: what an account shows, and orders that sell short."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.keys import issuing
from accounts.sessions import authentication
from marketdata.models import Quote
from orders.models import Order
from orders.safeguards.liquidation import Watch
from risk.margin import rates as margin_rates
from tests import held, on_margin, world
from tests.services.api.conftest import Api, Customer

D = Decimal
SHORT = {
    "symbol": "AAPL",
    "qty": "100",
    "side": "sell",
    "type": "limit",
    "limit_price": "100",
    "time_in_force": "day",
}


@pytest.fixture
def customer(committed: None) -> Customer:
    authentication.forget()
    margin_rates.forget()
    on_margin.instrument()
    account = on_margin.customer(cash="30000.00")
    key, secret = issuing.create(account)
    return Customer(account, key.key_id, secret)


def filled(api: Api, venue: world.Venue, body: dict, price: str) -> dict:
    answer = api("POST", "/v2/orders", json=body)
    assert answer.status_code == 200, answer.text
    venue.fills(Order.objects.get(pk=answer.json()["id"]), body["qty"], price)
    world.apply_reports()
    Quote.objects.update(last=D(price), received_at=timezone.now())
    return answer.json()


def test_an_account_shows_how_it_stands(api: Api, customer: Customer) -> None:
    shown = api("GET", "/v2/account").json()
    assert (shown["multiplier"], shown["buying_power"]) == ("2", "60000")
    assert (shown["shorting_enabled"], shown["daytrade_count"]) == (True, 0)
    filled(api, world.Venue(), SHORT | {"side": "buy", "qty": "400"}, "100.00")
    shown = api("GET", "/v2/account").json()
    told = {
        name: shown[name]
        for name in ("cash", "equity", "long_market_value", "initial_margin", "maintenance_margin")
    }
    assert told == {
        "cash": "-10000",
        "equity": "30000",
        "long_market_value": "40000",
        "initial_margin": "20000",
        "maintenance_margin": "12000",
    }
    assert (shown["buying_power"], shown["regt_buying_power"]) == ("20000", "20000")
    assert (shown["daytrading_buying_power"], shown["sma"]) == ("0", "10000")


def test_a_short_is_sold_shown_and_bought_back(api: Api, customer: Customer) -> None:
    venue = world.Venue()
    sold = filled(api, venue, SHORT | {"position_intent": "sell_to_open"}, "100.00")
    assert (sold["position_intent"], sold["side"]) == ("sell_to_open", "sell")
    [position] = api("GET", "/v2/positions").json()
    assert (position["side"], position["qty"], position["qty_available"]) == (
        "short",
        "-100",
        "-100",
    )
    assert position["asset_marginable"] is True
    shown = api("GET", "/v2/account").json()
    assert (shown["short_market_value"], shown["initial_margin"]) == ("-10000", "5000")
    wrong = api("POST", "/v2/orders", json=SHORT | {"side": "buy", "qty": "101"})
    assert (wrong.status_code, wrong.json()["reason"]) == (403, "cover_too_large")
    bought = filled(api, venue, SHORT | {"side": "buy"}, "100.00")
    assert bought["position_intent"] == "buy_to_close"
    assert api("GET", "/v2/positions").json() == []
    Watch(held.at_once).look(now=timezone.now())
    assert api("GET", "/v2/account").json()["daytrade_count"] == 1


def test_a_short_is_closed_as_a_position(api: Api, customer: Customer) -> None:
    filled(api, world.Venue(), SHORT, "100.00")
    answer = api("DELETE", "/v2/positions/AAPL")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["side"], answer.json()["position_intent"]) == ("buy", "buy_to_close")


def test_an_intent_that_does_not_agree_is_told(api: Api, customer: Customer) -> None:
    answer = api("POST", "/v2/orders", json=SHORT | {"position_intent": "sell_to_close"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "position_intent_mismatch")


def test_an_asset_says_what_it_requires(api: Api, customer: Customer) -> None:
    shown = api("GET", "/v2/assets/AAPL").json()
    assert (shown["marginable"], shown["shortable"], shown["easy_to_borrow"]) == (True, True, True)
    assert (shown["margin_requirement_long"], shown["margin_requirement_short"]) == ("25", "30")
    assert shown["maintenance_margin_requirement"] == 25
