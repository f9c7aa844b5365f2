"""The whole program is killed in mid-flow, at each step of an order's way and at random.

Whatever was answered is kept, whatever was not can be sent again, each order is executed once,
and the books are right: after a plain restart, with nothing repaired by hand.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest

from tests.live_server import LiveServer

ORDERS = 30
PATIENCE_SECONDS = 60


class Trader:
    """A client that sends orders with ids of its own, and sends again what was not answered."""

    def __init__(self, server: LiveServer) -> None:
        opened = server.run(
            "open_account", "trader@example.com", "--deposit", "1000000", "--api-key"
        )
        if opened.returncode:
            raise RuntimeError(opened.stderr)
        account = json.loads(opened.stdout)
        self._server = server
        self._headers = {
            "APCA-API-KEY-ID": account["key_id"],
            "APCA-API-SECRET-KEY": account["secret_key"],
        }

    def call(self, method: str, path: str, **content: object) -> httpx.Response:
        return httpx.request(
            method, f"{self._server.base_url}{path}", headers=self._headers, timeout=15, **content
        )

    def place(self, number: int) -> dict | None:
        """Place order `number`; return it, or None when no answer came."""
        wanted = {
            "symbol": "AAPL",
            "qty": "3",
            "side": "buy",
            "type": "market",
            "time_in_force": "day",
            "client_order_id": f"order-{number}",
        }
        try:
            answer = self.call("POST", "/v2/orders", json=wanted)
        except httpx.TransportError:
            return None
        assert answer.status_code in (200, 503), answer.text
        return answer.json() if answer.status_code == 200 else None

    def orders(self) -> dict[str, dict]:
        found = self.call("GET", "/v2/orders", params={"status": "all", "limit": 500}).json()
        return {order["client_order_id"]: order for order in found}


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < deadline, "not seen in time"
        time.sleep(0.1)


def has_died(server: LiveServer) -> bool:
    return server.process is not None and server.process.poll() is not None


def assert_everything_is_right(server: LiveServer, trader: Trader, answered: dict) -> None:
    """Every order ended once, the answered ones are the ones that are there, the books agree."""
    until(lambda: all(order["status"] == "filled" for order in trader.orders().values()))
    orders = trader.orders()
    assert sorted(orders) == sorted(f"order-{n}" for n in range(ORDERS))
    for key, answer in answered.items():
        assert orders[key]["id"] == answer["id"]
    [position] = trader.call("GET", "/v2/positions").json()
    assert Decimal(position["qty"]) == 3 * ORDERS
    spent = sum(Decimal(o["filled_avg_price"]) * Decimal(o["filled_qty"]) for o in orders.values())
    account = trader.call("GET", "/v2/account").json()
    assert abs(1_000_000 - Decimal(account["cash"]) - spent) < Decimal("0.005") * ORDERS
    checked = server.run("check_invariants")
    assert checked.returncode == 0, checked.stdout + checked.stderr


FAULTS = (
    "intake.before_commit=kill*5",
    "intake.committed=kill*5",
    "gateway.before_send=kill*5",
    "gateway.sent=kill*5",
    "executions.before_commit=kill*5",
)


@pytest.mark.parametrize("failpoint", FAULTS, ids=lambda f: f.split("=")[0])
def test_a_kill_at_a_step_loses_and_doubles_nothing(live_servers, failpoint):
    server = live_servers()
    server.start(OPENFLOOR_FAILPOINTS=failpoint)
    trader = Trader(server)
    answered: dict[str, dict] = {}
    for number in range(ORDERS):
        order = trader.place(number)
        if order is None:
            break
        answered[order["client_order_id"]] = order
    until(lambda: has_died(server))
    server.start()
    for number in range(ORDERS):
        order = trader.place(number)
        assert order is not None
        answered.setdefault(order["client_order_id"], order)
        assert answered[order["client_order_id"]]["id"] == order["id"]
    assert_everything_is_right(server, trader, answered)


@pytest.mark.parametrize("failpoint", ["intake.before_commit", "intake.committed"])
def test_a_stop_that_is_reached_as_the_program_is_killed_goes_once(live_servers, failpoint):
    """The order is the first that the intake writes, its trigger the second."""
    server = live_servers()
    server.start(OPENFLOOR_FAILPOINTS=f"{failpoint}=kill*2")
    trader = Trader(server)
    held = trader.call(
        "POST",
        "/v2/orders",
        json={
            "symbol": "AAPL",
            "qty": "3",
            "side": "buy",
            "type": "trailing_stop",
            "trail_price": "0.01",
            "time_in_force": "gtc",
        },
    ).json()
    until(lambda: has_died(server))
    server.start()
    until(lambda: [each["status"] for each in trader.orders().values()] == ["filled"])
    [order] = trader.orders().values()
    assert (order["id"], order["filled_qty"]) == (held["id"], "3")
    fills = trader.call("GET", "/v2/account/activities/FILL").json()
    assert sum(Decimal(each["qty"]) for each in fills) == 3
    [position] = trader.call("GET", "/v2/positions").json()
    assert position["qty"] == "3"
    checked = server.run("check_invariants")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_kill_under_load_loses_and_doubles_nothing(live_servers):
    server = live_servers()
    server.start()
    trader = Trader(server)
    answered: dict[str, dict] = {}
    enough = threading.Event()

    def place(number: int) -> None:
        order = trader.place(number)
        if order is not None:
            answered[order["client_order_id"]] = order
        if len(answered) >= ORDERS // 3:
            enough.set()

    with ThreadPoolExecutor(8) as clients:
        placed = [clients.submit(place, number) for number in range(ORDERS)]
        assert enough.wait(PATIENCE_SECONDS)
        server.kill()
    for each in placed:
        each.result()
    server.start()
    for number in range(ORDERS):
        order = trader.place(number)
        assert order is not None
        assert answered.get(order["client_order_id"], order)["id"] == order["id"]
    assert_everything_is_right(server, trader, answered)
