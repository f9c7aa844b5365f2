"""Orders over HTTP: placed, repeated, denied, listed, cancelled."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from orders.models import Order
from tests import world
from tests.services.api.conftest import Api, Customer
from venues.models import OutboxMessage

LIMIT = {
    "symbol": "AAPL",
    "qty": "10",
    "side": "buy",
    "type": "limit",
    "time_in_force": "day",
    "limit_price": "90.00",
}


def test_an_order_is_placed(api: Api, customer: Customer) -> None:
    answer = api("POST", "/v2/orders", json=LIMIT | {"client_order_id": "first"})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["status"], shown["qty"], shown["limit_price"]) == ("accepted", "10", "90")
    kept = Order.objects.get(pk=shown["id"])
    assert (kept.account_id, kept.client_order_id) == (customer.account.pk, "first")
    assert OutboxMessage.objects.filter(order_id=kept.pk).count() == 1


def test_a_price_may_come_as_a_number(api: Api) -> None:
    shown = api("POST", "/v2/orders", json=LIMIT | {"qty": 10, "limit_price": 90.1}).json()
    assert shown["limit_price"] == "90.1"
    assert Order.objects.get(pk=shown["id"]).limit_price == Decimal("90.1")


def test_a_repeat_is_the_same_order(api: Api) -> None:
    payload = LIMIT | {"client_order_id": "once"}
    first, second = api("POST", "/v2/orders", json=payload), api("POST", "/v2/orders", json=payload)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Order.objects.count() == 1


def test_other_content_with_the_same_id_is_refused(api: Api) -> None:
    api("POST", "/v2/orders", json=LIMIT | {"client_order_id": "once"})
    answer = api("POST", "/v2/orders", json=LIMIT | {"client_order_id": "once", "qty": "11"})
    assert answer.status_code == 422
    assert answer.json()["reason"] == "client_order_id_reused"
    assert Order.objects.count() == 1


@pytest.mark.parametrize("legs", [{}, {"stop_loss": {"stop_price": "80.005"}}])
def test_a_sub_penny_price_is_the_mistake_that_clients_know(api: Api, legs: object) -> None:
    price = {} if legs else {"limit_price": 41.085}
    group = {"order_class": "oto", **legs} if legs else {}
    answer = api("POST", "/v2/orders", json=LIMIT | price | group)
    error = answer.json()
    assert (answer.status_code, error["code"]) == (422, 42210000)
    assert error["reason"] == "price_increment"
    wrong = "80.005" if legs else "41.085"
    assert error["message"] == (
        f"Prices of AAPL go in steps of 0.01 from 1 on and of 0.0001 below: {wrong} is between "
        "two of them."
    )
    kept = Order.objects.get(pk=error["order_id"])
    assert (kept.status, kept.denial_code) == ("rejected", "price_increment")


def test_below_a_dollar_prices_go_in_hundredths_of_a_cent(api: Api) -> None:
    world.instrument("PENY", bid="0.9480", ask="0.9512")
    cheap = LIMIT | {"symbol": "PENY"}
    taken = api("POST", "/v2/orders", json=cheap | {"limit_price": "0.9475"}).json()
    assert taken["limit_price"] == "0.9475"
    finer = api("POST", "/v2/orders", json=cheap | {"limit_price": "0.94751"})
    assert (finer.status_code, finer.json()["reason"]) == (422, "price_increment")
    # Where the new price is in cents again, the finer one is none.
    changed = api("PATCH", f"/v2/orders/{taken['id']}", json={"limit_price": "1.0005"})
    assert (changed.status_code, changed.json()["code"]) == (422, 42210000)


def test_a_denied_order_is_an_error_and_is_kept(api: Api) -> None:
    answer = api("POST", "/v2/orders", json=LIMIT | {"qty": "5000"})
    assert answer.status_code == 403
    error = answer.json()
    assert (error["code"], error["reason"]) == (40310000, "insufficient_buying_power")
    listed = api("GET", "/v2/orders", params={"status": "all"}).json()
    assert [(o["id"], o["status"], o["reason"]) for o in listed] == [
        (error["order_id"], "rejected", "insufficient_buying_power")
    ]
    assert OutboxMessage.objects.count() == 0


def test_what_is_not_held_cannot_be_sold(api: Api) -> None:
    answer = api("POST", "/v2/orders", json=LIMIT | {"side": "sell"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "insufficient_position")


def test_an_unknown_symbol_makes_no_order(api: Api) -> None:
    answer = api("POST", "/v2/orders", json=LIMIT | {"symbol": "NOPE"})
    assert (answer.status_code, answer.json()["code"]) == (422, 42210000)
    assert answer.json()["reason"] == "unknown_symbol"
    assert Order.objects.count() == 0


def test_mistakes_are_listed_with_their_fields(api: Api) -> None:
    answer = api("POST", "/v2/orders", json={"symbol": "AAPL", "qty": "ten"})
    assert (answer.status_code, answer.json()["code"]) == (422, 40010001)
    assert [e["field"] for e in answer.json()["errors"]] == ["side", "type", "time_in_force", "qty"]


def test_an_order_is_found_by_either_id(api: Api) -> None:
    placed = api("POST", "/v2/orders", json=LIMIT | {"client_order_id": "mine"}).json()
    by_id = api("GET", f"/v2/orders/{placed['id']}", params={"nested": True})
    by_own = api("GET", "/v2/orders:by_client_order_id", params={"client_order_id": "mine"})
    assert by_id.json() == by_own.json() == placed


def test_a_cancel_is_asked_for_once_and_may_be_repeated(api: Api) -> None:
    placed = api("POST", "/v2/orders", json=LIMIT).json()
    for _ in range(2):
        answer = api("DELETE", f"/v2/orders/{placed['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
    assert api("GET", f"/v2/orders/{placed['id']}").json()["status"] == "pending_cancel"
    assert OutboxMessage.objects.count() == 2


def test_a_finished_order_is_not_cancelable(api: Api) -> None:
    denied = api("POST", "/v2/orders", json=LIMIT | {"qty": "5000"}).json()
    answer = api("DELETE", f"/v2/orders/{denied['order_id']}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "not_cancelable")


def test_every_open_order_can_be_cancelled_at_once(api: Api) -> None:
    placed = {api("POST", "/v2/orders", json=LIMIT).json()["id"] for _ in range(3)}
    answer = api("DELETE", "/v2/orders")
    assert answer.status_code == 207
    assert {(row["id"], row["status"]) for row in answer.json()} == {(i, 200) for i in placed}


def test_orders_are_filtered(api: Api) -> None:
    placed = [api("POST", "/v2/orders", json=LIMIT).json() for _ in range(3)]

    def listed(**query: object) -> list[str]:
        answer = api("GET", "/v2/orders", params=query)
        assert answer.status_code == 200
        return [order["id"] for order in answer.json()]

    newest_first = [order["id"] for order in reversed(placed)]
    assert listed() == newest_first
    assert listed(limit=2) == newest_first[:2]
    assert listed(direction="asc") == newest_first[::-1]
    assert listed(after=placed[1]["created_at"]) == newest_first[:1]
    assert listed(symbols="MSFT") == []
    assert listed(side="sell") == []
    assert listed(status="closed") == []
    assert listed(asset_class="us_equity,crypto") == listed(asset_class="all") == newest_first
    assert listed(asset_class="crypto") == []
    assert listed(after_order_id=placed[0]["id"]) == newest_first[:2]
    assert listed(after_order_id=placed[0]["id"], direction="asc", limit=1) == [placed[1]["id"]]
    assert listed(before_order_id=placed[1]["id"]) == [placed[0]["id"]]
    for wrong in (api.headers["APCA-API-KEY-ID"], "00000000-0000-4000-8000-000000000000"):
        answer = api("GET", "/v2/orders", params={"after_order_id": wrong})
        assert (answer.status_code, answer.json()["reason"]) == (422, "unknown_page")


def test_nobody_sees_or_cancels_the_order_of_another(api: Api, other: Customer) -> None:
    placed = api("POST", "/v2/orders", json=LIMIT | {"client_order_id": "mine"}).json()
    stranger = Api(other)
    for method, path in (
        ("GET", f"/v2/orders/{placed['id']}"),
        ("DELETE", f"/v2/orders/{placed['id']}"),
        ("PATCH", f"/v2/orders/{placed['id']}"),
        ("GET", "/v2/orders:by_client_order_id?client_order_id=mine"),
    ):
        answer = stranger(method, path, json={"qty": "5"} if method == "PATCH" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, 40410000), (method, path)
    assert stranger("GET", "/v2/orders", params={"status": "all"}).json() == []
    assert Order.objects.get().status == "submitted"


def test_the_same_client_order_id_of_another_is_another_order(api: Api, other: Customer) -> None:
    payload = LIMIT | {"client_order_id": "same"}
    first = api("POST", "/v2/orders", json=payload).json()
    second = Api(other)("POST", "/v2/orders", json=payload).json()
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    "order_id", ["nonsense", "8a876333-6cc7-46e5-bb53-be51b55abb3e", "00", "%00", "a/b"]
)
def test_an_order_that_is_not_there_is_not_found(api: Api, order_id: str) -> None:
    for method in ("GET", "DELETE"):
        answer = api(method, f"/v2/orders/{order_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, 40410000)


def test_a_browser_places_an_order_and_sees_its_timeline(browser: Client) -> None:
    answer = browser.post("/api/v1/orders", LIMIT, content_type="application/json")
    assert answer.status_code == 200
    steps = browser.get(f"/api/v1/orders/{answer.json()['id']}/timeline").json()
    assert [(s["status"], s["actor"].split(":")[0]) for s in steps] == [("new", "user")]
    assert browser.delete(f"/api/v1/orders/{answer.json()['id']}").status_code == 204


def test_a_page_that_sends_an_unknown_field_is_told(browser: Client) -> None:
    answer = browser.post(
        "/api/v1/orders", LIMIT | {"colour": "green"}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["reason"]) == (400, "unknown_field")
    assert Order.objects.count() == 0


def test_a_program_that_sends_an_unknown_field_is_served(api: Api) -> None:
    assert api("POST", "/v2/orders", json=LIMIT | {"colour": "green"}).status_code == 200


def test_a_filled_order_is_a_position_and_an_activity(api: Api) -> None:
    placed = api("POST", "/v2/orders", json=LIMIT).json()
    venue, order = world.Venue(), Order.objects.get(pk=placed["id"])
    venue.accepts(order)
    venue.fills(order, "4", "89.50")
    venue.fills(order, "6", "89.00")
    world.apply_reports()
    shown = api("GET", f"/v2/orders/{placed['id']}").json()
    assert (shown["status"], shown["filled_qty"], shown["filled_avg_price"]) == (
        "filled",
        "10",
        "89.2",
    )
    held = api("GET", "/v2/positions").json()
    assert [(p["symbol"], p["qty"], p["cost_basis"]) for p in held] == [("AAPL", "10", "892")]
    assert api("GET", "/v2/positions/AAPL").json() == held[0]
    assert api("GET", f"/v2/positions/{held[0]['asset_id']}").json()["qty"] == "10"
    fills = api("GET", "/v2/account/activities/FILL").json()
    assert [(f["type"], f["qty"], f["cum_qty"], f["leaves_qty"]) for f in fills] == [
        ("fill", "6", "10", "0"),
        ("partial_fill", "4", "4", "6"),
    ]


def test_a_position_is_closed_by_an_ordinary_order(api: Api, customer: Customer) -> None:
    test_a_filled_order_is_a_position_and_an_activity(api)
    half = api("DELETE", "/v2/positions/AAPL", params={"percentage": "45"}).json()
    assert (half["side"], half["type"], half["qty"]) == ("sell", "market", "4")
    too_much = api("DELETE", "/v2/positions/AAPL")
    assert (too_much.status_code, too_much.json()["reason"]) == (403, "insufficient_position")
    all_of_it = api("DELETE", "/v2/positions", params={"cancel_orders": True})
    assert all_of_it.status_code == 207
    assert [row["symbol"] for row in all_of_it.json()] == ["AAPL"]
    missing = api("DELETE", "/v2/positions/MSFT")
    assert (missing.status_code, missing.json()["code"]) == (404, 40410000)
