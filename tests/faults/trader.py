"""A client that trades over the API while programs are killed, and what it must find afterwards."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal

import httpx

from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until

ORDERS = 30


class Trader:
    """A client that sends orders with ids of its own, and sends again what was not answered."""

    def __init__(self, server: LiveServer) -> None:
        self.email = f"trader-{uuid.uuid4().hex[:8]}@example.com"
        account = json.loads(
            server.console("open_account", self.email, "--deposit", "1000000", "--api-key")
        )
        self.keys = {
            "APCA-API-KEY-ID": account["key_id"],
            "APCA-API-SECRET-KEY": account["secret_key"],
        }
        self.moves_to(server)

    def moves_to(self, server: LiveServer) -> None:
        """From now on, trade there: with the same key, on the same data."""
        self._client = httpx.Client(
            base_url=server.base_url,
            headers=self.keys,
            timeout=DEADLINE_SECONDS,
            verify=False,  # there is nothing to verify, and to load what for takes a while
        )

    def call(self, method: str, path: str, **content: object) -> httpx.Response:
        return self._client.request(method, path, **content)

    def place(self, number: int) -> dict | None:
        """Place order `number`; return it, or None when no answer came.

        It buys at the market, however long the program is away: a market order would expire.
        """
        wanted = {
            "symbol": "AAPL",
            "qty": "3",
            "side": "buy",
            "type": "limit",
            "limit_price": "300.00",
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


def assert_everything_is_right(
    server: LiveServer, trader: Trader, answered: dict, *, placed: int = ORDERS
) -> None:
    """Every order ended once, the answered ones are the ones that are there, the books agree."""
    until(lambda: all(order["status"] == "filled" for order in trader.orders().values()))
    orders = trader.orders()
    assert sorted(orders) == sorted(f"order-{n}" for n in range(placed))
    for key, answer in answered.items():
        assert orders[key]["id"] == answer["id"]
    [position] = trader.call("GET", "/v2/positions").json()
    assert Decimal(position["qty"]) == 3 * placed
    spent = sum(Decimal(o["filled_avg_price"]) * Decimal(o["filled_qty"]) for o in orders.values())
    account = trader.call("GET", "/v2/account").json()
    assert abs(1_000_000 - Decimal(account["cash"]) - spent) < Decimal("0.005") * placed
    server.console("check_invariants")
