"""Requests and reports as plain JSON values: how they are kept and how a line carries them. Pure.

Of a request what is at its default is left out, as is what came after the version that wrote it:
either then has its default. What a newer version adds is not understood and refused, as nobody may
act on half a request. Reports are whole: people look at them where one cannot be applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from types import NoneType
from typing import Any, Final, NamedTuple, TypeVar, get_args, get_type_hints

from foundation import decimals
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    ReplaceOrder,
    Request,
)

NEW_ORDER: Final = "new"
CANCEL_ORDER: Final = "cancel"
REPLACE_ORDER: Final = "replace"

Plain = dict[str, Any]
T = TypeVar("T")


class UnreadableMessage(ValueError):
    """These values are no request or report that is known here."""


def request_to_plain(request: Request) -> tuple[str, Plain]:
    """Return the request's kind and its content."""
    match request:
        case NewOrder():
            kind = NEW_ORDER
        case CancelOrder():
            kind = CANCEL_ORDER
        case ReplaceOrder():
            kind = REPLACE_ORDER
    return kind, _plain(request)


def request_from_plain(kind: str, content: Mapping[str, Any]) -> Request:
    """Return what `request_to_plain` wrote. Raises UnreadableMessage."""
    if kind not in _REQUESTS:
        raise UnreadableMessage(f"there is no request {kind!r}")
    return _read(_REQUESTS[kind], content)


def report_to_plain(report: ExecutionReport) -> Plain:
    return _plain(report)


def report_from_plain(content: Mapping[str, Any]) -> ExecutionReport:
    """Return what `report_to_plain` wrote. Raises UnreadableMessage."""
    return _read(ExecutionReport, content)


def _plain(message: Request | ExecutionReport) -> Plain:
    # `dataclasses.asdict` copies deeply, and messages are flat.
    shape = _SHAPES[type(message)]
    said = zip(shape.readers, shape.values_of(message), shape.unsaid, strict=True)
    return {
        name: value if type(value) in _AS_THEY_ARE else _written(value)
        for name, value, unsaid in said
        if value is not unsaid and (unsaid is MISSING or unsaid is None or value != unsaid)
    }


_AS_THEY_ARE: Final = frozenset({str, bool, int, NoneType})


def _written(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return decimals.text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def _read(of: type[T], content: Mapping[str, Any]) -> T:
    readers = _SHAPES[of].readers
    try:
        return of(**{name: readers[name](value) for name, value in content.items()})
    except KeyError as error:
        raise UnreadableMessage(f"{of.__name__} has no {error}") from error
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise UnreadableMessage(str(error)) from error


def _exactly(wanted: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not wanted:
            raise TypeError(f"{value!r} is no {wanted.__name__}")
        return value

    return read


def _number(value: Any) -> Decimal:
    """Read a number that is written as a text, as every exact number is."""
    number = Decimal(_exactly(str)(value))
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    return number


def _time(value: Any) -> datetime:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(f"{value!r} does not say where it is that late")
    return at


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return what reads a field of this type."""
    alternatives = [each for each in get_args(hint) if each is not NoneType]
    if alternatives:
        [one] = alternatives
        read = _reader(one)
        return lambda value: None if value is None else read(value)
    if hint is Decimal:
        return _number
    if hint is datetime:
        return _time
    known: type = hint
    return known if issubclass(known, Enum) else _exactly(known)


class _Shape(NamedTuple):
    """The fields of a message, in order: what reads each, what gets all, and what is left out."""

    readers: Mapping[str, Callable[[Any], Any]]
    values_of: Callable[[Any], tuple[Any, ...]]
    unsaid: tuple[Any, ...]


def _shape(of: type[Any], *, is_whole: bool) -> _Shape:
    hints, known = get_type_hints(of), fields(of)
    return _Shape(
        readers={field.name: _reader(hints[field.name]) for field in known},
        values_of=attrgetter(*(field.name for field in known)),
        unsaid=tuple(MISSING if is_whole else field.default for field in known),
    )


_REQUESTS: Final[Mapping[str, type[Request]]] = {
    NEW_ORDER: NewOrder,
    CANCEL_ORDER: CancelOrder,
    REPLACE_ORDER: ReplaceOrder,
}
_SHAPES: Final[Mapping[type, _Shape]] = {
    **{of: _shape(of, is_whole=False) for of in _REQUESTS.values()},
    ExecutionReport: _shape(ExecutionReport, is_whole=True),
}
