"""The part `backups`: keeps the archive of the log, takes a backup a day, drops what is too old.

The log is streamed as it is written (`pg_receivewal`), so that what a lost machine costs is what
was on its way, not a segment. A slot has the server keep what the archive has not got yet. Nothing
happens before the first backup, which somebody asks for: who only looks at the program needs no
copy of it; in production the first is taken at once.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import structlog
from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from foundation import safekeeping
from trading import postgres, starting
from trading.postgres import Server
from trading.recovery import backups, wal
from trading.recovery import store as stores
from trading.recovery.store import Busy, Store
from trading.recovery.wal import Segment

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
STATUS_SECONDS: Final = 1
# What was received is on the archive's disk after so long: it bounds what is lost with a machine.
SYNC_SECONDS: Final = 5.0
PRUNE_SECONDS: Final = 600.0
BACKUP_EVERY: Final = timedelta(days=1)
STOP_SECONDS_MAX: Final = 4.0
NAME: Final = "openfloor_archive"
_PARTIAL: Final = ".partial"


class ReceiverEnded(RuntimeError):
    """pg_receivewal has ended by itself; the text is what it said."""


class TwoContents(RuntimeError):
    """The archive has another segment of the same name: nothing there is ever replaced."""


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Archive the log of the embedded database, in one process at a time, until `stop`."""
    try:
        _run(stop, beat)
    finally:
        database.close()


def _run(stop: threading.Event, beat: Callable[[], None]) -> None:
    server = starting.embedded_server()
    while server is not None and not stop.wait(LOOK_SECONDS):
        beat()
        if not (settings.PRODUCTION or any(settings.BACKUPS.glob("*/base/*"))):
            continue
        try:
            with psycopg.connect(server.conninfo, autocommit=True) as connection:
                store = Store(settings.BACKUPS, backups.place_of(connection).system)
                if not (store.is_begun or settings.PRODUCTION):
                    continue
                with store.alone("archive"), closing(Archive(server, store, connection)) as archive:
                    while not stop.wait(LOOK_SECONDS):
                        beat()
                        archive.go_on(beat)
        except Busy:
            continue


