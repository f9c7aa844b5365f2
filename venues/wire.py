"""Requests and reports as JSON, the way that outbox and inbox keep them. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from foundation import decimals
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    OrderType,
    ReportKind,
    Request,
    Side,
    TimeInForce,
)

NEW_ORDER = "new"
CANCEL_ORDER = "cancel"


class UnreadableMessage(ValueError):
    """The stored message is of no known kind."""


def request_to_json(request: Request) -> tuple[str, dict[str, Any]]:
    """Return the request's kind and its content."""
    kind = NEW_ORDER if isinstance(request, NewOrder) else CANCEL_ORDER
    return kind, _plain(asdict(request))


def request_from_json(kind: str, content: dict[str, Any]) -> Request:
    if kind == CANCEL_ORDER:
        return CancelOrder(**content)
    if kind != NEW_ORDER:
        raise UnreadableMessage(kind)
    return NewOrder(
        client_order_id=content["client_order_id"],
        symbol=content["symbol"],
        side=Side(content["side"]),
        quantity=Decimal(content["quantity"]),
        type=OrderType(content["type"]),
        time_in_force=TimeInForce(content["time_in_force"]),
        limit_price=_decimal(content["limit_price"]),
    )


def report_to_json(report: ExecutionReport) -> dict[str, Any]:
    return _plain(asdict(report))


def report_from_json(content: dict[str, Any]) -> ExecutionReport:
    return ExecutionReport(
        **{
            **content,
            "kind": ReportKind(content["kind"]),
            "at": datetime.fromisoformat(content["at"]),
            "quantity": _decimal(content["quantity"]),
            "price": _decimal(content["price"]),
            "cumulative_quantity": Decimal(content["cumulative_quantity"]),
            "leaves_quantity": Decimal(content["leaves_quantity"]),
        }
    )


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    return {key: _plain_value(value) for key, value in content.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, Decimal):
        return decimals.text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
