"""The steps from nothing to a program that trades; each fails with one sentence."""

from __future__ import annotations

import errno
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Final, TextIO

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.sessions import addresses, judging
from marketdata.feeds import providers
from marketdata.instruments.listing import UnableToList
from risk.surveillance import telling
from risk.surveillance.channels import UnusableChannel
from risk.surveillance.paths import UnusablePath
from trading import first_data, postgres
from trading.metrics.fence import Fence
from trading.recovery import standbys

REDIS_SECONDS_MAX: Final = 5.0
FILES_MAX: Final = 65_536
_TURN: Final = 0x0F_F1_0A_11  # the advisory lock under which the schema changes


class UnableToStart(RuntimeError):
    """The program cannot start; the text is one sentence for the person at the terminal."""


@contextmanager
def step(say: Callable[[str], None], what: str) -> Iterator[None]:
    """Say what is done, and how long it took once it is."""
    begun = time.monotonic()
    yield
    say(f"  {what:<46}{time.monotonic() - begun:6.1f} s")


def allow_sockets() -> None:
    """Let this process have as many sockets as the system lets it: by itself it gives it few."""
    given, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(given, min(FILES_MAX, most)), most))


def check_settings() -> None:
    """Refuse what must not be: failpoints in production, unusable settings, no folder."""
    if settings.PRODUCTION and os.environ.get("OPENFLOOR_FAILPOINTS"):
        raise UnableToStart("OPENFLOOR_FAILPOINTS is set: failpoints never run in production.")
    try:
        telling.configured_paths()
        Fence.of(networks=settings.METRICS_NETWORKS, token=settings.METRICS_TOKEN)
    except (UnusableChannel, UnusablePath) as error:
        raise UnableToStart(str(error)) from error
    except addresses.UnreadableNetwork as error:
        raise UnableToStart(f"METRICS_NETWORKS: {error}.") from error
    try:
        providers.configured()
    except providers.UnusableFeed as error:
        raise UnableToStart(str(error)) from error
    _check_addresses()
    home: Path = settings.HOME
    try:
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        trial = home / f".trial-{os.getpid()}"
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise UnableToStart(
            f"The data folder {home} cannot be written ({error.strerror}). "
            "Set OPENFLOOR_HOME to a folder that can."
        ) from error


def _check_addresses() -> None:
    """Refuse lists of addresses that cannot be read: at a sign-in they would let nobody in."""
    try:
        addresses.networks(settings.TRUSTED_PROXIES)
    except addresses.UnreadableNetwork as error:
        raise UnableToStart(f"TRUSTED_PROXIES cannot be read: {error}.") from None
    try:
        judging.is_bad("192.0.2.1")
    except (OSError, addresses.UnreadableNetwork) as error:
        raise UnableToStart(f"BAD_ADDRESSES cannot be read: {error}.") from None


def take_venue(home: Path) -> TextIO:
    """Return the file whose lock says that the venue of this data folder runs in this process.

    The system drops the lock when the process ends, however it ends. A venue of another machine
    on the same database is kept out by the exchange itself.
    """
    taken = (home / "venue.lock").open("a+")
    try:
        flock(taken, LOCK_EX | LOCK_NB)
    except BlockingIOError as error:
        with taken:
            taken.seek(0)
            process = taken.read().strip() or "unknown"
        raise UnableToStart(
            f"Process {process} serves the data folder {home} already: end that one, "
            "start other roles with --role, or set OPENFLOOR_HOME to another folder."
        ) from error
    taken.truncate(0)
    taken.write(f"{os.getpid()}\n")
    taken.flush()
    return taken


def take_port(*, host: str, port: int, is_shared: bool = False) -> socket.socket:
    """Return a socket bound to the port. Taken early: it is the likeliest thing to go wrong.

    A port that `is_shared` is nobody else's either; our own companions may `join_port` it.
    """
    family = _family_of(host, port)
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
            trial.listen(1)  # a port that is bound but not listened on yet shows here alone
    except OSError as error:
        raise UnableToStart(_why_not(error, host, port)) from error
    return _bound(family, host, port, is_shared=is_shared)


def join_port(*, host: str, port: int) -> socket.socket:
    """Return another socket bound to a port that a process of the same user shares."""
    return _bound(_family_of(host, port), host, port, is_shared=True)


def _family_of(host: str, port: int) -> socket.AddressFamily:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise UnableToStart(f"OPENFLOOR_HOST={host} is no address of this machine.") from error


def _bound(family: socket.AddressFamily, host: str, port: int, *, is_shared: bool) -> socket.socket:
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise UnableToStart(_why_not(error, host, port)) from error
    return taken


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program: end that one, or set PORT to a free one."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by this user: set PORT to one above 1023."
    return f"Port {port} of {host} cannot be used ({error.strerror}): set PORT or OPENFLOOR_HOST."


def embedded_server() -> postgres.Server | None:
    """Return the server of this data folder; None when DATABASE_URL names another."""
    if not settings.EMBEDDED_POSTGRES:
        return None
    return postgres.Server(
        data=settings.HOME / "postgres",
        socket_folder=Path(str(settings.DATABASES["owner"]["HOST"])),
        owner=settings.POSTGRES_OWNER,
        database="openfloor",
    )


def check_in_charge(server: postgres.Server) -> None:
    """Refuse a database whose place another one has taken: two truths are worse than none."""
    try:
        standbys.check_in_charge(server, root=settings.BACKUPS)
    except standbys.NotInCharge as error:
        raise UnableToStart(str(error)) from None


def reach_database() -> str:
    """Connect as the owner; return what answers, such as "PostgreSQL 18"."""
    try:
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
            (version,) = cursor.fetchone()
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
        raise UnableToStart(f"The database cannot be reached: {reason}.") from error
    return f"PostgreSQL {version}"


def reach_redis() -> None:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=REDIS_SECONDS_MAX
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise UnableToStart(f"Redis at REDIS_URL cannot be reached: {error}.") from error


def migrate() -> int:
    """Bring the schema up to date as its owner; return how many migrations were applied."""
    owner = connections["owner"]
    with owner.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_TURN])
    try:
        executor = MigrationExecutor(owner)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            call_command("migrate", verbosity=0, interactive=False)
    finally:
        owner.close()  # and with the connection, the lock
    return len(plan)


def load_first_data() -> None:
    try:
        first_data.load(now=timezone.now())
    except OSError as error:
        raise UnableToStart(
            f"INSTRUMENTS names a file that cannot be read: {settings.INSTRUMENTS} "
            f"({error.strerror})."
        ) from error
    except UnableToList as error:
        raise UnableToStart(f"INSTRUMENTS names no list of instruments: {error}.") from error


def collect_static() -> None:
    """Gather what production serves; the demo shape serves it from where it lies."""
    call_command("collectstatic", verbosity=0, interactive=False)
