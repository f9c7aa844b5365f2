"""The whole program is killed in mid-flow, at each step of an order's way and at random.

Whatever was answered is kept, whatever was not can be sent again, each order is executed once,
and the books are right: after a plain restart, with nothing repaired by hand.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.trader import ORDERS, Trader, assert_everything_is_right
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until

STEPS = (
    "intake.before_commit",
    "intake.committed",
    "gateway.before_send",
    "gateway.sent",
    "executions.before_commit",
)


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """One data folder, with a program that each test leaves running and the next one kills."""
    placed = LiveServer.placed(Path(settings.RUN) / f"survives-{settings.WORKER}")
    yield placed
    placed.dispose()


def start_anew(server: LiveServer, *, fails: str) -> None:
    if server.process is not None and not server.has_ended():
        server.kill()
    server.start(OPENFLOOR_FAILPOINTS=fails)


def test_kills_at_one_step_after_the_other_lose_and_double_nothing(server):
    """Each start recovers from the kill before it, and is killed a step further on."""
    start_anew(server, fails=f"{STEPS[0]}=kill*5")
    trader = Trader(server)
    answered: dict[str, dict] = {}

    def is_answered(number: int) -> bool:
        """Place this order, perhaps again; when it was answered before, it is the same."""
        order = trader.place(number)
        if order is None:
            return False
        assert answered.setdefault(order["client_order_id"], order)["id"] == order["id"]
        return True

    placed = 0
    for following in (*STEPS[1:], None):
        # However many of them go to the venue and come back together, in the end it is killed.
        for number in itertools.count():
            placed = max(placed, number + 1)
            until(lambda n=number: server.has_ended() or is_answered(n))
            if server.has_ended():
                break
        server.start(OPENFLOOR_FAILPOINTS=f"{following}=kill*5" if following else "")
    for number in range(placed):
        until(lambda n=number: is_answered(n))
    assert_everything_is_right(server, trader, answered, placed=placed)


def test_a_stop_that_is_reached_as_the_program_is_killed_goes_once(server):
    """The order is the first that the intake writes, its trigger the second, and then the first."""
    start_anew(server, fails="intake.before_commit=kill*2")
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
    until(server.has_ended)
    server.start(OPENFLOOR_FAILPOINTS="intake.committed=kill", until_ready=False)
    until(server.has_ended)
    server.start()
    until(lambda: [each["status"] for each in trader.orders().values()] == ["filled"])
    [order] = trader.orders().values()
    assert (order["id"], order["filled_qty"]) == (held["id"], "3")
    fills = trader.call("GET", "/v2/account/activities/FILL").json()
    assert sum(Decimal(each["qty"]) for each in fills) == 3
    [position] = trader.call("GET", "/v2/positions").json()
    assert position["qty"] == "3"
    server.console("check_invariants")


def test_a_kill_under_load_loses_and_doubles_nothing(server):
    if server.process is None or server.has_ended():
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
        assert enough.wait(DEADLINE_SECONDS)
        server.kill()
    for each in placed:
        each.result()
    server.start()
    for number in range(ORDERS):
        order = trader.place(number)
        assert order is not None
        assert answered.get(order["client_order_id"], order)["id"] == order["id"]
    assert_everything_is_right(server, trader, answered)
