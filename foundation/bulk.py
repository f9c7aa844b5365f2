"""Many rows in one statement: how the order path writes.

The ORM's `bulk_create` costs several times what PostgreSQL does; COPY takes the instances
as they are. Values are what the model's fields hold in Python; JSON fields are wrapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from django.db import connection, models
from psycopg import sql
from psycopg.types.json import Jsonb


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


def insert(rows: Sequence[models.Model]) -> None:
    """Insert `rows`, all of one model, with one COPY. Automatic keys are left to the database."""
    if not rows:
        return
    model = type(rows[0])
    columns = [c for c in _columns(model).values() if not c.is_automatic]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(",").join(c.name for c in columns)
    )
    values_of = attrgetter(*(c.attribute for c in columns))
    json_at = [place for place, column in enumerate(columns) if column.is_json]
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            values = list(values_of(row))
            for place in json_at:
                values[place] = Jsonb(values[place])
            copy.write_row(values)


def update(rows: Sequence[models.Model], *, fields: Iterable[str]) -> None:
    """Set `fields` of `rows`, all of one model, from the instances, with one UPDATE."""
    if not rows:
        return
    model = type(rows[0])
    columns = _columns(model)
    key = next(columns[f.name] for f in model._meta.concrete_fields if f.primary_key)
    changed = [columns[name] for name in fields]
    given = [key, *changed]
    statement = sql.SQL("UPDATE {} AS t SET {} FROM unnest({}) AS v({}) WHERE t.{} = v.{}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(",").join(sql.SQL("{0} = v.{0}").format(c.name) for c in changed),
        sql.SQL(",").join(c.array_type for c in given),
        sql.SQL(",").join(c.name for c in given),
        key.name,
        key.name,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [[getattr(row, c.attribute) for row in rows] for c in given])
