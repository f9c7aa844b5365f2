"""Many rows in one statement: how the order path reads and writes.

The ORM composes every query anew and `bulk_create` costs several times what PostgreSQL does.
Here a statement is composed once for each model and prepared on the server. Rows go there as one
parameter, a JSON array, which costs the least of all ways in Python and is no slower than COPY on
the server (measured in ADR 6). In it numbers are decimal text, columns have their place for a name,
and what is NULL is left out, as is an empty text or a false where there is no NULL: the server pays
for every letter that it reads. Numbers are always there, as none must pass for a zero. Values are
what the model's fields hold in Python; a JSON field may also hold dataclasses, which become
objects.

Inside `trips.together()` nothing waits before an answer is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, LiteralString, NamedTuple, TypeVar

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState
from psycopg import sql

from foundation import decimals, trips
from foundation.trips import Answer

M = TypeVar("M", bound=models.Model)
Values = tuple[Any, ...]


class _Column(NamedTuple):
    attribute: str
    name: str
    type: sql.SQL
    is_json: bool
    is_automatic: bool
    nothing: sql.SQL
    """What stands in the column when no value is sent."""


_NULL: Final = sql.SQL("NULL")
_FALSE: Final = sql.SQL("false")
_EMPTY: Final = sql.SQL("''")


def _nothing(field: models.Field[Any, Any]) -> sql.SQL:
    if not field.null and isinstance(field, models.BooleanField):
        return _FALSE
    if not field.null and isinstance(field, models.CharField | models.TextField):
        return _EMPTY
    return _NULL


@lru_cache
def _columns(model: type[models.Model]) -> dict[str, _Column]:
    """Return the model's columns by field name; a foreign key has the type of what it names."""
    return {
        field.name: _Column(
            attribute=field.attname,
            name=str(field.column),
            type=sql.SQL(str(field.rel_db_type(connection))),
            is_json=isinstance(field, models.JSONField),
            is_automatic=isinstance(field, models.AutoField),
            nothing=_nothing(field),
        )
        for field in model._meta.concrete_fields
    }


def execute(statement: LiteralString, parameters: Sequence[Any] = ()) -> list[Values]:
    """Run a statement and return its rows if it has any."""
    return trips.send(statement, parameters).get()


def select(model: type[M], clause: LiteralString, parameters: Sequence[Any]) -> list[M]:
    """Return the rows of `model` for which `clause` (what follows WHERE) holds."""
    return ask(model, clause, parameters).get()


def ask(model: type[M], clause: LiteralString, parameters: Sequence[Any]) -> Answer[list[M]]:
    """Ask for the rows of `model` for which `clause` (what follows WHERE) holds."""
    answer = trips.send(_selection(model, clause), parameters)
    return Answer(lambda: _instances(model, answer.get()))


def new(model: type[M], **values: Any) -> M:
    """Return what `model(**values)` does, for a tenth of what that costs.

    Values have the names of attributes (`account_id`, not `account`); what is not given has its
    default. No signals are sent.
    """
    given = _defaults(model)
    attributes = given.constant | values
    for name, default in given.made:
        if name not in values:
            attributes[name] = default()
    return _instance(model, attributes, is_stored=False)


def relate(row: models.Model, field: str, other: models.Model) -> None:
    """Let `row.FIELD` be `other`, whose key the row has already; Django's way checks much more."""
    row._state.fields_cache[field] = other


def insert(rows: Sequence[models.Model], *, skips_known: bool = False) -> None:
    """Insert `rows`, all of one model, in order. Automatic keys are left to the database.

    With `skips_known`, a row that a unique constraint refuses is left out.
    """
    if rows:
        attributes = _written(type(rows[0]))
        values = map(attrgetter(*attributes), rows)
        insert_values(type(rows[0]), attributes, values, skips_known=skips_known)


def insert_values(
    model: type[models.Model],
    attributes: tuple[str, ...],
    rows: Iterable[Values],
    *,
    skips_known: bool = False,
) -> None:
    """Insert rows of `model`, in order, given as the values of `attributes`."""
    statement, shape = _insertion(model, attributes, skips_known)
    trips.send(statement, [_json(rows, shape)])


def insert_recorded(
    model: type[models.Model],
    attributes: tuple[str, ...],
    rows: Iterable[Values],
    *,
    record: type[models.Model],
    more: tuple[str, ...],
) -> None:
    """Insert rows of `model` and, for each, one of `record`, in order and in one statement.

    `record` has all `attributes` of the model, and `more`: a row has first those, then these.
    """
    statement, shape = _recorded_insertion(model, attributes, record, more)
    trips.send(statement, [_json(rows, shape)])


