"""Requests and reports as plain JSON values: how they are kept and how a line carries them. Pure.

What was written by an older version lacks what came later, which then has its default; what a
newer one adds is not understood and refused, as nobody may act on half a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final

from foundation import decimals
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    OrderType,
    ReplaceOrder,
    ReportKind,
    Request,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

NEW_ORDER: Final = "new"
CANCEL_ORDER: Final = "cancel"
REPLACE_ORDER: Final = "replace"

Plain = dict[str, Any]


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
    return kind, _plain(asdict(request))


def request_from_plain(kind: str, content: Mapping[str, Any]) -> Request:
    """Return what `request_to_plain` wrote. Raises UnreadableMessage."""
    if kind not in _REQUESTS:
        raise UnreadableMessage(f"there is no request {kind!r}")
    request: Request = _read(_REQUESTS[kind], content)
    return request


def report_to_plain(report: ExecutionReport) -> Plain:
    return _plain(asdict(report))


def report_from_plain(content: Mapping[str, Any]) -> ExecutionReport:
    """Return what `report_to_plain` wrote. Raises UnreadableMessage."""
    report: ExecutionReport = _read(ExecutionReport, content)
    return report


def _plain(content: Plain) -> Plain:
    return {key: _plain_value(value) for key, value in content.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, Decimal):
        return decimals.text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return value


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_REQUESTS: Final[Mapping[str, Callable[..., Any]]] = {
    NEW_ORDER: NewOrder,
    CANCEL_ORDER: CancelOrder,
    REPLACE_ORDER: ReplaceOrder,
}

# How a field is read; what is not named here is a text, a number or a truth as it stands.
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "self_trade_prevention": SelfTradePrevention,
    "kind": ReportKind,
    "at": datetime.fromisoformat,
    "quantity": _number,
    "price": _number,
    "limit_price": _number,
    "display_quantity": _number,
    "cash_max": _number,
    "cumulative_quantity": Decimal,
    "leaves_quantity": Decimal,
}


def _read(make: Callable[..., Any], content: Mapping[str, Any]) -> Any:
    try:
        return make(**{name: _READERS.get(name, _as_it_is)(v) for name, v in content.items()})
    except (TypeError, ValueError, InvalidOperation) as error:
        raise UnreadableMessage(str(error)) from error


def _as_it_is(value: Any) -> Any:
    return value
