"""The program over two processes: pages and API in one, everything else in the other.

They share a database that neither of them runs, and a real Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import database
from tests.faults.trader import Trader
from tests.live_server import LiveServer
from tests.patience import until
from tests.redis_server import needs_redis, redis_url

__all__ = ["redis_url"]

THE_REST = ("feed", "venue", "executions", "worker")


pytestmark = needs_redis


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """A PostgreSQL that belongs to none of the processes."""
    home = tmp_path / "outside"
    database.place_cluster(home, has_market=True)
    with database.server_at(home) as server:
        yield f"postgresql://{server.owner}@/{server.database}?host={server.socket_folder}"


@pytest.fixture
def spread_out(
    live_servers: Callable[..., LiveServer], redis_url: str, database_url: str
) -> tuple[LiveServer, LiveServer]:
    """Return the web process and the rest, each with a data folder of its own."""
    shared = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "shared" * 10}
    web, rest = live_servers(**shared), live_servers(**shared)
    web.arguments = ["--role=web"]
    rest.arguments = [f"--role={role}" for role in THE_REST]
    rest.start(until_ready=False)
    web.start()
    return web, rest


def assert_fills(trader: Trader, number: int) -> None:
    """Buy 3 shares, over HTTP at one process and with the exchange in the other."""
    assert trader.place(number) is not None
    until(lambda: trader.orders()[f"order-{number}"]["status"] == "filled")


def test_two_processes_trade_and_the_death_of_one_is_seen_and_healed(spread_out):
    web, rest = spread_out
    trader = Trader(web)
    assert_fills(trader, 1)

    rest.kill()
    trades = ("feed", "exchange", "gateway", "executions")

    def lacks_them_alone() -> bool:
        status, checks = web.readiness()
        ready = {name for name, check in checks.items() if name != "ready" and check["ready"]}
        return status == 503 and ready >= {"database", "hub"} and not ready.intersection(trades)

    until(lacks_them_alone)

    rest.start(until_ready=False)
    web.wait_until_ready()
    assert_fills(trader, 2)
    [position] = trader.call("GET", "/v2/positions").json()
    assert position["qty"] == "6"
    web.console("check_invariants")
    assert rest.stop() == 0
    assert web.stop() == 0
