"""Many rows in one statement: how the order path writes.

The ORM's `bulk_create` costs several times what PostgreSQL does; COPY takes the instances
as they are. Values are what the model's fields hold in Python; JSON fields are wrapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models
from psycopg import sql
from psycopg.types.json import Jsonb


@lru_cache
def _columns(model: type[models.Model]) -> tuple[tuple[str, str, bool], ...]:
    """Return (attribute, column, is JSON) of every field that the database does not make."""
    return tuple(
        (field.attname, field.column, isinstance(field, models.JSONField))
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField)
    )


def insert(rows: Sequence[models.Model]) -> None:
    """Insert `rows`, all of one model, with one COPY. Automatic keys are left to the database."""
    if not rows:
        return
    model = type(rows[0])
    columns = _columns(model)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(",").join(sql.Identifier(column) for _, column, _ in columns),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row(
                [
                    Jsonb(value) if is_json and value is not None else value
                    for value, is_json in (
                        (getattr(row, attribute), is_json) for attribute, _, is_json in columns
                    )
                ]
            )


def update(rows: Sequence[models.Model], *, fields: Iterable[str]) -> None:
    """Set `fields` of `rows`, all of one model, from the instances, with one UPDATE."""
    if not rows:
        return
    model = type(rows[0])
    key = model._meta.pk
    changed = [model._meta.get_field(name) for name in fields]
    typed: list[tuple[Any, str, str]] = [
        (
            field.attname,
            field.column,
            field.rel_db_type(connection) if field.is_relation else field.db_type(connection),
        )
        for field in [key, *changed]
    ]
    arrays = [[getattr(row, attribute) for row in rows] for attribute, _, _ in typed]
    statement = sql.SQL("UPDATE {} AS t SET {} FROM unnest({}) AS v({}) WHERE t.{} = v.{}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(",").join(
            sql.SQL("{} = v.{}").format(sql.Identifier(column), sql.Identifier(column))
            for _, column, _ in typed[1:]
        ),
        sql.SQL(",").join(sql.SQL("%s::{}[]").format(sql.SQL(kind)) for _, _, kind in typed),
        sql.SQL(",").join(sql.Identifier(column) for _, column, _ in typed),
        sql.Identifier(typed[0][1]),
        sql.Identifier(typed[0][1]),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, arrays)
