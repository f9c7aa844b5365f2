"""Whoever owns the database may turn its guards off and change what was written: it is found.

The world is made and sealed once; each test touches it as the owner, and puts it back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings
from django.utils import timezone
from psycopg import sql

from reconciliation.models import Seal
from reconciliation.proof import exporting, listing, proving, sealed, sealing
from reconciliation.proof.listing import Table
from reconciliation.proof.replay import Touched
from tests import database, world
from tests.sealing import nothing, trade
from trading.settings import BASE_DIR

FIRST = date(2026, 11, 16)
GUARDED = {
    table
    for migration in [*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("*/*/migrations/*.py")]
    for table in re.findall(r'AppendOnly\("(\w+)"\)', migration.read_text())
}
LISTED = sorted(
    table
    for table in GUARDED
    if not table.startswith("exchange_") and table not in (*listing.SEALS, listing.CHAINS)
)
SAMPLES: dict[str, object] = {
    "timestamp with time zone": "2026-11-16T12:00:00Z",
    "date": "2026-11-16",
    "boolean": True,
    "jsonb": {},
    "inet": "192.0.2.1",
    "ARRAY": [],
    "bytea": r"\x00",
}
VALID: dict[str, dict[str, object]] = {
    "accounts_approvaldecision": {"outcome": "over"},  # by nobody, as the sample is
    "portfolio_lotadjustment": {"quantity": 0, "cost": 0},
}
"""What makes a sample one that could be, and harmless to the books."""


class Owner:
    """The owner of the database, who has turned all triggers off."""

    def __init__(self, conninfo: str) -> None:
        self.connection = psycopg.connect(conninfo, autocommit=True)
        self.connection.execute("SET session_replication_role = replica")
        self.columns: dict[str, list[tuple[str, str, bool]]] = {}
        for table, column, kind, may_be_null in self.connection.execute(
            """SELECT table_name, column_name, data_type,
                      is_nullable = 'YES' OR is_generated <> 'NEVER'
                 FROM information_schema.columns WHERE table_schema = 'public'
                ORDER BY table_name, ordinal_position"""
        ):
            self.columns.setdefault(table, []).append((column, kind, may_be_null))

    def first(self, table: Table) -> dict[str, Any] | None:
        """Return the first row of a table, as JSON has it."""
        query = "SELECT row_to_json(t) FROM {} t ORDER BY {} LIMIT 1"
        row = self._run(query, table.name, table.key).fetchone()
        return row and row[0]

    def write(self, table: Table, row: dict[str, Any]) -> None:
        self._run(
            "INSERT INTO {0} OVERRIDING SYSTEM VALUE"
            " SELECT (json_populate_record(NULL::{0}, %s)).*",
            table.name,
            parameters=[json.dumps(row)],
        )

    def delete(self, table: Table, key: object) -> None:
        self._run(
            "DELETE FROM {} WHERE {}::text = %s", table.name, table.key, parameters=[str(key)]
        )

    def make(self, table: Table) -> None:
        """Write a row of samples into a table that has none."""
        row = {
            # No two columns name the same: what takes two people is refused to one.
            column: str(UUID(int=place)) if kind == "uuid" else SAMPLES.get(kind, 1)
            for place, (column, kind, may_be_null) in enumerate(self.columns[table.name], 1)
            if not may_be_null
        }
        self.write(table, row | VALID.get(table.name, {}))
        # The number of the sample is taken: the program's next row of the table has another.
        self.connection.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)::regclass)", [table.name, table.key]
        )

    def unique(self, table: Table) -> set[str]:
        """Return the columns that some unique constraint looks at."""
        rows = self.connection.execute(
            """SELECT a.attname FROM pg_index i JOIN pg_attribute a
                   ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
                WHERE i.indrelid = %s::regclass AND i.indisunique""",
            [table.name],
        )
        return {name for (name,) in rows}

    @contextmanager
    def changed(self, table: Table, column: str = "") -> Iterator[str]:
        """Change one column of the first row: this, or whichever the constraints let be changed."""
        row = self.first(table)
        assert row
        self.delete(table, row[table.key])
        try:
            self._write_other(table, row, column)
            yield str(row[table.key])
        finally:
            self.delete(table, row[table.key])
            self.write(table, row)

    def _write_other(self, table: Table, row: dict[str, Any], wanted: str) -> None:
        for column, kind, _ in reversed(self.columns[table.name]):
            if column == table.key or wanted not in ("", column):
                continue
            other = {**row, column: another(row[column], kind)}
            try:
                self.write(table, other)
            except psycopg.Error:
                continue
            return
        raise AssertionError(f"nothing of {table.name} can be changed")

    @contextmanager
    def deleted(self, table: Table) -> Iterator[str]:
        row = self.first(table)
        assert row
        self.delete(table, row[table.key])
        try:
            yield str(row[table.key])
        finally:
            self.write(table, row)

    @contextmanager
    def inserted(self, table: Table) -> Iterator[str]:
        """Put a copy of the first row before it."""
        row = self.first(table)
        assert row
        kinds = {column: kind for column, kind, _ in self.columns[table.name]}
        low = {"uuid": "00000000-0000-0000-0000-000000000000", "date": "1900-01-01"}
        key = low.get(kinds[table.key], -1)
        for columns in subsets(self.unique(table) - {table.key}):
            other = {column: another(row[column], kinds[column]) for column in columns}
            try:
                self.write(table, {**row, **other, table.key: key})
            except psycopg.Error:
                continue
            break
        else:
            raise AssertionError(f"nothing can be added to {table.name}")
        try:
            yield str(key)
        finally:
            self.delete(table, key)

    def _run(self, query: str, *names: str, parameters: Any = None) -> psycopg.Cursor[Any]:
        composed = sql.SQL(query).format(*map(sql.Identifier, names))  # type: ignore[arg-type]
        return self.connection.execute(composed, parameters)


def subsets(names: set[str]) -> list[set[str]]:
    """Return what may have to be otherwise in a copy: as little as does, one, or all of it."""
    return [set(), *({name} for name in sorted(names)), names]


def another(value: Any, kind: str) -> Any:
    """Return a value of the kind that is not this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value - 1 if value > 1 else value + 1
    if kind == "jsonb":
        return {"another": value}
    if kind == "bytea":
        return r"\x01"
    if kind == "ARRAY":
        return ["~"]
    if kind in ("uuid", "date", "timestamp with time zone", "inet"):
        second = {
            "uuid": "5b1c1b7e-0000-4000-8000-000000000002",
            "date": "1999-01-02",
            "timestamp with time zone": "1999-01-02T00:00:00Z",
            "inet": "192.0.2.2",
        }
        return second[kind]
    if kind in ("integer", "bigint", "smallint", "numeric"):
        return 7
    return "~" if value != "~" else "!"


