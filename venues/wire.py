"""Requests and reports as JSON, the way that outbox and inbox keep them. Pure."""

from __future__ import annotations

from typing import Any

from venues import plain
from venues.messages import ExecutionReport, Request
from venues.plain import CANCEL_ORDER, NEW_ORDER, REPLACE_ORDER, UnreadableMessage

__all__ = [
    "CANCEL_ORDER",
    "NEW_ORDER",
    "REPLACE_ORDER",
    "UnreadableMessage",
    "report_from_json",
    "report_to_json",
    "request_from_json",
    "request_to_json",
]


def request_to_json(request: Request) -> tuple[str, dict[str, Any]]:
    """Return the request's kind and its content."""
    return plain.request_to_plain(request)


def request_from_json(kind: str, content: dict[str, Any]) -> Request:
    """Return what `request_to_json` wrote, in this version or before. Raises UnreadableMessage."""
    return plain.request_from_plain(kind, content)


def report_to_json(report: ExecutionReport) -> dict[str, Any]:
    return plain.report_to_plain(report)


def report_from_json(content: dict[str, Any]) -> ExecutionReport:
    """Return what `report_to_json` wrote, in this version or before. Raises UnreadableMessage."""
    return plain.report_from_plain(content)
