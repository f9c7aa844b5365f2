"""A kill switch on the real program under load: at once for what is new, and over a kill -9."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg

from tests.faults.trader import Trader
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until
from trading.settings import POSTGRES_OWNER, postgres_socket_folder

CLIENTS = 6
OPEN = {"new", "accepted", "partially_filled", "pending_new", "pending_cancel", "held"}
# The requests about orders that the gateway has taken in hand, and those alone leave.
TAKEN = """
    SELECT order_id::text FROM venues_outboxmessage
     WHERE kind = %s AND number IS NOT NULL AND order_id::text = ANY(%s)
"""


def order(number: int) -> dict[str, str]:
    """Return an order: every third rests far below the market, the others trade in it."""
    wanted = {"symbol": "AAPL", "qty": "1", "side": "buy", "time_in_force": "gtc"}
    if number % 3:
        return {**wanted, "type": "market", "time_in_force": "day"}
    return {**wanted, "type": "limit", "limit_price": "150.00"}


class Load:
    """Clients that place orders one after the other, each until it is told to stop."""

    def __init__(self, trader: Trader) -> None:
        self.trader = trader
        self.accepted: list[dict] = []
        self.denied: list[dict] = []
        self.enough = threading.Event()
        self._lock = threading.Lock()

    def run(self, client: int) -> None:
        """Place orders until three of this client's in a row were denied."""
        denied = number = 0
        while denied < 3:
            number += 1
            wanted = {**order(number + client), "client_order_id": str(uuid.uuid4())}
            answer = self.trader.call("POST", "/v2/orders", json=wanted)
            with self._lock:
                if answer.status_code == 200:
                    denied = 0
                    self.accepted.append(answer.json())
                else:
                    denied += 1
                    self.denied.append(answer.json())
                if len(self.accepted) >= 40:
                    self.enough.set()


def orders_of(trader: Trader) -> list[dict]:
    found: list[dict] = []
    until_ = None
    while True:
        given = {"status": "all", "limit": 500, **({"until": until_} if until_ else {})}
        page = trader.call("GET", "/v2/orders", params=given).json()
        new = [each for each in page if each["id"] not in {one["id"] for one in found}]
        if not new:
            return found
        found += new
        until_ = page[-1]["submitted_at"]


def test_nothing_leaves_after_it_and_everything_open_is_cancelled(live_servers):
    """Of one account first, then of the firm; each while clients place orders."""
    server = live_servers()
    server.start()
    for scope in ("account", "firm"):
        trader = Trader(server)
        load, thrown_by, left = throw_under_load(server, trader, scope)
        assert {each["reason"] for each in load.denied} == {"kill_switch"}
        for each in load.accepted:
            assert datetime.fromisoformat(each["submitted_at"]) <= thrown_by

        server.kill()  # what was begun goes on, and the switch stays as it was
        server.start()
        assert_all_has_ended(trader, load, left)
        answer = trader.call("POST", "/v2/orders", json=order(1))
        assert (answer.status_code, answer.json()["reason"]) == (403, "kill_switch")
    server.console("check_invariants")


def throw_under_load(
    server: LiveServer, trader: Trader, scope: str
) -> tuple[Load, datetime, set[str]]:
    """Throw the switch while clients place orders.

    Return what they placed, by when it was thrown, and which orders had left by then.
    """
    load = Load(trader)
    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(load.run, number) for number in range(CLIENTS)]
        assert load.enough.wait(DEADLINE_SECONDS)
        number = trader.call("GET", "/v2/account").json()["account_number"]
        named = ["--account", number] if scope == "account" else ["--firm"]
        server.console("kill_switch", *named, "--reason", "Runs wild")
        thrown_by = datetime.now(UTC)
        for each in running:
            each.result(DEADLINE_SECONDS)
    return load, thrown_by, left_before_a_cancel(server, load)


def left_before_a_cancel(server: LiveServer, load: Load) -> set[str]:
    """Return the orders that have left by when the gateway takes the first cancel of the switch.

    What it had in hand as the switch was thrown is among them: it takes one handful at a time.
    """
    accepted = [each["id"] for each in load.accepted]
    folder = postgres_socket_folder(server.home)
    with psycopg.connect(f"host={folder} user={POSTGRES_OWNER} dbname=openfloor") as connection:
        connection.autocommit = True
        until(lambda: connection.execute(TAKEN, ["cancel", accepted]).fetchall())
        return {order for (order,) in connection.execute(TAKEN, ["new", accepted])}


def assert_all_has_ended(trader: Trader, load: Load, left: set[str]) -> None:
    """Of all that was accepted nothing is open, and nothing was filled but what had left."""
    until(lambda: not OPEN & {each["status"] for each in orders_of(trader)})
    found = {each["id"]: each for each in orders_of(trader)}
    assert {each["status"] for each in found.values()} <= {"canceled", "filled", "rejected"}
    assert found.keys() >= {each["id"] for each in load.accepted}
    rested = [found[each["id"]] for each in load.accepted if each["type"] == "limit"]
    assert len(rested) > 5
    assert {each["status"] for each in rested} <= {"canceled", "rejected"}
    assert "canceled" in {each["status"] for each in rested}
    fills = trader.call("GET", "/v2/account/activities/FILL").json()
    assert {fill["order_id"] for fill in fills} <= left
