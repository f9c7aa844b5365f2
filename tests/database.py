"""The databases of a test run: migrated once, copied for everybody, wiped in milliseconds.

A migrated cluster is kept between runs in `.pytest_cache`, named by a hash of all that made
it. A run copies it into its own folder, starts one server there, and gives each worker a
database made from the migrated one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from functools import lru_cache
from pathlib import Path
from typing import Final

import psutil
import psycopg
from psycopg import sql

from marketdata import calendars
from tests.patience import DEADLINE_SECONDS
from trading import postgres
from trading.settings import BASE_DIR, POSTGRES_OWNER, postgres_socket_folder

CACHE: Final = BASE_DIR / ".pytest_cache" / "openfloor"
CLUSTERS_KEPT_MAX: Final = 3
TEMPLATE: Final = "openfloor"
_LIST: Final = """
import django
django.setup()
from django.utils import timezone
from django.conf import settings
from marketdata.history import first_data
first_data.load(now=timezone.now(), path=settings.INSTRUMENTS)
"""
# What running programs trade: each instrument more costs a past, and a part of a processor.
INSTRUMENTS: Final = Path(__file__).with_name("live_instruments.csv")
# What migrate writes by itself and no test changes.
LEFT_ALONE: Final = ("django_migrations", "django_content_type", "auth_permission")


def server_at(home: Path) -> postgres.Server:
    """Return the server of the data folder `home`, set to be fast rather than durable."""
    return postgres.Server(
        data=home / "postgres",
        socket_folder=postgres_socket_folder(home),
        owner=POSTGRES_OWNER,
        database=TEMPLATE,
        durable=False,
    )


def place_cluster(home: Path, *, has_market: bool = False) -> None:
    """Put a migrated cluster into `home`, unless it has one.

    With `has_market` the INSTRUMENTS are listed and have their past, which takes a program the
    longest at its first start.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _locked(home / "cluster.lock"):
        if (home / "postgres").exists():
            return
        CACHE.mkdir(parents=True, exist_ok=True)
        with _locked(CACHE / "lock"):
            cluster = _cluster()
            if has_market:
                cluster = _cluster_with_market(cluster)
            unfinished = home / "postgres.copy"
            subprocess.run(["cp", "-a", str(cluster), str(unfinished)], check=True)
            unfinished.chmod(0o700)
            unfinished.rename(home / "postgres")


def make_database(server: postgres.Server, name: str) -> None:
    """Give `server` a fresh copy of the migrated database called `name`."""
    with psycopg.connect(f"{server.conninfo} dbname=postgres", autocommit=True) as connection:
        database, template = sql.Identifier(name), sql.Identifier(TEMPLATE)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(database, template)
        )


def abandon(home: Path) -> None:
    """End the server of `home` at once, if one runs: its data is not needed again."""
    try:
        pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        server = psutil.Process(pid)
        if server.cwd() == str(home / "postgres"):
            server.send_signal(signal.SIGQUIT)
            server.wait(DEADLINE_SECONDS)
    except (FileNotFoundError, psutil.NoSuchProcess):
        pass
    shutil.rmtree(postgres_socket_folder(home), ignore_errors=True)


def wipe(conninfo: str) -> None:
    """Delete every committed row but what the migrations put in, as the owner.

    Waits a few seconds for threads that are still at work; raises when one holds its locks.
    """
    connection = _owner(conninfo)
    tables, kept = _tables(conninfo)
    look = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(t, sql.Identifier(t))
        for t in tables
    )
    with connection.transaction():
        filled = {table for (table,) in connection.execute(look, prepare=True)}
        for table in sorted(filled | set(kept)):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        for table in kept:
            connection.execute(
                sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{}").format(
                    sql.Identifier(table), sql.Identifier(table)
                )
            )


@lru_cache
def _owner(conninfo: str) -> psycopg.Connection:
    """Return a connection that is kept: a new one learns of a hundred tables before it wipes any.

    As a replica the server fires no triggers: not those of append-only tables, not keys'.
    """
    connection = psycopg.connect(conninfo, autocommit=True)
    connection.execute("SET session_replication_role = replica; SET lock_timeout = '10s'")
    return connection


