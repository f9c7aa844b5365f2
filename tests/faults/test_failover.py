"""The primary dies under order entry; its standby takes over, and the old one stays out of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.trader import ORDERS, Trader, assert_everything_is_right
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until
from trading.settings import BASE_DIR, postgres_socket_folder


@pytest.fixture
def primary(live_servers) -> LiveServer:
    placed = live_servers()
    placed.start()
    return placed


@pytest.fixture
def second() -> Iterator[LiveServer]:
    """The program on the standby's data, which is not there yet."""
    home = Path(settings.RUN) / f"standby-{settings.WORKER}"
    home.mkdir()
    placed = LiveServer(home=home)
    yield placed
    placed.dispose()


class Standby:
    """`manage.py standby` in the second's data folder, following the primary."""

    def __init__(self, primary: LiveServer, second: LiveServer) -> None:
        self._log = second.home / "standby.log"
        of = f"host={postgres_socket_folder(primary.home)} user=openfloor"
        command = ["standby", "--of", of, "--into", str(second.home), "--synchronous"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=BASE_DIR,
                env=primary._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_it_says(self, words: str) -> None:
        until(lambda: self._process.poll() is not None or words in self._log.read_text())
        assert words in self._log.read_text()

    def end(self) -> int:
        self._process.terminate()
        return self._process.wait(DEADLINE_SECONDS)


def test_a_promoted_standby_has_all_that_was_acknowledged_and_the_old_one_is_kept_out(
    primary, second
):
    standby = Standby(primary, second)
    try:
        standby.wait_until_it_says("Nothing is acknowledged any more that is not here, too.")
        assert "openfloor_standby: streaming" in primary.console("standby", "--status")
        early = second.run("promote")
        assert "The primary still answers" in early.stderr

        trader = Trader(primary)
        answered = place_until_it_is_lost(primary, trader)
        promoted = second.run("promote")
        assert promoted.returncode == 0, promoted.stderr
        assert "In charge, on timeline 2" in promoted.stdout
        standby.wait_until_it_says("Promoted.")
    finally:
        ended = standby.end()
    assert ended == 0

    second.start()
    trader.moves_to(second)
    assert {key: trader.orders()[key]["id"] for key in answered} == {
        key: order["id"] for key, order in answered.items()
    }
    for number in range(ORDERS):
        assert trader.place(number) is not None
    assert_everything_is_right(second, trader, answered)

    primary.start(until_ready=False)
    until(primary.has_ended)
    assert "acknowledges nothing without its standby" in primary.log.splitlines()[-1]


def place_until_it_is_lost(server: LiveServer, trader: Trader) -> dict[str, dict]:
    """Enter orders, and kill program and database meanwhile; return what was answered."""
    answered: dict[str, dict] = {}
    enough = threading.Event()

    def place(number: int) -> None:
        order = trader.place(number)
        if order is not None:
            answered[order["client_order_id"]] = order
        if len(answered) >= ORDERS // 3:
            enough.set()

    server.console.close()
    database = int((server.home / "postgres" / "postmaster.pid").read_text().split()[0])
    with ThreadPoolExecutor(8) as clients:
        placed = [clients.submit(place, number) for number in range(ORDERS)]
        assert enough.wait(DEADLINE_SECONDS)
        server.kill()
        os.kill(database, signal.SIGKILL)
    for each in placed:
        each.result()
    return answered
