"""What the intake counts: how many tickets go together, what became of them, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from foundation import metrics
from orders.entry.answers import Answer
from orders.tickets import (
    CancelTicket,
    ExpireTicket,
    OrderTicket,
    ReplaceTicket,
    ResumeTicket,
    Ticket,
    TriggerTicket,
)

BATCHES: Final = metrics.histogram(
    "openfloor_intake_batch_tickets",
    "Tickets that went together in one transaction of the intake.",
    bounds=metrics.SIZES,
)
TICKETS: Final = metrics.counter(
    "openfloor_intake_tickets_total",
    "Tickets by what they ask for and what became of them: accepted, denied by risk, "
    "refused, or failed (then it is not known).",
    "kind",
    "result",
)
DENIED: Final = metrics.counter(
    "openfloor_orders_denied_total",
    "Orders that risk has denied, by the code of the denial. A repeat of one counts again.",
    "code",
)
REFUSED: Final = metrics.counter(
    "openfloor_tickets_refused_total", "Tickets without any effect, by the code of why.", "code"
)

KINDS: Final = {
    OrderTicket: "order",
    CancelTicket: "cancel",
    ReplaceTicket: "replace",
    TriggerTicket: "trigger",
    ExpireTicket: "expire",
    ResumeTicket: "resume",
}
_ACCEPTED: Final = {made: TICKETS.labels(kind, "accepted") for made, kind in KINDS.items()}


def decided(tickets: Sequence[Ticket], answers: Sequence[Answer]) -> None:
    """Count a batch that was committed."""
    BATCHES.observe(len(tickets))
    for ticket, answer in zip(tickets, answers, strict=True):
        if answer.refusal is not None:
            REFUSED.labels(answer.refusal.code).inc()
            TICKETS.labels(KINDS[type(ticket)], "refused").inc()
        elif answer.order is not None and answer.order.denial_code:
            DENIED.labels(answer.order.denial_code).inc()
            TICKETS.labels(KINDS[type(ticket)], "denied").inc()
        else:
            _ACCEPTED[type(ticket)].inc()


def failed(tickets: Sequence[Ticket]) -> None:
    """Count tickets that ended in an error."""
    for ticket in tickets:
        TICKETS.labels(KINDS[type(ticket)], "failed").inc()
