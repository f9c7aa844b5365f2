"""What a lost database costs: how long until it is back (RTO), and what is not there then (RPO).

A client writes one row after the other, each with a commit of its own, and notes what was
acknowledged; then the server is killed. Three times: it starts again on its own data; its data is
gone and is restored from backup and archive, with the invariants checked; a synchronous standby is
promoted. The database has `--scale` times 15 MB besides our tables.
`python -m benchmarks.recovery`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
import psycopg
from django.conf import settings
from django.utils import timezone

from trading import postgres
from trading.postgres import Server
from trading.recovery import archiving, backups, beside, restoring, standbys

SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.05
RTO_SECONDS_MAX: Final = 300.0
RPO_SECONDS_MAX: Final = 60.0


class Writer:
    """A client, and when each of its rows was acknowledged."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.acknowledged: list[float] = []
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS written (number bigint)")
            connection.execute("TRUNCATE written")

    def write_until_killed(self) -> None:
        with psycopg.connect(self._server.conninfo, autocommit=True) as connection:
            try:
                while True:
                    number = len(self.acknowledged)
                    connection.execute("INSERT INTO written VALUES (%s)", [number])
                    self.acknowledged.append(time.monotonic())
            except psycopg.OperationalError:
                return

    def lost(self, server: Server) -> str:
        """Return what of the acknowledged rows `server` has not, as a person reads it."""
        with psycopg.connect(server.conninfo) as connection:
            row = connection.execute("SELECT count(*) FROM written").fetchone()
        there = int(row[0]) if row else 0
        gone = self.acknowledged[there:]
        seconds = gone[-1] - self.acknowledged[there - 1] if gone else 0.0
        if seconds > RPO_SECONDS_MAX:
            raise SystemExit(f"{seconds:.1f} s of acknowledged rows are lost.")
        return f"RPO {seconds:.3f} s ({len(gone)} of {len(self.acknowledged)} commits)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery")
    parser.add_argument("--scale", type=int, default=10)
    given = parser.parse_args()
    stage.set_up()
    fill(given.scale)
    after_a_crash()
    after_the_loss_of_the_machine()
    with a_standby() as standby:
        after_a_promotion(standby)


def fill(scale: int) -> None:
    command = [str(postgres.BINARIES / "pgbench"), "-h", str(stage.server.socket_folder)]
    user = ["-U", stage.server.owner, "openfloor"]
    subprocess.run([*command, "-i", "-q", "-s", str(scale), *user], check=True, capture_output=True)


def kill_under_load(writer: Writer) -> None:
    """Let the client write for a while, and kill the server meanwhile."""
    thread = threading.Thread(target=writer.write_until_killed)
    thread.start()
    time.sleep(SECONDS)
    os.kill(int((stage.server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    thread.join()


def timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    seconds = time.monotonic() - begun
    if seconds > RTO_SECONDS_MAX:
        raise SystemExit(f"It took {seconds:.0f} s.")
    return seconds


def after_a_crash() -> None:
    writer = Writer(stage.server)
    kill_under_load(writer)
    seconds = timed(stage.server.start)
    print(f"killed and started again:   RTO {seconds:6.1f} s, {writer.lost(stage.server)}")


def after_the_loss_of_the_machine() -> None:
    begun = time.monotonic()
    taken = backups.take(stage.server, root=settings.BACKUPS, now=timezone.now())
    print(
        f"a backup of {taken.unpacked_bytes / 1e6:,.0f} MB takes {time.monotonic() - begun:.1f} s "
        f"and {taken.packed_bytes / 1e6:,.0f} MB"
    )
    writer = Writer(stage.server)
    with archived():
        kill_under_load(writer)
    shutil.rmtree(stage.server.data)
    seconds = timed(restore)
    stage.server.start()
    print(f"restored from the archive:  RTO {seconds:6.1f} s, {writer.lost(stage.server)}")


@contextmanager
def archived() -> Iterator[None]:
    """Run the part that archives the log, until what it is at is lost."""
    stop = threading.Event()

    def archive() -> None:
        with suppress(psycopg.Error, archiving.ReceiverEnded):  # the server is killed below it
            archiving.run(stop, lambda: None)

    thread = threading.Thread(target=archive)
    thread.start()
    wait_until(lambda: bool(followers()))
    try:
        yield
    finally:
        stop.set()
        thread.join()


def followers() -> list[str]:
    with standbys.connected(stage.server.conninfo) as connection:
        return [each.name for each in standbys.followers(connection) if each.state == "streaming"]


def restore() -> None:
    """As `manage.py restore` does."""
    server = stage.server
    store = restoring.store_of(settings.BACKUPS, server.data)
    plan = restoring.plan(store, to=None, timeline=None, data=server.data)
    home = settings.HOME / "restored"
    owner, name = server.owner, server.database
    restored = restoring.restore(plan, home=home, owner=owner, database=name, say=print)
    server = beside.server_in(home, owner=owner, database=name)
    restoring.check(server, at=restored.last_at or plan.backup.ended_at)
    restoring.put_in_place(restored, home=settings.HOME, now=timezone.now())
    restoring.remove(home)


@contextmanager
def a_standby() -> Iterator[Server]:
    """A standby of ours, which we wait for from now on."""
    home = Path(tempfile.mkdtemp(prefix="openfloor-bench-"))
    primary = stage.server
    server = beside.server_in(home, owner=primary.owner, database=primary.database, follows=True)
    try:
        standbys.make(server, of=standbys.address(primary), secrets=None, beat=lambda: None)
        with server:
            wait_until(lambda: standbys.is_following(server))
            with standbys.connected(primary.conninfo) as connection:
                standbys.wait_for(connection, standbys.NAME)
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


def after_a_promotion(standby: Server) -> None:
    writer = Writer(stage.server)
    kill_under_load(writer)
    seconds = timed(lambda: standbys.promote(standby))
    print(f"a standby promoted:         RTO {seconds:6.1f} s, {writer.lost(standby)}")


def wait_until(seen: Callable[[], bool]) -> None:
    while not seen():
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