def leave(conninfo: str) -> None:
    """Let go of the connection that wipes, as its server is about to stop."""
    _owner(conninfo).close()
    _owner.cache_clear()


@lru_cache
def _tables(conninfo: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tables that tests fill, and those of them that migrations filled before."""
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'kept')"
        ).fetchall()
    return (
        tuple(sorted(t for schema, t in rows if schema == "public" and t not in LEFT_ALONE)),
        tuple(sorted(t for schema, t in rows if schema == "kept")),
    )


def _fingerprint() -> str:
    digest = hashlib.sha256()
    sources = [*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("*/*/migrations/*.py")]
    sources += [BASE_DIR / "requirements.txt", BASE_DIR / "foundation" / "append_only.py"]
    sources += [BASE_DIR / "trading" / "postgres.py", Path(__file__), INSTRUMENTS]
    for source in sorted(sources):
        digest.update(str(source.relative_to(BASE_DIR)).encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def _cluster() -> Path:
    cluster = CACHE / f"cluster-{_fingerprint()}"
    if not cluster.exists():
        _make(cluster, None, ["manage.py", "migrate", "--verbosity=0"])
    cluster.touch()
    return cluster


def _cluster_with_market(migrated: Path) -> Path:
    """Return the cluster of today: a past that ends another day is no first start's."""
    today = calendars.date_of(datetime.now(UTC))
    cluster = migrated.with_name(f"{migrated.name.replace('cluster', 'market')}-{today}")
    if not cluster.exists():
        for outdated in CACHE.glob("market-*"):
            shutil.rmtree(outdated)
        _make(cluster, migrated, ["-c", _LIST])
    return cluster


def _make(cluster: Path, origin: Path | None, program: list[str]) -> None:
    """Make a cluster, a copy of `origin` or a new one, by a program, and put it at `cluster`."""
    home = Path(tempfile.mkdtemp(prefix="openfloor-template-"))
    try:
        if origin:
            subprocess.run(["cp", "-a", str(origin), str(home / "postgres")], check=True)
        with server_at(home) as server:
            finished = subprocess.run(
                [sys.executable, *program],
                cwd=BASE_DIR,
                env=program_environment(home) | {"DJANGO_SETTINGS_MODULE": "trading.settings"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
            if finished.returncode:
                raise RuntimeError(f"{program} fails:\n{finished.stderr[-4000:]}")
            if origin is None:
                _keep_what_migrations_wrote(server.conninfo)
        subprocess.run(["cp", "-a", str(home / "postgres"), f"{cluster}.unfinished"], check=True)
        Path(f"{cluster}.unfinished").rename(cluster)
    finally:
        shutil.rmtree(home)
        shutil.rmtree(f"{cluster}.unfinished", ignore_errors=True)
    made = sorted(CACHE.glob("cluster-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for outdated in made[CLUSTERS_KEPT_MAX:]:
        shutil.rmtree(outdated)


def _keep_what_migrations_wrote(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA kept")
        for table in _tables(conninfo)[0]:
            row = connection.execute(
                sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table))
            ).fetchone()
            if row and row[0]:
                connection.execute(
                    sql.SQL("CREATE TABLE kept.{} AS TABLE public.{}").format(
                        sql.Identifier(table), sql.Identifier(table)
                    )
                )
        connection.execute("VACUUM (FREEZE, ANALYZE)")
    _tables.cache_clear()


def program_environment(home: Path) -> dict[str, str]:
    """Return the environment of the real program with its data in `home`."""
    ours = ("OPENFLOOR_", "DJANGO_", "PYTEST_", "DATABASE_URL", "REDIS_URL", "PORT", "PRODUCTION")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {
        **environment,
        "OPENFLOOR_HOME": str(home),
        "INSTRUMENTS": str(INSTRUMENTS),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        flock(file, LOCK_EX)
        yield
