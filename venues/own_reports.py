"""What our gateway reports itself: what no venue has said, or will ever be asked. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from venues import wire
from venues.messages import ExecutionReport, ReplaceOrder, ReportKind
from venues.models import OutboxMessage

NEVER_SENT: Final = "never_sent"
TOO_LATE_TO_SEND: Final = "too_late_to_send"

_REFUSALS: Final = {
    wire.NEW_ORDER: ReportKind.REJECTED,
    wire.CANCEL_ORDER: ReportKind.CANCEL_REJECTED,
    wire.REPLACE_ORDER: ReportKind.REPLACE_REJECTED,
}


def doubt(message: OutboxMessage, *, reason: str, now: datetime) -> ExecutionReport:
    """Say that the link was lost over a new order, and nothing is known of it."""
    return _report(message, f"doubt-{message.pk}", ReportKind.DOUBTED, reason, now)


def refusal(message: OutboxMessage, *, error: str, now: datetime) -> ExecutionReport:
    """Answer in the venue's place for a request that no wire can carry."""
    return _refusal(message, f"The venue cannot take this request: {error}", now)


def _refusal(message: OutboxMessage, reason: str, now: datetime) -> ExecutionReport:
    report = _answer(message, _REFUSALS[message.kind], reason, now)
    request = wire.request_from_json(message.kind, message.message)
    if isinstance(request, ReplaceOrder):
        return replace(
            report,
            client_order_id=request.new_client_order_id,
            reference=request.client_order_id,
        )
    return report


def never_sent(message: OutboxMessage, *, now: datetime) -> ExecutionReport:
    """Answer in the venue's place for a new order that was cancelled before it was sent."""
    return _answer(message, ReportKind.CANCELLED, NEVER_SENT, now)


def too_late(message: OutboxMessage, *, now: datetime) -> ExecutionReport:
    """Answer in the venue's place for a new order that it is too late to send."""
    return _answer(message, ReportKind.REJECTED, TOO_LATE_TO_SEND, now)


def blocked(message: OutboxMessage, *, code: str, now: datetime) -> ExecutionReport:
    """Answer in the venue's place for a request that was stopped before it was sent."""
    return _refusal(message, code, now)


def _answer(
    message: OutboxMessage, kind: ReportKind, reason: str, now: datetime
) -> ExecutionReport:
    """Answer a message: once, whatever the answer is, as the inbox takes an id once."""
    return _report(message, f"gateway-{message.pk}", kind, reason, now)


def _report(
    message: OutboxMessage, execution_id: str, kind: ReportKind, reason: str, now: datetime
) -> ExecutionReport:
    return ExecutionReport(
        sequence=0,  # not one of the venue's own numbers
        execution_id=execution_id,
        kind=kind,
        client_order_id=str(message.order_id),
        venue_order_id="",
        at=now,
        quantity=None,
        price=None,
        cumulative_quantity=Decimal(0),
        leaves_quantity=Decimal(0),
        reason=reason,
    )
