"""How the inputs of a decision are written down, small, and read again to decide once more. Pure.

What has its default is left out: a decision is written with every order, and most of what an order
meets is nothing out of the ordinary.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from types import NoneType
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Unreadable(ValueError):
    """What was written down is not of this shape: it is of another version of us."""


def written(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not at their defaults, by name."""
    kind: Any = type(value)
    shape = _shape(kind)
    given = dict(zip(shape.needed, shape.needed_of(value), strict=True))
    for name, default in shape.others:
        each = getattr(value, name)
        # A number compared with what is none asks abstract classes what that might be.
        if each is not default and (default is None or each != default):
            given[name] = each
    for name in _nested(kind):
        if name in given:
            given[name] = written(given[name])
    return given


def read(kind: type[T], given: Mapping[str, Any]) -> T:
    """Return what `written` has made this of, from JSON. Raises Unreadable."""
    of_kind: Any = kind
    readers = _readers(of_kind)
    try:
        return kind(**{name: readers[name](each) for name, each in given.items()})
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Unreadable(f"{kind.__name__}: {error}") from error


class _Shape(NamedTuple):
    """The fields that have no default, what gets their values, and the others with theirs."""

    needed: tuple[str, ...]
    needed_of: Callable[[Any], tuple[Any, ...]]
    others: tuple[tuple[str, Any], ...]


@cache
def _shape(kind: Any) -> _Shape:
    fields = dataclasses.fields(kind)
    needed = tuple(field.name for field in fields if field.default is dataclasses.MISSING)
    others = tuple((f.name, f.default) for f in fields if f.default is not dataclasses.MISSING)
    return _Shape(needed, _all_of(needed), others)


def _all_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


@cache
def _nested(kind: Any) -> tuple[str, ...]:
    """Return the fields that hold dataclasses."""
    hints = typing.get_type_hints(kind)
    return tuple(
        field.name
        for field in dataclasses.fields(kind)
        if any(map(dataclasses.is_dataclass, typing.get_args(hints[field.name])))
        or dataclasses.is_dataclass(hints[field.name])
    )


@cache
def _readers(kind: Any) -> dict[str, Callable[[Any], Any]]:
    hints = typing.get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}


def _reader(hint: Any) -> Callable[[Any], Any]:
    kinds = [each for each in typing.get_args(hint) or (hint,) if each is not NoneType]
    kind = kinds[0]
    convert: Callable[[Any], Any] = kind
    if kind is datetime:
        convert = datetime.fromisoformat
    elif kind is Decimal:
        convert = _number
    elif dataclasses.is_dataclass(kind):
        nested: Any = kind
        convert = partial(read, nested)
    elif not isinstance(kind, type) or not issubclass(kind, (Enum, bool, int, float, str)):
        raise Unreadable(f"nobody knows how to read {hint}")
    return lambda given: None if given is None else convert(given)


def _number(given: Any) -> Decimal:
    return Decimal(str(given))
