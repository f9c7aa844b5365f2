"""How the inputs of a decision are written down, small, and read again to decide once more. Pure.

What has its default is left out, and what is what it usually is: a decision is written with every
order, and most of what an order meets is nothing out of the ordinary. What is said of a field here
can therefore not change without another version of what is written.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from types import NoneType
from typing import Any, NamedTuple, TypeVar

from foundation.values import USUALLY

T = TypeVar("T")


class Unreadable(ValueError):
    """What was written down is not of this shape: it is of another version of us."""


def written(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not what they are by default or usually."""
    kind: Any = type(value)
    shape = _shape(kind)
    given = dict(zip(shape.needed, shape.needed_of(value), strict=True))
    others = zip(shape.others, shape.ordinary, shape.others_of(value), strict=True)
    given |= {
        name: each
        for name, ordinary, each in others
        # A number compared with what is none asks abstract classes what that might be.
        if each is not ordinary and (ordinary is None or each != ordinary)
    }
    for name in _nested(kind):
        if name in given:
            given[name] = written(given[name])
    return given


def read(kind: type[T], given: Mapping[str, Any]) -> T:
    """Return what `written` has made this of, from JSON. Raises Unreadable."""
    of_kind: Any = kind
    readers = _readers(of_kind)
    try:
        said = {name: readers[name](each) for name, each in given.items()}
        return kind(**_usual(of_kind) | said)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Unreadable(f"{kind.__name__}: {error}") from error


class _Shape(NamedTuple):
    """The fields that are always written, the others with what is not, and what gets their values.

    Always written is what has no default and is nothing usually.
    """

    needed: tuple[str, ...]
    needed_of: Callable[[Any], tuple[Any, ...]]
    others: tuple[str, ...]
    ordinary: tuple[Any, ...]
    others_of: Callable[[Any], tuple[Any, ...]]


@cache
def _shape(kind: Any) -> _Shape:
    fields = dataclasses.fields(kind)
    ordinary = _usual(kind) | {f.name: f.default for f in fields if f.default is not MISSING}
    needed = tuple(field.name for field in fields if field.name not in ordinary)
    others = tuple(ordinary)
    return _Shape(needed, _all_of(needed), others, tuple(ordinary.values()), _all_of(others))


@cache
def _usual(kind: Any) -> dict[str, Any]:
    """Return what fields without a default usually are, by name."""
    said = {field.name: field.metadata for field in dataclasses.fields(kind)}
    return {name: each[USUALLY] for name, each in said.items() if USUALLY in each}


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
