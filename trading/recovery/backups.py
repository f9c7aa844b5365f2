"""Take base backups of the embedded database, beside whoever uses it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from trading import postgres
from trading.postgres import Server
from trading.recovery import store as stores
from trading.recovery import wal
from trading.recovery.store import UNFINISHED, Backup, Store

SLOT: Final = "openfloor_archive"
LOOK_SECONDS: Final = 0.1
SECRETS: Final = ("secret_key", "seal_key")  # where the demo shape keeps its own
DATA: Final = "data"  # what pg_basebackup wrote, and nothing else
_MANIFEST: Final = "backup_manifest"


class UnableToBackUp(RuntimeError):
    """There is no backup; the text is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database stands: its system, its timeline, the position it has written up to."""

    system: str
    timeline: int
    lsn: int


def place_of(connection: psycopg.Connection[Any]) -> Place:
    """Return where a database that takes writes stands."""
    row = connection.execute(
        "SELECT system_identifier, pg_walfile_name(lsn), lsn"
        "  FROM pg_control_system(), pg_current_wal_lsn() AS at(lsn)"
    ).fetchone()
    if row is None:
        raise UnableToBackUp("The database does not say where it stands.")
    return Place(str(row[0]), int(row[1][:8], 16), wal.position(row[2]))


def reserve_log(connection: psycopg.Connection[Any]) -> bool:
    """Have the server keep its log for the archive from now on; say whether it did not before.

    A slot that was lost, because the archive was away for too long, is made anew.
    """
    row = connection.execute(
        "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", [SLOT]
    ).fetchone()
    if row is not None and row[0] != "lost":
        return False
    if row is not None:
        connection.execute("SELECT pg_drop_replication_slot(%s)", [SLOT])
    connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", [SLOT])
    return True


def take(
    server: Server, *, root: Path, now: datetime, beat: Callable[[], None] = lambda: None
) -> Backup:
    """Take a backup of the running `server` into the folder `root`, verify it, and return it.

    From the first on, the log is kept for the archive. A backup is there whole or not at all.
    Raises UnableToBackUp, or store.Busy when one is being taken.
    """
    try:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            place = place_of(connection)
            store = Store(root, place.system)
            with store.alone("backup"):
                folder = _begin(store, now)
                reserve_log(connection)
                try:
                    return _take(server, folder, now=now, beat=beat)
                except BaseException:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
    except (OSError, psycopg.Error) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UnableToBackUp(f"No backup was taken: {reason[0]}") from error


def _begin(store: Store, now: datetime) -> Path:
    """Make the folder of a backup; clear what those that were cut short left."""
    stores.make_private(store.base)
    for left in store.base.glob(f"*{UNFINISHED}"):
        shutil.rmtree(left)
    folder = store.base / f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}{UNFINISHED}"
    folder.mkdir(mode=0o700)
    return folder


def _take(server: Server, folder: Path, *, now: datetime, beat: Callable[[], None]) -> Backup:
    _copy(
        [
            f"--dbname={connecting(server)}",
            f"--pgdata={folder / DATA}",
            "--format=tar",
            "--compress=client-gzip:1",
        ],
        beat=beat,
    )
    verify(folder, beat=beat)
    bring_secrets(server.data.parent, to=folder)
    manifest = json.loads((folder / DATA / _MANIFEST).read_text())
    [written] = manifest["WAL-Ranges"]
    finished = folder.with_name(folder.name.removesuffix(UNFINISHED))
    backup = Backup(
        folder=folder,
        timeline=written["Timeline"],
        begin=wal.position(written["Start-LSN"]),
        end=wal.position(written["End-LSN"]),
        begun_at=now,
        ended_at=_ended_at(server),
        unpacked_bytes=sum(file["Size"] for file in manifest["Files"]),
    )
    stores.write(backup)
    folder.rename(finished)
    stores.sync(finished.parent)
    return Backup(**{**vars(backup), "folder": finished})


def bring_secrets(home: Path, *, to: Path) -> None:
    """Copy the secrets that a data folder keeps: without them nobody's authenticator is read."""
    for name in SECRETS:
        if (home / name).exists():
            shutil.copy2(home / name, to / name)


def verify(folder: Path, *, beat: Callable[[], None] = lambda: None) -> None:
    """Compare every file of a backup with its checksum. Raises UnableToBackUp."""
    # The log in it is checked as it is replayed: of a tar file this program cannot.
    _run(["pg_verifybackup", "--no-parse-wal", "--quiet", str(folder / DATA)], beat=beat)


def copy(conninfo: str, folder: Path, *, slot: str, beat: Callable[[], None]) -> None:
    """Copy the database at `conninfo` into `folder`, to follow it from there by that slot.

    Raises UnableToBackUp.
    """
    _copy(
        [f"--dbname={conninfo}", f"--pgdata={folder}", "--write-recovery-conf", f"--slot={slot}"],
        beat=beat,
    )


def _copy(options: Sequence[str], *, beat: Callable[[], None]) -> None:
    common = ("--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256")
    _run(["pg_basebackup", *options, *common], beat=beat)


def connecting(server: Server) -> str:
    """Return how a program that copies the server reaches it."""
    return f"host={server.socket_folder} port={postgres.PORT} user={server.owner}"


def _ended_at(server: Server) -> datetime:
    """Return the time of the server, whose log is read by it."""
    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    if row is None:
        raise UnableToBackUp("The database does not say what time it is.")
    ended_at: datetime = row[0]
    return ended_at.astimezone(UTC)


def _run(command: Sequence[str], *, beat: Callable[[], None]) -> None:
    """Run a program of PostgreSQL's to its end. Raises UnableToBackUp with its complaint."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [str(postgres.BINARIES / command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            env=postgres.environment(),
        )
        try:
            while process.poll() is None:
                beat()
                time.sleep(LOOK_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        if process.returncode:
            said.seek(0)
            lines = [line for line in said.read().splitlines() if "error" in line] or [
                f"{command[0]} ended with {process.returncode}"
            ]
            raise UnableToBackUp(lines[0])
