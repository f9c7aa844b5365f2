"""Many rows in one statement: how the order path reads and writes.

The ORM composes every query anew and `bulk_create` costs several times what PostgreSQL does.
Here a statement is composed once for each model and prepared on the server; rows come and go
as the model's instances. Values are what the model's fields hold in Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, LiteralString, NamedTuple, TypeVar

import psycopg
from django.db import connection, models
from psycopg import sql
from psycopg.types.json import Jsonb

M = TypeVar("M", bound=models.Model)

FEW: Final = 8
"""Up to so many rows, prepared INSERTs in one round trip are faster than a COPY."""


class _Column(NamedTuple):
    attribute: str
    name: sql.Identifier
    array_type: sql.SQL
    is_json: bool
    is_automatic: bool


@lru_cache
def _columns(model: type[models.Model]) -> dict[str, _Column]:
    """Return the model's columns by field name; a foreign key has the type of what it names."""
    return {
        field.name: _Column(
            attribute=field.attname,
            name=sql.Identifier(field.column or field.attname),
            array_type=sql.SQL(f"%s::{field.rel_db_type(connection)}[]"),
            is_json=isinstance(field, models.JSONField),
            is_automatic=isinstance(field, models.AutoField),
        )
        for field in model._meta.concrete_fields
    }


def execute(statement: LiteralString, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement, prepared on the server, and return its rows if it has any."""
    with _cursor() as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return cursor.fetchall() if cursor.description else []


def select(model: type[M], clause: LiteralString, parameters: Sequence[Any]) -> list[M]:
    """Return the rows of `model` for which `clause` (what follows WHERE) holds.

    For models without JSON fields, whose values need no conversion.
    """
    names = [column.attribute for column in _columns(model).values()]
    with _cursor() as cursor:
        cursor.execute(_selection(model, clause), parameters, prepare=True)
        return [model.from_db(connection.alias, names, row) for row in cursor.fetchall()]


def insert(rows: Sequence[models.Model]) -> None:
    """Insert `rows`, all of one model. Automatic keys are left to the database."""
    if not rows:
        return
    is_few = len(rows) <= FEW
    insertion = _insertion(type(rows[0]), is_few)
    with _cursor() as cursor:
        if is_few:
            cursor.executemany(insertion.statement, [insertion.values_of(row) for row in rows])
            return
        with cursor.copy(insertion.statement) as copy:
            for row in rows:
                copy.write_row(insertion.values_of(row))


def update(rows: Sequence[models.Model], *, fields: tuple[str, ...]) -> None:
    """Set `fields` of `rows`, all of one model, from the instances, with one UPDATE."""
    if not rows:
        return
    statement, attributes = _update(type(rows[0]), fields)
    arrays = [[getattr(row, attribute) for row in rows] for attribute in attributes]
    with _cursor() as cursor:
        cursor.execute(statement, arrays, prepare=True)


@contextmanager
def _cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """Give a cursor of this thread's connection that binds on the server, unlike Django's."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


@lru_cache
def _selection(model: type[models.Model], clause: LiteralString) -> bytes:
    selection = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(",").join(column.name for column in _columns(model).values()),
        sql.Identifier(model._meta.db_table),
        sql.SQL(clause),
    )
    return selection.as_bytes(None)


class _Insertion(NamedTuple):
    statement: bytes
    attributes: attrgetter[tuple[Any, ...]]
    json_at: tuple[int, ...]

    def values_of(self, row: models.Model) -> Sequence[Any]:
        values = self.attributes(row)
        if not self.json_at:
            return values
        wrapped = list(values)
        for place in self.json_at:
            wrapped[place] = Jsonb(values[place])
        return wrapped


@lru_cache
def _insertion(model: type[models.Model], is_few: bool) -> _Insertion:
    columns = [column for column in _columns(model).values() if not column.is_automatic]
    template: LiteralString = (
        "INSERT INTO {table} ({columns}) VALUES ({values})"
        if is_few
        else "COPY {table} ({columns}) FROM STDIN"
    )
    return _Insertion(
        statement=sql.SQL(template)
        .format(
            table=sql.Identifier(model._meta.db_table),
            columns=sql.SQL(",").join(column.name for column in columns),
            values=sql.SQL(",").join([sql.Placeholder()] * len(columns)),
        )
        .as_bytes(None),
        attributes=attrgetter(*(column.attribute for column in columns)),
        json_at=tuple(place for place, column in enumerate(columns) if column.is_json),
    )


@lru_cache
def _update(model: type[models.Model], fields: tuple[str, ...]) -> tuple[bytes, list[str]]:
    columns = _columns(model)
    key = next(columns[f.name] for f in model._meta.concrete_fields if f.primary_key)
    changed = [columns[name] for name in fields]
    given = [key, *changed]
    statement = sql.SQL("UPDATE {} AS t SET {} FROM unnest({}) AS v({}) WHERE t.{} = v.{}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(",").join(sql.SQL("{0} = v.{0}").format(column.name) for column in changed),
        sql.SQL(",").join(column.array_type for column in given),
        sql.SQL(",").join(column.name for column in given),
        key.name,
        key.name,
    )
    return statement.as_bytes(None), [column.attribute for column in given]
