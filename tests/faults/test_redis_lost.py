"""Prices over two web processes while Redis goes away and comes back: none of them goes there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from marketdata.stream.decoder import Decoder, Hello, News
from tests import database
from tests.faults.pages import SYMBOL, heard, opened, signed_in
from tests.faults.trader import Trader
from tests.live_server import LiveServer, free_port
from tests.patience import DEADLINE_SECONDS, until
from tests.redis_server import needs_redis, redis_program

pytestmark = needs_redis


class Redis:
    """A Redis that can be ended and started again at its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [str(redis_program()), *options], stdout=subprocess.DEVNULL
        )
        with redis.Redis(port=self.port) as client:
            until(lambda: _answers(client))

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE_SECONDS)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def shared_redis() -> Iterator[Redis]:
    server = Redis()
    server.start()
    yield server
    server.end()


@pytest.fixture
def both(
    live_servers: Callable[..., LiveServer], shared_redis: Redis, tmp_path: Path
) -> Iterator[tuple[LiveServer, LiveServer]]:
    """Two web processes, of which the second does everything else, too."""
    home = tmp_path / "outside"
    database.place_cluster(home, has_market=True)
    with database.server_at(home) as server:
        shared = {
            "DATABASE_URL": f"postgresql://{server.owner}@/{server.database}"
            f"?host={server.socket_folder}",
            "REDIS_URL": f"redis://127.0.0.1:{shared_redis.port}/0",
            "SECRET_KEY": "shared" * 10,
        }
        web, rest = live_servers(**shared), live_servers(**shared)
        roles = ("web", "feed", "venue", "executions", "worker")
        web.arguments, rest.arguments = ["--role=web"], [f"--role={role}" for role in roles]
        rest.start()
        web.start()
        yield web, rest


def test_prices_go_on_at_both_processes_and_orders_once_it_is_back(
    both: tuple[LiveServer, LiveServer], shared_redis: Redis
) -> None:
    web, rest = both
    trader = Trader(web)
    cookie = signed_in(web, trader.email)
    decoders = Decoder(), Decoder()
    streams = set()
    sockets = [opened(server, cookie) for server in both]
    for socket, decoder in zip(sockets, decoders, strict=True):
        streams.add(heard(socket, decoder, Hello).stream)
        socket.send(decoder.subscribe([SYMBOL]))
        assert heard(socket, decoder, News).is_snapshot
        heard(socket, decoder, News)
    assert len(streams) == 2  # each counts for itself

    shared_redis.end()
    for socket, decoder in zip(sockets, decoders, strict=True):
        for _ in range(3):
            heard(socket, decoder, News)
    assert trader.call("GET", "/v2/account").status_code == 200

    # Who loses its process meanwhile goes on at the other: with a snapshot, as that counts anew.
    sockets[0].close()
    moved = opened(rest, cookie)
    heard(moved, decoders[0], Hello)
    moved.send(decoders[0].subscribe([SYMBOL]))
    assert heard(moved, decoders[0], News).is_snapshot
    # And who comes back to its own is sent what it lacks.
    sockets[1].close()
    again = opened(rest, cookie)
    heard(again, decoders[1], Hello)
    again.send(decoders[1].subscribe([SYMBOL]))
    heard(again, decoders[1], News)

    shared_redis.start()
    web.wait_until_ready()
    rest.wait_until_ready()
    for socket, decoder in ((moved, decoders[0]), (again, decoders[1])):
        heard(socket, decoder, News)
        socket.close()
    assert trader.place(1) is not None
    until(lambda: trader.orders()["order-1"]["status"] == "filled")
