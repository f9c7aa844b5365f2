"""What the intake leaves on the trail of an order: who asked for what, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from foundation import trail
from orders.entry.answers import Answer
from orders.entry.counting import KINDS
from orders.tickets import Ticket


def decided(tickets: Sequence[Ticket], answers: Sequence[Answer]) -> None:
    """Note a batch that was committed."""
    if trail.is_kept():
        trail.note("ticket_decided", _lines(tickets, answers))


def _lines(tickets: Sequence[Ticket], answers: Sequence[Answer]) -> Iterator[Mapping[str, object]]:
    for ticket, answer in zip(tickets, answers, strict=True):
        line: dict[str, object] = {
            "ticket": KINDS[type(ticket)],
            "account_id": ticket.account_id,
            "request_id": getattr(ticket, "request_id", ""),
        }
        if answer.refusal is not None:
            named = getattr(ticket, "order_id", None)
            yield {**line, "order_id": named, "refusal": answer.refusal.code}
            continue
        for order in (answer.order, *answer.legs):
            if order is not None:
                yield {
                    **line,
                    "order_id": order.pk,
                    "client_order_id": order.client_order_id,
                    "status": order.status,
                    "denial": order.denial_code,
                    "is_repeat": answer.is_repeat,
                }
