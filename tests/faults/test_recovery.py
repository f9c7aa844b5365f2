"""The database is lost, or worse, wrong: what was acknowledged comes back, and trading goes on."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from tests.faults.trader import Trader
from tests.live_server import LiveServer
from tests.patience import until
from trading.recovery import archiving
from trading.recovery import store as stores
from trading.settings import POSTGRES_OWNER, postgres_socket_folder


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """One data folder, with a program that each test leaves running."""
    placed = LiveServer.placed(Path(settings.RUN) / f"recovers-{settings.WORKER}")
    yield placed
    placed.dispose()


@pytest.fixture
def backed_up(server: LiveServer) -> LiveServer:
    """The running program, after a backup of the timeline that it is on."""
    if server.process is None or server.has_ended():
        server.start()
    if not (server.home / "backups").exists():
        server.console("backup")
    until(lambda: timelines(server)[-1:] == [timeline_of(server)])
    return server


def owner(server: LiveServer) -> psycopg.Connection:
    """Connect as the database's owner, whom nothing holds back."""
    folder = postgres_socket_folder(server.home)
    return psycopg.connect(f"host={folder} user={POSTGRES_OWNER} dbname=openfloor", autocommit=True)


def timeline_of(server: LiveServer) -> int:
    with owner(server) as connection:
        [name] = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
    return int(name[:8], 16)


def timelines(server: LiveServer) -> list[int]:
    """Return the timelines that backups were taken of, in their order."""
    found = stores.systems(server.home / "backups")
    return [backup.timeline for backup in found[-1].backups()] if found else []


def is_archived(server: LiveServer, lsn: str) -> bool:
    with owner(server) as connection:
        row = connection.execute(
            "SELECT write_lsn >= %s FROM pg_stat_replication WHERE application_name = %s",
            [lsn, archiving.NAME],
        ).fetchone()
    return bool(row and row[0])


def fill(trader: Trader, *numbers: int) -> dict[str, dict]:
    """Place these orders; return all of the trader's once they are filled."""
    for number in numbers:
        assert trader.place(number) is not None
    return until(lambda: all_filled(trader))


def all_filled(trader: Trader) -> dict[str, dict]:
    found = trader.orders()
    return found if {each["status"] for each in found.values()} == {"filled"} else {}


def assert_trades_on(server: LiveServer, trader: Trader, before: dict[str, dict]) -> None:
    """All that was there before is there, the books are right, and another order is filled."""
    after = trader.orders()
    assert {key: after[key] for key in before} == before
    server.console("check_invariants")
    filled = fill(trader, 100 + len(before))
    assert len(filled) == len(before) + 1
    server.console("check_invariants")


def test_a_second_before_a_bad_delete_everything_is_there(backed_up):
    trader = Trader(backed_up)
    before = fill(trader, 1, 2, 3)
    with owner(backed_up) as connection:
        [moment] = connection.execute("SELECT clock_timestamp()").fetchone()
        connection.execute("SET session_replication_role = replica")  # no trigger stops this one
        connection.execute("DELETE FROM portfolio_transfer")
        connection.execute("DELETE FROM orders_order")
    with pytest.raises(RuntimeError, match="invariants do not hold"):
        backed_up.console("check_invariants")
    with pytest.raises(RuntimeError, match="serves the data folder"):
        backed_up.console("restore", "--to", moment.isoformat())
    backed_up.console.close()
    assert backed_up.stop() == 0

    early = backed_up.run("restore", "--to", "2020-01-01T00:00:00Z")
    restored = backed_up.run("restore", "--to", moment.isoformat())

    assert "was whole before 2020-01-01 00:00:00 UTC: the first was whole at" in early.stderr
    assert restored.returncode == 0, restored.stderr
    assert "invariants hold." in restored.stdout
    assert "RTO" in restored.stdout
    assert len(list(backed_up.home.glob("postgres.before-*"))) == 1
    assert list(backed_up.home.glob("restored-*")) == []
    backed_up.start()
    assert_trades_on(backed_up, trader, before)


def test_a_machine_that_is_lost_with_its_disk_costs_nothing_that_was_archived(backed_up):
    trader = Trader(backed_up)
    before = fill(trader, 1, 2, 3)
    with owner(backed_up) as connection:
        [lsn, at] = connection.execute(
            "SELECT pg_current_wal_lsn()::text, clock_timestamp()"
        ).fetchone()
    until(lambda: is_archived(backed_up, lsn))

    backed_up.console.close()
    database = int((backed_up.home / "postgres" / "postmaster.pid").read_text().split()[0])
    backed_up.kill()
    os.kill(database, signal.SIGKILL)
    key = (backed_up.home / "secret_key").read_text()
    for lost in (*backed_up.home.glob("postgres*"), backed_up.home / "secret_key"):
        shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    restored = backed_up.run("restore")

    assert restored.returncode == 0, restored.stderr
    [last] = [w for w in restored.stdout.split() if w.endswith("Z") and "." in w and ":" in w]
    [day] = [w for w in restored.stdout.split() if w.count("-") == 2 and len(w) == 10]
    assert datetime.fromisoformat(f"{day}T{last}") >= at.replace(microsecond=0)
    assert (backed_up.home / "secret_key").read_text() == key
    backed_up.start()
    assert_trades_on(backed_up, trader, before)
