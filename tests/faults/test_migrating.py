"""Migrating with less work makes what Django's own way makes, to the last column and row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests import database
from trading import postgres
from trading.postgres import Server
from trading.settings import BASE_DIR

_AS_DJANGO_DOES = """
import django
django.setup()
from django.core.management import call_command
from django.core.management.commands.migrate import Command
call_command(Command(), database="owner", verbosity=0)
"""
# Of permissions and roles ours makes more afterwards; the rest is the tests' own.
NOT_MADE_BY_MIGRATIONS = ("auth_group", "auth_group_permissions")


@pytest.fixture
def place(tmp_path) -> Server:
    """A server with one database: what `manage.py migrate` makes."""
    database.place_cluster(tmp_path / "home")
    return database.server_at(tmp_path / "home")


def schema(server: Server, name: str) -> str:
    command = [
        str(postgres.BINARIES / "pg_dump"),
        "--schema-only",
        "--schema=public",
        "--restrict-key=same",
        f"--dbname=host={server.socket_folder} user={server.owner} dbname={name}",
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return finished.stdout


def rows(server: Server, name: str) -> dict[str, int]:
    """Return how many rows each table has."""
    counts = {}
    with psycopg.connect(f"{server.conninfo} dbname={name}") as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        ).fetchall()
        for (table,) in tables:
            if table not in NOT_MADE_BY_MIGRATIONS:
                count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
                [counts[table]] = connection.execute(count).fetchone()
    return counts


def migrate_as_django_does(home: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", _AS_DJANGO_DOES],
        cwd=BASE_DIR,
        env=database.program_environment(home) | {"DJANGO_SETTINGS_MODULE": "trading.settings"},
        stdin=subprocess.DEVNULL,
        check=True,
    )


def test_ours_makes_the_same_tables_with_the_same_rows(place):
    with place:
        with psycopg.connect(
            place.conninfo.replace("dbname=openfloor", "dbname=postgres"), autocommit=True
        ) as connection:
            connection.execute("ALTER DATABASE openfloor RENAME TO ours")
            connection.execute("CREATE DATABASE openfloor")
        migrate_as_django_does(place.data.parent)

        assert schema(place, "ours") == schema(place, "openfloor")
        assert rows(place, "ours") == rows(place, "openfloor")
        assert rows(place, "ours")["django_migrations"] > 50
