"""Entering orders from HTTP: what both the plain handlers and the views share.

Reading a body into a ticket, and saying what became of it, without knowing how the request
came in or who waits for the answer.
"""

from __future__ import annotations

import time
import uuid
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError

from foundation import metrics
from orders.entry import intake
from orders.entry.intake import NotTaken
from orders.entry.submission import Answer
from orders.models import Order
from orders.tickets import CancelTicket, OrderTicket, ReplaceTicket
from risk import checks
from trading.api import errors, tickets, wire
from trading.api.tickets import InvalidTicket, Origin

log = structlog.get_logger(__name__)

WAIT_SECONDS_MAX: Final = 10.0

Asked = OrderTicket | CancelTicket | ReplaceTicket
"""What a customer can ask for."""

ACKNOWLEDGED: Final = metrics.histogram(
    "openfloor_order_acknowledgement_seconds",
    "From a call's arrival to its answer, for orders, cancels and replaces that were decided on.",
    "call",
)
_CALLS: Final = {
    OrderTicket: ACKNOWLEDGED.labels("place"),
    CancelTicket: ACKNOWLEDGED.labels("cancel"),
    ReplaceTicket: ACKNOWLEDGED.labels("replace"),
}


def acknowledged(ticket: Asked, *, seconds: float) -> None:
    """Note how long who sent the ticket has waited for the answer."""
    _CALLS[type(ticket)].observe(seconds)


def order_ticket(payload: object, *, origin: Origin, refuses_unknown: bool) -> OrderTicket:
    """Return the ticket that a parsed body asks for. Raises ApiError with every mistake in it."""
    try:
        return tickets.order_ticket(
            payload, origin=origin, new_id=_new_id, refuses_unknown=refuses_unknown
        )
    except InvalidTicket as invalid:
        raise _invalid(invalid) from None


def replace_ticket(
    payload: object, order_id: UUID, *, origin: Origin, refuses_unknown: bool
) -> ReplaceTicket:
    """Return the wish to replace an order that a parsed body asks for. Raises ApiError."""
    try:
        return tickets.replace_ticket(
            payload, order_id, origin=origin, new_id=_new_id, refuses_unknown=refuses_unknown
        )
    except InvalidTicket as invalid:
        raise _invalid(invalid) from None


def cancel_ticket(order_id: UUID, *, origin: Origin) -> CancelTicket:
    return CancelTicket(
        account_id=origin.account_id,
        order_id=order_id,
        actor=origin.actor,
        source_address=origin.source_address,
        reason="Cancel requested by the customer",
        received_at=origin.received_at,
        request_id=origin.request_id,
    )


def enter(ticket: Asked) -> Future[Answer]:
    """Hand the ticket to the intake. Raises ApiError when it is not taken: nothing happened."""
    try:
        return intake.intake.enter(ticket)
    except NotTaken:
        raise not_taken(ticket) from None


@dataclass(frozen=True, slots=True)
class Entered:
    """A ticket that the intake has taken."""

    ticket: Asked
    answer: Future[Answer]

    def outcome(self, *, deadline: float) -> Answer:
        return outcome(self.ticket, self.answer, deadline=deadline)


def entered(ticket: Asked) -> Entered:
    """Hand the ticket to the intake, to be waited for later. Raises ApiError as `enter`."""
    return Entered(ticket, enter(ticket))


def new_deadline() -> float:
    """Return until when a call that begins now may wait, on the monotonic clock."""
    return time.monotonic() + WAIT_SECONDS_MAX


def outcome(ticket: Asked, entered: Future[Answer], *, deadline: float | None = None) -> Answer:
    """Wait for the answer until the deadline, else as long as a call may that begins now.

    Raises ApiError when there is none in time.
    """
    until = new_deadline() if deadline is None else deadline
    try:
        answer = entered.result(timeout=max(until - time.monotonic(), 0))
    except FutureTimeout:
        raise unanswered(ticket, entered) from None
    except Exception as error:
        raise failed(ticket, error) from error
    acknowledged(ticket, seconds=max(time.time() - ticket.received_at.timestamp(), 0.0))
    return answer


def placed(answer: Answer) -> wire.Json:
    """Return the order that came of a ticket. Raises ApiError: denied, or refused.

    A denied order exists: it is kept and listed as rejected, and its id is in the error.
    """
    order = order_of(answer)
    if order.denial_code and order.status == "rejected":
        # Clients of the compatible API know a sub-penny price as a mistake of their own.
        is_off_step = order.denial_code == checks.PRICE_INCREMENT
        raise errors.ApiError(
            422 if is_off_step else 403,
            order.status_reason,
            reason=order.denial_code,
            code=errors.UNPROCESSABLE if is_off_step else errors.FORBIDDEN,
            order_id=str(order.pk),
            client_order_id=order.client_order_id,
        )
    return wire.order(order, legs=answer.legs or None)


def cancel_accepted(answer: Answer) -> None:
    """Return if the cancel is under way. Raises ApiError: no such order, or not cancelable."""
    order_of(answer)


def not_taken(ticket: Asked) -> errors.ApiError:
    """Return the failure of a ticket that certainly had no effect."""
    return errors.ApiError(
        503,
        "Too much waits at the moment. This request had no effect; send it again shortly.",
        reason="not_accepted",
        **_named(ticket),
    )


def unanswered(ticket: Asked, entered: Future[Answer]) -> errors.ApiError:
    """Give up waiting: a ticket that was not begun is withdrawn, else its outcome is unknown."""
    if entered.cancel():
        return not_taken(ticket)
    log.error("outcome_unknown", waited=WAIT_SECONDS_MAX)
    return unknown(ticket)


def failed(ticket: Asked, error: BaseException) -> errors.ApiError:
    """Return the failure of a ticket that ended in an error, which the intake has logged.

    A commit that failed may still have happened, so that nothing is claimed of the outcome.
    """
    is_passing = isinstance(error, DatabaseError)
    return unknown(ticket, status=503 if is_passing else 500)


def unknown(ticket: Asked, *, status: int = 503) -> errors.ApiError:
    """Return a failure that says that the outcome is unknown, and how to learn it.

    Never 504: clients send a POST again on 504 by themselves, and without the client_order_id
    that would make the repeat harmless.
    """
    if not isinstance(ticket, CancelTicket):
        advice = (
            "Ask GET /v2/orders:by_client_order_id with this client_order_id, or send the request "
            "again with it: it cannot be carried out twice."
        )
    else:
        advice = "Ask GET /v2/orders/{id}, or cancel again: a repeat does no harm."
    message = f"It is not known whether this request was carried out. {advice}"
    return errors.ApiError(status, message, reason="outcome_unknown", **_named(ticket))


def _new_id() -> str:
    return str(uuid.uuid4())


def _invalid(invalid: InvalidTicket) -> errors.ApiError:
    mistakes = [asdict(mistake) for mistake in invalid.mistakes]
    if invalid.has_unknown_fields:
        return errors.ApiError(400, str(invalid), reason="unknown_field", errors=mistakes)
    return errors.ApiError(
        422, str(invalid), reason="invalid_order", code=errors.INVALID, errors=mistakes
    )


def _named(ticket: Asked) -> dict[str, Any]:
    if not isinstance(ticket, CancelTicket):
        return {"client_order_id": ticket.client_order_id}
    return {"order_id": str(ticket.order_id)}


def order_of(answer: Answer) -> Order:
    """Return the order that the answer is about. Raises ApiError: refused."""
    if answer.refusal is not None:
        raise errors.refused(answer.refusal)
    if answer.order is None:
        raise RuntimeError("an answer has neither an order nor a refusal")
    return answer.order
