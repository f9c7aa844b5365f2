"""`serve --processes 2`: one port, an intake in each, and neither outlives the other for long."""

from __future__ import annotations

import http.client
import json

import psutil

from tests.faults.companions import CONNECTIONS_MAX, companion_of, has_accepted
from tests.faults.trader import Trader
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until


def connection_to(
    server: LiveServer, companion: psutil.Process, *, is_its: bool
) -> http.client.HTTPConnection:
    """Return a connection that the companion has accepted, or one that the first process has."""
    for _ in range(CONNECTIONS_MAX):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_SECONDS)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status": "ok"}'
        if has_accepted(companion, connection.sock) is is_its:
            return connection
        connection.close()
    raise AssertionError("the system gave all connections to one of the processes")


def placed(connection: http.client.HTTPConnection, trader: Trader, number: int) -> dict:
    order = {"symbol": "AAPL", "qty": "3", "side": "buy", "type": "limit", "limit_price": "300.00"}
    body = json.dumps({**order, "time_in_force": "day", "client_order_id": f"order-{number}"})
    connection.request("POST", "/v2/orders", body, {**trader.keys})
    answer = connection.getresponse()
    assert answer.status == 200
    return json.loads(answer.read())


def test_two_processes_take_orders_at_one_port_and_come_and_go_together(live_servers):
    server = live_servers()
    server.arguments = ["--processes=2"]
    server.start()
    trader = Trader(server)
    companion = until(lambda: companion_of(server))

    # Both take orders, and know of each other's: the same order again is no other.
    here = connection_to(server, companion, is_its=False)
    there = connection_to(server, companion, is_its=True)
    first, second = placed(here, trader, 1), placed(there, trader, 2)
    assert placed(there, trader, 1)["id"] == first["id"]
    assert placed(here, trader, 2)["id"] == second["id"]

    # A companion that is gone is replaced, and meanwhile the first process serves.
    companion.kill()
    assert placed(here, trader, 3)["client_order_id"] == "order-3"
    following = until(lambda: companion_of(server))
    assert following.pid != companion.pid
    assert placed(connection_to(server, following, is_its=True), trader, 4)["id"]
    until(lambda: [o["status"] for o in trader.orders().values()] == ["filled"] * 4)
    server.console("check_invariants")

    # It goes with the first process, however that ends.
    assert server.stop() == 0
    assert not following.is_running()
    server.start(until_ready=False)
    orphan = until(lambda: companion_of(server))
    server.kill()
    until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
