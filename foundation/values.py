"""Values of many fields, made thousands of times a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, dataclass_transform, overload

T = TypeVar("T")

USUALLY: Final = "usually"


def usually(what: object) -> Any:
    """Say what a field mostly is, which has to be given all the same: there is no default."""
    return field(metadata={USUALLY: what})


@overload
def value(kind: type[T]) -> type[T]: ...


@overload
def value(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(usually,))
def value(
    kind: type[T] | None = None, *, kw_only: bool = False
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a dataclass that nobody changes, and whose instances cost little to make.

    The type checker holds that it is frozen. At run time nothing does: a frozen dataclass sets
    each field by a call of its own, so that one of forty fields takes three times as long.
    """
    make = dataclass(slots=True, unsafe_hash=True, kw_only=kw_only)
    return make if kind is None else make(kind)