@pytest.fixture(scope="module")
def owner(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Owner]:
    """A world with a row in every table that is listed, sealed on three days."""
    at = settings.DATABASES["owner"]
    conninfo = f"host={at['HOST']} port={at['PORT']} user={at['USER']} dbname={at['NAME']}"
    folder = tmp_path_factory.mktemp("sealed") / "seals"
    with override_settings(SEALS=folder), django_db_blocker.unblock():
        try:
            made = Owner(conninfo)
            world.instrument()
            account, venue = world.customer(cash="100000.00"), world.Venue()
            trade(account, venue)
            for table in listing.tables():
                if made.first(table) is None:
                    made.make(table)
            seal_day(0)
            trade(account, venue)
            seal_day(1)
            seal_day(2)
            yield made
        finally:
            made.connection.close()
            connections.close_all()
            database.wipe(conninfo)


def seal_day(day: int) -> None:
    sealing.run(day=FIRST + timedelta(days=day), now=timezone.now(), progress=nothing)


def found() -> set[tuple[str, str]]:
    """Return the table and key of every sealed row that is not as it was."""
    seals = list(Seal.objects.order_by("number"))
    floors = {entry["table"]: entry["through"] for entry in seals[-2].content["tables"]}
    with sealing.snapshot():
        touched = [t for seal in seals for t in sealed.rows(seal, count=lambda more: None)]
        touched += sealed.added(tables=listing.described(LISTED), floors=floors)
    connections.close_all()
    return {(each.table, each.key) for each in touched}


def test_every_guarded_table_is_listed(owner: Owner) -> None:
    """What a migration guards is listed, unless a later one has dropped it."""
    there = [table for table in LISTED if table in owner.columns]
    assert [table.name for table in listing.tables()] == there
    assert len(there) > 40


@pytest.mark.parametrize("touch", ["changed", "deleted", "inserted"])
def test_a_touched_row_of_every_table_is_found_and_named(owner: Owner, touch: str) -> None:
    tables = listing.described(LISTED)
    if touch == "inserted":
        # What has a key by chance may have come honestly since the last seal.
        tables = [t for t in tables if t.rising]
        assert len(tables) > 40
    assert found() == set()
    expected = set()
    undo = []
    try:
        for table in tables:
            touched = getattr(owner, touch)(table)
            expected.add((table.name, touched.__enter__()))
            undo.append(touched)
        assert found() == expected
    finally:
        for touched in reversed(undo):
            touched.__exit__(None, None, None)
    assert found() == set()


CASES = [
    ("portfolio_transfer", "amount"),
    ("orders_trade", "price"),
    ("orders_historicalorder", "status"),
    ("risk_decision", "message"),
    ("accounts_activity", "actor"),
    ("accounts_activity", None),
    ("reconciliation_seal", "signature"),
    ("reconciliation_seal", "digest"),
    ("reconciliation_seal", "content"),
    ("reconciliation_seal", None),
    ("reconciliation_sealedblock", "keys"),
    ("reconciliation_owedblock", "amounts"),
    ("reconciliation_owedblock", "total"),
    ("portfolio_balance", "amount"),
    ("portfolio_balance", None),
    ("portfolio_position", "quantity"),
    ("portfolio_lot", "cost_basis"),
    ("orders_order", "status"),
    ("orders_order", None),
]
"""A table, and what is changed of its first row; None: the row goes."""


