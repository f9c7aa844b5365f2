"""A kill switch on the real program under load: at once for what is new, and over a kill -9."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from tests.faults.test_orders_survive import Trader
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until

SECOND = timedelta(seconds=1)
CLIENTS = 6
OPEN = {"new", "accepted", "partially_filled", "pending_new", "pending_cancel", "held"}


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


def test_nothing_leaves_a_second_after_it_and_everything_open_is_cancelled(live_servers):
    """Of one account first, then of the firm; each while clients place orders."""
    server = live_servers()
    server.start()
    for scope in ("account", "firm"):
        trader = Trader(server)
        load, engaged_at = throw_under_load(server, trader, scope)
        assert {each["reason"] for each in load.denied} == {"kill_switch"}
        for each in load.accepted:
            assert datetime.fromisoformat(each["submitted_at"]) <= engaged_at + SECOND

        server.kill()  # what was begun goes on, and the switch stays as it was
        server.start()
        assert_all_has_ended(trader, load, engaged_at)
        answer = trader.call("POST", "/v2/orders", json=order(1))
        assert (answer.status_code, answer.json()["reason"]) == (403, "kill_switch")
    server.console("check_invariants")


def throw_under_load(server: LiveServer, trader: Trader, scope: str) -> tuple[Load, datetime]:
    """Throw the switch while clients place orders; return what they placed, and when it was."""
    load = Load(trader)
    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(load.run, number) for number in range(CLIENTS)]
        assert load.enough.wait(DEADLINE_SECONDS)
        number = trader.call("GET", "/v2/account").json()["account_number"]
        named = ["--account", number] if scope == "account" else ["--firm"]
        thrown = server.console("kill_switch", *named, "--reason", "Runs wild")
        for each in running:
            each.result(DEADLINE_SECONDS)
    return load, datetime.fromisoformat(thrown.split()[0])


def assert_all_has_ended(trader: Trader, load: Load, engaged_at: datetime) -> None:
    """Of all that was accepted nothing is open, and nothing was filled after the switch."""
    until(lambda: not OPEN & {each["status"] for each in orders_of(trader)})
    found = {each["id"]: each for each in orders_of(trader)}
    assert {each["status"] for each in found.values()} <= {"canceled", "filled", "rejected"}
    assert found.keys() >= {each["id"] for each in load.accepted}
    rested = [found[each["id"]] for each in load.accepted if each["type"] == "limit"]
    assert len(rested) > 5
    assert {each["status"] for each in rested} <= {"canceled", "rejected"}
    assert "canceled" in {each["status"] for each in rested}
    for fill in trader.call("GET", "/v2/account/activities/FILL").json():
        assert datetime.fromisoformat(fill["transaction_time"]) <= engaged_at + SECOND