@lru_cache
def _written(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(c.attribute for c in _columns(model).values() if not c.is_automatic)


def update(rows: Sequence[models.Model], *, fields: tuple[str, ...]) -> None:
    """Set `fields` of `rows`, all of one model, from the instances, with one UPDATE."""
    if rows:
        statement, shape, values_of = _update(type(rows[0]), fields)
        trips.send(statement, [_json(map(values_of, rows), shape), len(rows)])


class _Shape(NamedTuple):
    """The names of columns in JSON, and those of which an empty value is one."""

    places: tuple[str, ...]
    exact: frozenset[str]


def _shape(columns: Sequence[_Column]) -> _Shape:
    places = _PLACES[: len(columns)]
    exact = (place for place, c in zip(places, columns, strict=True) if c.nothing is _NULL)
    return _Shape(places, frozenset(exact))


def _json(rows: Iterable[Values], shape: _Shape) -> bytes:
    places, exact = shape
    given = [
        {
            place: value
            for place, value in zip(places, row, strict=True)
            if value or (value is not None and place in exact)
        }
        for row in rows
    ]
    return orjson.dumps(given, default=decimals.text)


def _instances(model: type[M], rows: Iterable[Values]) -> list[M]:
    """Return instances as `Model.from_db` does, but that no field converts what was read."""
    columns = list(_columns(model).values())
    names = [column.attribute for column in columns]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for name in (column.attribute for column in columns if column.is_json):
        for values in found:
            values[name] = orjson.loads(values[name] or "null")
    return [_instance(model, values, is_stored=True) for values in found]


def _instance(model: type[M], values: dict[str, Any], *, is_stored: bool) -> M:
    instance = model.__new__(model)
    instance.__dict__ = values
    instance._state = state = ModelState()
    if is_stored:
        state.db, state.adding = DEFAULT_DB_ALIAS, False
    return instance


class _Defaults(NamedTuple):
    constant: dict[str, Any]
    made: tuple[tuple[str, Callable[[], Any]], ...]


@lru_cache
def _defaults(model: type[models.Model]) -> _Defaults:
    fields = model._meta.concrete_fields
    made = {f.attname: f.default for f in fields if f.has_default() and callable(f.default)}
    constant = {f.attname: f.get_default() for f in fields if f.attname not in made}
    return _Defaults(constant, tuple(made.items()))


@lru_cache
def _selection(model: type[models.Model], clause: LiteralString) -> bytes:
    selection = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(",").join(sql.Identifier(column.name) for column in _columns(model).values()),
        sql.Identifier(model._meta.db_table),
        sql.SQL(clause),
    )
    return selection.as_bytes(None)


_PLACES: Final = tuple(str(place) for place in range(200))


def _given(columns: Sequence[_Column]) -> sql.Composed:
    """Return the one parameter as rows of these columns, called `v`, each by its place.

    What holds JSON is read once as `jsonb`, all else in less as the text that it is.
    """
    kind = sql.SQL("jsonb" if any(column.is_json for column in columns) else "json")
    defined = sql.SQL(",").join(
        sql.SQL("{} {}").format(sql.Identifier(place), column.type)
        for place, column in zip(_PLACES[: len(columns)], columns, strict=True)
    )
    return sql.SQL("{kind}_to_recordset(%s::{kind}) AS v({defined})").format(
        kind=kind, defined=defined
    )


def _value(place: str, column: _Column) -> sql.Composable:
    """Return what a column of `v` says, or what stands for nothing there."""
    given = sql.SQL("v.{}").format(sql.Identifier(place))
    if column.nothing is _NULL:
        return given
    return sql.SQL("coalesce({}, {})").format(given, column.nothing)


def _values(columns: Sequence[_Column]) -> sql.Composable:
    placed = zip(_PLACES[: len(columns)], columns, strict=True)
    return sql.SQL(",").join(_value(place, column) for place, column in placed)


def _names(columns: Sequence[_Column]) -> sql.Composable:
    return sql.SQL(",").join(sql.Identifier(column.name) for column in columns)


def _chosen(model: type[models.Model], attributes: tuple[str, ...]) -> list[_Column]:
    by_attribute = {column.attribute: column for column in _columns(model).values()}
    return [by_attribute[attribute] for attribute in attributes]


@lru_cache
def _insertion(
    model: type[models.Model], attributes: tuple[str, ...], skips_known: bool
) -> tuple[bytes, _Shape]:
    columns = _chosen(model, attributes)
    statement = sql.SQL("INSERT INTO {table} ({names}) SELECT {values} FROM {given}{but}").format(
        table=sql.Identifier(model._meta.db_table),
        names=_names(columns),
        values=_values(columns),
        given=_given(columns),
        but=sql.SQL(" ON CONFLICT DO NOTHING" if skips_known else ""),
    )
    return statement.as_bytes(None), _shape(columns)


@lru_cache
def _recorded_insertion(
    model: type[models.Model],
    attributes: tuple[str, ...],
    record: type[models.Model],
    more: tuple[str, ...],
) -> tuple[bytes, _Shape]:
    columns = _chosen(model, attributes)
    recorded = [*columns, *_chosen(record, more)]
    statement = sql.SQL(
        "WITH v AS MATERIALIZED (SELECT * FROM {given}),"
        " first AS (INSERT INTO {table} ({names}) SELECT {values} FROM v)"
        " INSERT INTO {record} ({more_names}) SELECT {more_values} FROM v"
    ).format(
        given=_given(recorded),
        table=sql.Identifier(model._meta.db_table),
        names=_names(columns),
        values=_values(columns),
        record=sql.Identifier(record._meta.db_table),
        more_names=_names(recorded),
        more_values=_values(recorded),
    )
    return statement.as_bytes(None), _shape(recorded)


@lru_cache
def _update(
    model: type[models.Model], fields: tuple[str, ...]
) -> tuple[bytes, _Shape, attrgetter[Values]]:
    columns = _columns(model)
    key = next(columns[f.name] for f in model._meta.concrete_fields if f.primary_key)
    changed = [columns[name] for name in fields]
    given = [key, *changed]
    # The limit takes nothing away. Without one the planner counts on a hundred rows, and for that
    # many it reads a table of some thousands from end to end, also where there is one to change.
    statement = sql.SQL(
        "UPDATE {table} AS t SET {set} FROM (SELECT * FROM {given} LIMIT %s) AS v"
        " WHERE t.{key} = v.{first}"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        set=sql.SQL(",").join(
            sql.SQL("{} = {}").format(sql.Identifier(column.name), _value(place, column))
            for place, column in zip(_PLACES[1 : len(given)], changed, strict=True)
        ),
        given=_given(given),
        key=sql.Identifier(key.name),
        first=sql.Identifier(_PLACES[0]),
    )
    values_of = attrgetter(*(column.attribute for column in given))
    return statement.as_bytes(None), _shape(given), values_of
