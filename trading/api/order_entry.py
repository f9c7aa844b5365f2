"""Entering orders and cancels from HTTP: what both the plain handlers and the views share.

Reading a body into a ticket, and saying what became of it, without knowing how the request
came in or who waits for the answer.
"""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError

from orders import intake
from orders.intake import NotTaken
from orders.submission import Answer
from orders.tickets import CancelTicket, OrderTicket
from trading.api import errors, tickets, wire
from trading.api.tickets import InvalidTicket, Origin

log = structlog.get_logger(__name__)

WAIT_SECONDS_MAX: Final = 10.0


def order_ticket(payload: object, *, origin: Origin, refuses_unknown: bool) -> OrderTicket:
    """Return the ticket that a parsed body asks for. Raises ApiError with every mistake in it."""
    try:
        return tickets.order_ticket(
            payload,
            origin=origin,
            new_id=lambda: str(uuid.uuid4()),
            refuses_unknown=refuses_unknown,
        )
    except InvalidTicket as invalid:
        mistakes = [{"field": field, "message": message} for field, message in invalid.errors]
        status, reason = (
            (400, "unknown_field") if invalid.has_unknown_fields else (422, "invalid_order")
        )
        code = errors.MALFORMED if invalid.has_unknown_fields else errors.INVALID
        raise errors.ApiError(
            status, str(invalid), reason=reason, code=code, errors=mistakes
        ) from None


def cancel_ticket(order_id: UUID, *, origin: Origin) -> CancelTicket:
    return CancelTicket(
        account_id=origin.account_id,
        order_id=order_id,
        actor=origin.actor,
        source_address=origin.source_address,
        reason="Cancel requested by the customer",
        received_at=origin.received_at,
    )


def enter(ticket: OrderTicket | CancelTicket) -> Future[Answer]:
    """Hand the ticket to the intake. Raises ApiError when it is not taken: nothing happened."""
    try:
        if isinstance(ticket, OrderTicket):
            return intake.submit(ticket)
        return intake.cancel(ticket)
    except NotTaken:
        raise not_taken(ticket) from None


def outcome(ticket: OrderTicket | CancelTicket, entered: Future[Answer]) -> Answer:
    """Wait for the answer, within a bound. Raises ApiError when there is none in time."""
    try:
        return entered.result(timeout=WAIT_SECONDS_MAX)
    except FutureTimeout:
        raise unanswered(ticket, entered) from None
    except Exception as error:
        raise failed(ticket, error) from error


def placed(answer: Answer) -> wire.Json:
    """Return the order that came of a ticket. Raises ApiError: denied, or refused.

    A denied order exists: it is kept and listed as rejected, and its id is in the error.
    """
    order = _order_of(answer)
    if order.denial_code and order.status == "rejected":
        raise errors.ApiError(
            403,
            order.status_reason,
            reason=order.denial_code,
            order_id=str(order.pk),
            client_order_id=order.client_order_id,
        )
    return wire.order(order)


def cancel_accepted(answer: Answer) -> None:
    """Return if the cancel is under way. Raises ApiError: no such order, or not cancelable."""
    _order_of(answer)


def not_taken(ticket: OrderTicket | CancelTicket) -> errors.ApiError:
    """Return the failure of a ticket that certainly had no effect."""
    return errors.ApiError(
        503,
        "Too much waits at the moment. This request had no effect; send it again shortly.",
        reason="not_accepted",
        **_named(ticket),
    )


def unanswered(ticket: OrderTicket | CancelTicket, entered: Future[Answer]) -> errors.ApiError:
    """Give up waiting: a ticket that was not begun is withdrawn, else its outcome is unknown."""
    if entered.cancel():
        return not_taken(ticket)
    log.error("outcome_unknown", waited=WAIT_SECONDS_MAX)
    return unknown(ticket)


def failed(ticket: OrderTicket | CancelTicket, error: BaseException) -> errors.ApiError:
    """Return the failure of a ticket that ended in an error, which the intake has logged.

    A commit that failed may still have happened, so that nothing is claimed of the outcome.
    """
    is_passing = isinstance(error, DatabaseError)
    return unknown(ticket, status=503 if is_passing else 500)


def unknown(ticket: OrderTicket | CancelTicket, *, status: int = 503) -> errors.ApiError:
    """Return a failure that says that the outcome is unknown, and how to learn it.

    Never 504: clients send a POST again on 504 by themselves, and without the client_order_id
    that would make the repeat harmless.
    """
    if isinstance(ticket, OrderTicket):
        advice = (
            "Ask GET /v2/orders:by_client_order_id with this client_order_id, or send the order "
            "again with it: it cannot be placed twice."
        )
    else:
        advice = "Ask GET /v2/orders/{id}, or cancel again: a repeat does no harm."
    message = f"It is not known whether this request was carried out. {advice}"
    return errors.ApiError(status, message, reason="outcome_unknown", **_named(ticket))


def _named(ticket: OrderTicket | CancelTicket) -> dict[str, Any]:
    if isinstance(ticket, OrderTicket):
        return {"client_order_id": ticket.client_order_id}
    return {"order_id": str(ticket.order_id)}


def _order_of(answer: Answer) -> Any:
    if answer.refusal is not None:
        raise errors.refused(answer.refusal)
    if answer.order is None:
        raise RuntimeError("an answer has neither an order nor a refusal")
    return answer.order