@pytest.mark.parametrize(("name", "column"), CASES)
def test_what_was_touched_is_named(owner: Owner, name: str, column: str | None) -> None:
    [table] = listing.described([name])
    touch = owner.deleted(table) if column is None else owner.changed(table, column)
    with touch as key:
        named = proved()
    assert named
    if name == "accounts_activity":
        assert named[0].table == name
        assert "activity" in named[0].what
    elif name in ("reconciliation_sealedblock", "reconciliation_owedblock"):
        assert name in {each.table for each in named}
    else:
        assert (named[0].table, named[0].key) == (name, key)


@pytest.mark.parametrize("name", ["portfolio_transfer", "orders_trade"])
def test_a_list_whose_keys_cannot_be_read_is_named(owner: Owner, name: str) -> None:
    update = (
        "UPDATE reconciliation_sealedblock SET keys = %s WHERE id ="
        ' (SELECT min(id) FROM reconciliation_sealedblock WHERE "table" = %s)'
        " RETURNING (SELECT keys FROM reconciliation_sealedblock b WHERE b.id ="
        ' (SELECT min(id) FROM reconciliation_sealedblock WHERE "table" = %s))'
    )
    [(honest,)] = owner.connection.execute(update, ["~", name, name]).fetchall()
    try:
        named = proved()
    finally:
        owner.connection.execute(update, [honest, name, name])
    assert named[0].table == "reconciliation_sealedblock"
    assert named[0].key.startswith(f"{name} ")


def test_an_honest_past_is_proved_by_the_command(owner: Owner) -> None:
    shown = StringIO()
    call_command("prove", stdout=shown, stderr=StringIO())
    assert shown.getvalue().startswith("Proved: 3 seals, ")


def test_the_command_names_what_was_touched_first_and_fails(owner: Owner) -> None:
    [table] = listing.described(["portfolio_transfer"])
    shown = StringIO()
    with owner.changed(table, "amount") as key, pytest.raises(CommandError):
        call_command("prove", stdout=shown, stderr=StringIO())
    connections.close_all()
    first = shown.getvalue().splitlines()[0]
    assert first == f"touched first: portfolio_transfer {key}: is not what was sealed on {FIRST}"


def test_money_from_nowhere_is_found_though_no_seal_knows_of_it(owner: Owner) -> None:
    [table] = listing.described(["portfolio_transfer"])
    row = owner.first(table)
    assert row
    owner.write(table, {**row, "id": 10**9, "reference": "nobody:knows"})
    try:
        assert {"portfolio_balance"} == {each.table for each in proved()[:1]}
    finally:
        owner.delete(table, 10**9)


def test_a_guard_that_was_turned_off_is_found(owner: Owner) -> None:
    turn = "ALTER TABLE risk_decision {} TRIGGER append_only"
    owner.connection.execute(turn.format("DISABLE"))  # type: ignore[call-overload]
    try:
        assert [str(each) for each in proved()] == [
            "risk_decision: its guard against changes is off"
        ]
    finally:
        owner.connection.execute(turn.format("ENABLE"))  # type: ignore[call-overload]


def test_files_that_differ_from_the_table_are_found(owner: Owner) -> None:
    path = exporting.file_of(2)
    honest = path.read_text()
    try:
        path.write_text(honest.replace("2026-11-17", "2026-11-18"))
        assert [str(each) for each in proved()] == [
            "reconciliation_seal 2: its file says something else"
        ]
        path.write_text("{")
        assert [each.key for each in proved()] == ["2"]
        path.unlink()
        assert [str(each) for each in proved()] == ["reconciliation_seal 2: its file is missing"]
        path.write_text(honest)
        path.with_name("00000004.json").write_text(honest)
        assert [str(each) for each in proved()] == [
            "reconciliation_seal 4: was exported, and is not in the table"
        ]
    finally:
        path.write_text(honest)
        path.with_name("00000004.json").unlink(missing_ok=True)
    assert proved() == []


def test_a_past_that_was_written_anew_and_sealed_with_another_key_is_found(owner: Owner) -> None:
    with override_settings(SEAL_KEY="somebody else's secret, long enough"):
        named = {str(each) for each in proved()}
    key = Seal.objects.get(number=1).key
    connections.close_all()
    assert named == {
        f"reconciliation_seal {number}: it is signed with the key {key}, which nobody vouches for"
        for number in (1, 2, 3)
    }


def proved() -> list[Touched]:
    """Return what a proof finds."""
    found = proving.prove(now=timezone.now(), progress=nothing).findings
    connections.close_all()
    return list(found)