class Archive:
    """The archive of a running server's log, and whoever receives it."""

    def __init__(self, server: Server, store: Store, connection: psycopg.Connection[Any]) -> None:
        self._server = server
        self._store = store
        self._connection = connection
        self._timeline = backups.place_of(connection).timeline
        self._receiver: subprocess.Popen[bytes] | None = None
        self._complaint: Path = store.wal(self._timeline) / "receiver.log"
        self._synced_at = self._pruned_at = time.monotonic()
        self._stood: tuple[datetime, int] | None = None
        stores.make_private(self.folder)
        self._keep_history()

    @property
    def folder(self) -> Path:
        return self._store.wal(self._timeline)

    def go_on(self, beat: Callable[[], None] = lambda: None) -> None:
        """Do what there is to do now. Raises ReceiverEnded, TwoContents, UnableToBackUp."""
        was_cut = backups.reserve_log(self._connection)
        self._receive()
        now = time.monotonic()
        if now - self._synced_at >= SYNC_SECONDS:
            self._sync()
            self._synced_at = now
        pack_one(self.folder)
        if was_cut or self._is_backup_due(timezone.now()):
            taken = backups.take(self._server, root=self._store.root, now=timezone.now(), beat=beat)
            log.info("backup_taken", name=taken.name, bytes=taken.packed_bytes)
            self._pruned_at = now - PRUNE_SECONDS
        if now - self._pruned_at >= PRUNE_SECONDS:
            stores.prune(
                self._store,
                kept_max=settings.BACKUPS_KEPT,
                bytes_max=settings.BACKUPS_GB_MAX * 1_000_000_000,
            )
            self._pruned_at = now

    def close(self) -> None:
        """Receive no more; what was received so far stays."""
        if self._receiver is not None and self._receiver.poll() is None:
            self._receiver.terminate()
            try:
                self._receiver.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._receiver.kill()
                self._receiver.wait()
        sync_partial(self.folder)

    def _sync(self) -> None:
        """Have what was received on the disk, and write down how far the database is backed up.

        What the server had written when it was last asked is in the archive once the receiver has
        come so far: up to that moment nothing is lost with the machine.
        """
        received = self._received()
        sync_partial(self.folder)
        now, taken = timezone.now(), self._store.backups()
        log_until = None
        if self._stood is None or received >= self._stood[1]:
            log_until = self._stood and self._stood[0]
            self._stood = now, backups.place_of(self._connection).lsn
        safekeeping.note(
            now=now, backup_at=taken[-1].ended_at if taken else None, log_until=log_until
        )

    def _received(self) -> int:
        """Return up to which position the receiver has written the log; 0 while it is not there."""
        row = self._connection.execute(
            "SELECT write_lsn FROM pg_stat_replication WHERE application_name = %s", [NAME]
        ).fetchone()
        return wal.position(row[0]) if row is not None and row[0] else 0

    def _receive(self) -> None:
        if self._receiver is None:
            self._send_away()
            with self._complaint.open("wb") as said:
                self._receiver = subprocess.Popen(
                    [
                        str(postgres.BINARIES / "pg_receivewal"),
                        f"--dbname={backups.connecting(self._server)} application_name={NAME}",
                        f"--directory={self.folder}",
                        f"--slot={backups.SLOT}",
                        f"--status-interval={STATUS_SECONDS}",
                        "--no-loop",
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                    env=postgres.environment(),
                )
        elif self._receiver.poll() is not None:
            lines = self._complaint.read_text(errors="replace").strip().splitlines()
            raise ReceiverEnded(lines[-1] if lines else "it gave no reason")

    def _keep_history(self) -> None:
        """Keep where this timeline comes from: whoever restores must begin yet another."""
        name = f"{self._timeline:08X}.history"
        if self._timeline > 1 and not (self.folder / name).exists():
            row = self._connection.execute("SELECT pg_read_file(%s)", [f"pg_wal/{name}"]).fetchone()
            unfinished = self.folder / f"{name}.new"
            unfinished.write_text(row[0] if row else "")
            unfinished.rename(self.folder / name)
            stores.sync(self.folder)

    def _send_away(self) -> None:
        """End the receiver of a program that was killed: it outlives it, as the server does."""
        self._connection.execute(
            "SELECT pg_terminate_backend(active_pid, %s) FROM pg_replication_slots"
            " WHERE slot_name = %s AND active_pid IS NOT NULL",
            [int(STOP_SECONDS_MAX * 1000), backups.SLOT],
        )

    def _is_backup_due(self, now: datetime) -> bool:
        """Is there none of this timeline, or none of today, or more log than one is worth?

        A restored or promoted database begins a timeline: its backup is taken at once.
        """
        taken = self._store.backups()
        if not taken or taken[-1].timeline != self._timeline:
            return True
        if now - taken[-1].begun_at >= BACKUP_EVERY:
            return True
        written = backups.place_of(self._connection).lsn - taken[-1].begin
        return written > settings.BACKUPS_GB_MAX * 1_000_000_000 // 4


def sync_partial(folder: Path) -> None:
    """Have the segment that is being received written to its disk as far as it is."""
    for path in folder.glob(f"*{_PARTIAL}"):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue  # it is whole by now, and was synced for that
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def pack_one(folder: Path) -> bool:
    """Compress the oldest whole segment; say whether there was one.

    It is there at every moment, plain or packed, and nothing that is there is replaced. Raises
    TwoContents.
    """
    for path in sorted(folder.iterdir()):
        try:
            Segment.named(path.name)
        except wal.UnreadablePosition:
            continue
        packed = path.with_name(f"{path.name}.gz")
        if packed.exists():
            _check_same(path, packed)
        else:
            _pack(path, packed)
        path.unlink()
        return True
    return False


def _pack(path: Path, packed: Path) -> None:
    unfinished = path.with_name(f"{path.name}.packing")
    with path.open("rb") as plain, unfinished.open("wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, filename="", mtime=0) as file:
            shutil.copyfileobj(plain, file, 1 << 20)
        raw.flush()
        os.fsync(raw.fileno())
    shutil.copystat(path, unfinished)
    unfinished.rename(packed)
    stores.sync(path.parent)


def _check_same(path: Path, packed: Path) -> None:
    """A kill between packing and deleting leaves both."""
    with path.open("rb") as plain, gzip.open(packed) as file:
        while True:
            ours, theirs = plain.read(1 << 20), file.read(1 << 20)
            if ours != theirs:
                raise TwoContents(f"{packed} has another content than {path}.")
            if not ours:
                return
