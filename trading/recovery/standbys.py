"""A second server that follows the first, and takes over when that one is lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from trading import postgres
from trading.postgres import Server
from trading.recovery import backups, restoring
from trading.recovery.backups import UnableToBackUp
from trading.recovery.store import Store

NAME: Final = "openfloor_standby"
CONNECT_SECONDS_MAX: Final = 5
PROMOTE_SECONDS_MAX: Final = 120
LOOK_SECONDS: Final = 0.1
RETURN_LOOKS_MAX: Final = 100
"""A standby that is there calls its primary again every five seconds."""


class UnableToFollow(RuntimeError):
    """There is no standby; the text is one sentence for a person."""


class UnableToPromote(RuntimeError):
    """The standby is one still; the text is one sentence for a person."""


class NotInCharge(RuntimeError):
    """Another database has taken this one's place; the text is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Follower:
    """What a primary knows of one who follows it: how far behind its disk is, in bytes."""

    name: str
    state: str
    is_waited_for: bool
    behind: int


def make(server: Server, *, of: str, secrets: Path | None, beat: Callable[[], None]) -> None:
    """Copy the database at the conninfo `of` into the data folder of `server`, as its standby.

    What the data folder `secrets` keeps of secrets is copied too. Raises UnableToFollow.
    """
    home, data = server.data.parent, server.data
    copying = data.with_name(f"{data.name}.copying")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with connected(of) as primary:
            if _is_in_recovery(primary):
                raise UnableToFollow("What --of names is a standby itself: name its primary.")
            _reserve(primary)
        shutil.rmtree(copying, ignore_errors=True)
        backups.copy(make_conninfo(of, application_name=NAME), copying, slot=NAME, beat=beat)
        if secrets is not None:
            backups.bring_secrets(secrets, to=home)
        copying.rename(data)
        server.take_over()
    except (OSError, psycopg.Error, UnableToBackUp) as error:
        raise UnableToFollow(f"It could not be copied: {_first_line(error)}") from error


def _reserve(primary: psycopg.Connection[Any]) -> None:
    """Have the primary keep its log for the standby; one of before is begun anew."""
    row = primary.execute(
        "SELECT active FROM pg_replication_slots WHERE slot_name = %s", [NAME]
    ).fetchone()
    if row is not None and row[0]:
        raise UnableToFollow("The primary has a standby: end that one first.")
    if row is not None:
        primary.execute("SELECT pg_drop_replication_slot(%s)", [NAME])
    primary.execute("SELECT pg_create_physical_replication_slot(%s, true)", [NAME])


def wait_for(primary: psycopg.Connection[Any], name: str) -> None:
    """Have the primary acknowledge nothing from now on that `name` has not on its disk."""
    names = sql.Literal(f"FIRST 1 ({name})")
    primary.execute(sql.SQL("ALTER SYSTEM SET synchronous_standby_names = {}").format(names))
    primary.execute("SELECT pg_reload_conf()")


def release(connection: psycopg.Connection[Any]) -> None:
    """Have a primary wait for no standby any more."""
    connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
    connection.execute("SELECT pg_reload_conf()")


def is_following(server: Server) -> bool:
    """Does the standby get what the primary writes?"""
    with connected(server.conninfo) as connection:
        row = connection.execute("SELECT status FROM pg_stat_wal_receiver").fetchone()
    return bool(row and row[0] == "streaming")


def followers(connection: psycopg.Connection[Any]) -> list[Follower]:
    """Return who follows this primary, archives of the log among them."""
    rows = connection.execute(
        "SELECT application_name, state, sync_state IN ('sync', 'quorum'),"
        "       coalesce(pg_current_wal_lsn() - flush_lsn, 0)::bigint"
        "  FROM pg_stat_replication ORDER BY application_name, pid"
    ).fetchall()
    return [Follower(*row) for row in rows]


def promote(server: Server) -> int:
    """Make a running standby the one in charge; return its timeline.

    Raises UnableToPromote: it is no standby, or its primary still answers.
    """
    with connected(server.conninfo) as connection:
        if not _is_in_recovery(connection):
            raise UnableToPromote(f"{server.data} is no standby: it takes writes already.")
        row = connection.execute("SHOW primary_conninfo").fetchone()
        if row is not None and _answers(row[0]):
            raise UnableToPromote(
                "The primary still answers: end its program first. There must never be two."
            )
        row = connection.execute("SELECT pg_promote(true, %s)", [PROMOTE_SECONDS_MAX]).fetchone()
        if row is None or not row[0]:
            raise UnableToPromote(
                f"It was not promoted within {PROMOTE_SECONDS_MAX} seconds: its log says why."
            )
        for name in ("synchronous_standby_names", "primary_conninfo", "primary_slot_name"):
            connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")
        return backups.place_of(connection).timeline


def check_in_charge(server: Server, *, root: Path) -> None:
    """Make sure that no other database has taken this one's place meanwhile.

    Two things tell: a standby without which this one acknowledges nothing, and that has not come
    back to it, and a younger timeline among the backups in `root`. Raises NotInCharge.
    """
    with connected(server.conninfo) as connection:
        place = backups.place_of(connection)
        store = Store(root, place.system)
        younger = [each for each in store.timelines() if each > place.timeline]
        if younger:
            raise NotInCharge(
                f"This database was replaced: {store.folder} has its timeline {younger[-1]}, and "
                f"this is {place.timeline}. Use the younger one; make this one its standby, from "
                f"nothing. If the younger one was given up, move {store.wal(younger[-1])} and its "
                "backups elsewhere."
            )
        if not _has_its_standby(connection):
            raise NotInCharge(
                "This database acknowledges nothing without its standby, which does not answer. "
                "If that was promoted, this is the old primary: make it a standby of the new one, "
                "from nothing. If it is only down, start it, or give it up with "
                "manage.py standby --release."
            )


def _has_its_standby(connection: psycopg.Connection[Any]) -> bool:
    """Is whoever must have everything there? True where nobody must."""
    row = connection.execute("SHOW synchronous_standby_names").fetchone()
    if row is None or not row[0]:
        return True
    for _ in range(RETURN_LOOKS_MAX):
        if any(each.is_waited_for for each in followers(connection)):
            return True
        time.sleep(LOOK_SECONDS)
    return False


def is_of(home: Path, *, of: str) -> bool:
    """Is the database of the data folder `home` the one at the conninfo `of`?"""
    try:
        with connected(of) as primary:
            row = primary.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    except psycopg.Error as error:
        raise UnableToFollow(f"The primary cannot be reached: {_first_line(error)}") from error
    return row is not None and restoring.system_of(home / "postgres") == str(row[0])


def connected(conninfo: str) -> psycopg.Connection[Any]:
    """Connect as the owner, each statement for itself; to be closed with `with`."""
    return psycopg.connect(_at_once(conninfo), autocommit=True)


def _answers(conninfo: str) -> bool:
    answer = psycopg.pq.PGconn.ping(_at_once(conninfo).encode())
    return answer in (psycopg.pq.Ping.OK, psycopg.pq.Ping.REJECT)


def _at_once(conninfo: str) -> str:
    """Ask for the database that is always there, and for an answer soon."""
    return make_conninfo(conninfo, dbname="postgres", connect_timeout=CONNECT_SECONDS_MAX)


def _is_in_recovery(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    return bool(row and row[0])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def address(server: Server) -> str:
    """Return the conninfo by which a standby of this machine reaches the server."""
    return f"host={server.socket_folder} port={postgres.PORT} user={server.owner}"
