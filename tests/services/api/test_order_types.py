"""Every kind of order over HTTP: held, triggered, in groups, replaced, by value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from orders.models import Order
from tests import world
from tests.services.api.conftest import Api
from venues import inbox, outbox
from venues.messages import ExecutionReport, ReportKind

BUY = {"symbol": "AAPL", "qty": "10", "side": "buy", "time_in_force": "day"}
LIMIT = BUY | {"type": "limit", "limit_price": "90.00"}
STOP = BUY | {"type": "stop", "stop_price": "110"}
BRACKET = LIMIT | {
    "order_class": "bracket",
    "time_in_force": "gtc",
    "take_profit": {"limit_price": "120"},
    "stop_loss": {"stop_price": "80", "limit_price": "79"},
}


def place(api: Api, payload: dict[str, Any]) -> dict[str, Any]:
    answer = api("POST", "/v2/orders", json=payload)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def look(api: Api, order_id: str, **query: object) -> dict[str, Any]:
    shown: dict[str, Any] = api("GET", f"/v2/orders/{order_id}", params=query).json()
    return shown


def accepted(order_id: str, venue: world.Venue) -> Order:
    order = Order.objects.get(pk=order_id)
    venue.accepts(order)
    world.apply_reports()
    return order


def owned(api: Api, quantity: str = "10") -> None:
    """Let the customer own some shares."""
    placed = place(api, LIMIT | {"qty": quantity})
    venue = world.Venue()
    venue.fills(accepted(placed["id"], venue), quantity, "90")
    world.apply_reports()


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (STOP, {"type": "stop", "stop_price": "110"}),
        (
            STOP | {"type": "stop_limit", "limit_price": "111"},
            {"type": "stop_limit", "limit_price": "111", "stop_price": "110"},
        ),
        (
            BUY | {"type": "trailing_stop", "trail_percent": 5, "time_in_force": "gtc"},
            {"type": "trailing_stop", "trail_percent": "5", "trail_price": None},
        ),
        (
            BUY | {"type": "trailing_stop", "trail_price": "2.50"},
            {"trail_price": "2.5", "trail_percent": None},
        ),
    ],
)
def test_what_we_hold_is_new(
    api: Api, payload: dict[str, Any], expected: dict[str, object]
) -> None:
    placed = place(api, payload)
    assert {name: placed[name] for name in expected} == expected
    assert (placed["status"], placed["state"], placed["legs"]) == ("new", "held", None)
    assert placed["expires_at"] is not None
    shown = look(api, placed["id"])
    assert shown == placed | {"hwm": shown["hwm"]}
    if payload["type"] == "trailing_stop":
        assert shown["hwm"] is not None
    assert [order["id"] for order in api("GET", "/v2/orders").json()] == [placed["id"]]


def test_an_order_by_value_shows_its_value(api: Api) -> None:
    bits = world.instrument("BITS", increment="0.000000001")
    bits.fractionable = True
    bits.save()
    placed = place(
        api,
        {"symbol": "BITS", "notional": "500", "side": "buy", "type": "market",
         "time_in_force": "day"},
    )  # fmt: skip
    assert (placed["notional"], placed["qty"], placed["filled_qty"]) == ("500", None, "0")


def test_a_bracket_is_one_order_with_two_legs(api: Api) -> None:
    placed = place(api, BRACKET)
    assert (placed["order_class"], placed["status"]) == ("bracket", "accepted")
    legs = {leg["type"]: leg for leg in placed["legs"]}
    assert legs.keys() == {"limit", "stop_limit"}
    assert {leg["status"] for leg in legs.values()} == {"held"}
    assert {leg["side"] for leg in legs.values()} == {"sell"}
    assert (legs["limit"]["limit_price"], legs["stop_limit"]["stop_price"]) == ("120", "80")

    assert look(api, placed["id"])["legs"] is None
    nested = look(api, placed["id"], nested=True)
    assert {leg["id"] for leg in nested["legs"]} == {leg["id"] for leg in placed["legs"]}
    assert len(api("GET", "/v2/orders").json()) == 3
    (rolled_up,) = api("GET", "/v2/orders", params={"nested": True}).json()
    assert rolled_up == nested


def test_legs_whose_entry_has_ended_are_still_on_the_list_of_open_orders(api: Api) -> None:
    placed = place(api, BRACKET)
    venue = world.Venue()
    venue.fills(accepted(placed["id"], venue), "10", "90")
    world.apply_reports()
    open_ones = api("GET", "/v2/orders", params={"nested": True}).json()
    assert {order["id"] for order in open_ones} == {leg["id"] for leg in placed["legs"]}
    every_one = api("GET", "/v2/orders", params={"nested": True, "status": "all"}).json()
    assert [order["id"] for order in every_one] == [placed["id"]]
    states = {leg["type"]: leg["state"] for leg in every_one[0]["legs"]}
    assert states == {"limit": "submitted", "stop_limit": "held"}


@pytest.mark.parametrize("is_decided", [True, False])
def test_legs_are_shown_once_also_while_and_after_their_entry_is_replaced(
    api: Api, is_decided: bool
) -> None:
    venue = world.Venue()
    placed = place(api, BRACKET)
    old = accepted(placed["id"], venue)
    new = api("PATCH", f"/v2/orders/{old.pk}", json={"limit_price": "91"}).json()
    if is_decided:
        venue.replaces(old, Order.objects.get(pk=new["id"]), total="10")
        world.apply_reports()
    legs = {leg["id"] for leg in placed["legs"]}
    in_force = new["id"] if is_decided else placed["id"]
    for status in ("all", "open"):
        rows = api("GET", "/v2/orders", params={"nested": True, "status": status}).json()
        shown = {row["id"]: {leg["id"] for leg in row["legs"] or ()} for row in rows}
        assert legs.isdisjoint(shown)
        assert {id_: found for id_, found in shown.items() if found} == {in_force: legs}
    closed = api("GET", "/v2/orders", params={"nested": True, "status": "closed"}).json()
    assert [row["legs"] for row in closed] == [None] * is_decided


def test_an_oco_in_the_form_of_other_clients(api: Api) -> None:
    owned(api)
    placed = place(
        api,
        {
            "symbol": "AAPL", "qty": "10", "side": "sell", "type": "limit", "time_in_force": "gtc",
            "order_class": "oco", "take_profit": {"limit_price": "120"},
            "stop_loss": {"stop_price": "80"},
        },
    )  # fmt: skip
    assert (placed["order_class"], placed["limit_price"]) == ("oco", "120")
    (leg,) = placed["legs"]
    assert (leg["type"], leg["stop_price"], leg["status"]) == ("stop", "80", "held")
    (rolled_up,) = api("GET", "/v2/orders", params={"nested": True}).json()
    assert (rolled_up["id"], rolled_up["legs"][0]["id"]) == (placed["id"], leg["id"])


def test_a_held_order_is_replaced_at_once(api: Api) -> None:
    placed = place(api, STOP)
    answer = api(
        "PATCH", f"/v2/orders/{placed['id']}", json={"stop_price": "111", "client_order_id": "mine"}
    )
    new = answer.json()
    assert (answer.status_code, new["status"], new["stop_price"]) == (200, "new", "111")
    assert (new["replaces"], new["client_order_id"]) == (placed["id"], "mine")
    old = look(api, placed["id"])
    assert (old["status"], old["replaced_by"]) == ("replaced", new["id"])
    assert old["replaced_at"] is not None


def test_the_venue_decides_on_a_replace_of_what_it_has(api: Api) -> None:
    placed = place(api, LIMIT)
    venue = world.Venue()
    accepted(placed["id"], venue)
    new = api("PATCH", f"/v2/orders/{placed['id']}", json={"qty": "12"}).json()
    assert (new["status"], new["state"], new["qty"]) == ("pending_new", "pending", "12")
    assert look(api, placed["id"])["status"] == "pending_replace"
    refuse_replace(new["id"], placed["id"])
    assert look(api, placed["id"])["status"] == "new"
    rejected = look(api, new["id"])
    assert rejected["status"] == "rejected"
    assert rejected["status_reason"]


def refuse_replace(new: str, old: str) -> None:
    """Let the venue refuse to let `new` take the place of `old`."""
    report = ExecutionReport(
        sequence=100,
        execution_id="refused",
        kind=ReportKind.REPLACE_REJECTED,
        client_order_id=new,
        venue_order_id="",
        at=timezone.now(),
        quantity=None,
        price=None,
        cumulative_quantity=Decimal(0),
        leaves_quantity=Decimal(10),
        reason="too_late",
        reference=old,
    )
    inbox.store(outbox.EMBEDDED, [report], now=timezone.now())
    world.apply_reports()


def test_a_replace_that_cannot_be_says_why(api: Api) -> None:
    placed = place(api, LIMIT)
    path = f"/v2/orders/{placed['id']}"
    nothing = api("PATCH", path, json={})
    assert (nothing.status_code, nothing.json()["errors"][0]["code"]) == (422, "nothing_to_replace")
    unfit = api("PATCH", path, json={"stop_price": "80"})
    assert (unfit.status_code, unfit.json()["reason"]) == (422, "stop_price_unexpected")
    dear = api("PATCH", path, json={"qty": "5000"})
    assert (dear.status_code, dear.json()["reason"]) == (403, "insufficient_buying_power")
    unknown = api("PATCH", f"/v2/orders/{'8a876333-6cc7-46e5-bb53-be51b55abb3e'}", json={"qty": 1})
    assert unknown.status_code == 404
    assert look(api, placed["id"])["status"] == "accepted"


def test_a_page_replaces_too(browser: Client) -> None:
    placed = browser.post("/api/v1/orders", STOP, content_type="application/json").json()
    path = f"/api/v1/orders/{placed['id']}"
    new = browser.patch(path, {"stop_price": "112"}, content_type="application/json")
    assert (new.status_code, new.json()["stop_price"]) == (200, "112")
    unknown = browser.patch(path, {"colour": "red"}, content_type="application/json")
    assert (unknown.status_code, unknown.json()["reason"]) == (400, "unknown_field")


def test_all_orders_are_cancelled_groups_too(api: Api) -> None:
    owned(api)
    ids = {place(api, STOP)["id"], place(api, LIMIT)["id"]}
    bracket = place(api, BRACKET)
    oco = place(
        api,
        {
            "symbol": "AAPL", "qty": "5", "side": "sell", "type": "limit", "time_in_force": "gtc",
            "order_class": "oco", "limit_price": "120", "stop_loss": {"stop_price": "80"},
        },
    )  # fmt: skip
    ids |= {bracket["id"], *(leg["id"] for leg in bracket["legs"])}
    ids |= {oco["id"], *(leg["id"] for leg in oco["legs"])}
    told = api("DELETE", "/v2/orders")
    assert told.status_code == 207
    assert {row["id"]: row["status"] for row in told.json()} == dict.fromkeys(ids, 200)


def test_a_rejected_cancel_is_told_with_its_reason(browser: Client, api: Api) -> None:
    placed = place(api, LIMIT)
    venue = world.Venue()
    order = accepted(placed["id"], venue)
    assert api("DELETE", f"/v2/orders/{placed['id']}").status_code == 204
    venue.says(order, ReportKind.CANCEL_REJECTED, reason="too_late")
    world.apply_reports()
    steps = browser.get(f"/api/v1/orders/{placed['id']}/timeline").json()
    assert [step["status"] for step in steps] == ["new", "new", "pending_cancel", "new"]
    assert steps[-1]["reason"]
    log = browser.get("/api/v1/activity").json()
    (event,) = [entry for entry in log if entry["kind"] == "order.cancel_rejected"]
    assert event["payload"]["order_id"] == placed["id"]


def test_the_order_as_it_stood(browser: Client, api: Api) -> None:
    placed = place(api, LIMIT)
    venue = world.Venue()
    venue.fills(accepted(placed["id"], venue), "4", "90")
    world.apply_reports()
    path = f"/api/v1/orders/{placed['id']}"
    steps = browser.get(f"{path}/timeline").json()
    seen = [browser.get(path, {"as_of": step["at"]}).json() for step in steps]
    assert [(each["state"], each["filled_qty"]) for each in seen] == [
        ("submitted", "0"),
        ("submitted", "0"),
        ("partially_filled", "4"),
    ]
    created_at = parse_datetime(placed["created_at"])
    assert created_at is not None
    before = created_at.replace(year=created_at.year - 1).isoformat()
    missing = browser.get(path, {"as_of": before})
    assert (missing.status_code, missing.json()["reason"]) == (404, "not_yet")


def test_lists_go_on_page_by_page(api: Api) -> None:
    placed = [place(api, LIMIT)["id"] for _ in range(5)]
    paged: list[str] = []
    token: dict[str, str] = {}
    while rows := api("GET", "/v2/orders", params={"limit": 2, "direction": "asc"} | token).json():
        paged += [row["id"] for row in rows]
        token = {"page_token": rows[-1]["id"]}
    assert paged == placed
    for nonsense in ("nonsense", "8a876333-6cc7-46e5-bb53-be51b55abb3e"):
        answer = api("GET", "/v2/orders", params={"page_token": nonsense})
        assert (answer.status_code, answer.json()["reason"]) == (422, "unknown_page")


def test_every_position_is_closed_after_its_orders_are_cancelled(api: Api) -> None:
    owned(api)
    place(api, STOP | {"side": "sell", "stop_price": "80"})
    told = api("DELETE", "/v2/positions", params={"cancel_orders": True})
    assert told.status_code == 207
    (row,) = told.json()
    assert (row["symbol"], row["status"], row["body"]["qty"]) == ("AAPL", 200, "10")
    assert row["body"]["position_intent"] == "sell_to_close"
