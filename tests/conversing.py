"""A venue that obeys, and a conversation with it that can be cut off at any step."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from venues import outbox
from venues.adapters import VenueUnavailable
from venues.conversation import Conversation
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    OrderType,
    ReportKind,
    Side,
    TimeInForce,
)
from venues.models import InboxReport, OutboxMessage

VENUE = outbox.EMBEDDED


def new_order(quantity: str = "10") -> NewOrder:
    return NewOrder(str(uuid.uuid4()), "AAPL", Side.BUY, Decimal(quantity), OrderType.LIMIT,
                    TimeInForce.DAY, Decimal("99.99"))  # fmt: skip


def is_unsent() -> bool:
    """Tell whether there is a message that the venue has not confirmed."""
    return OutboxMessage.objects.filter(venue=VENUE, sent_at=None).exists()


def put(*requests, venue: str = VENUE) -> None:
    outbox.enqueue(
        [
            outbox.message(
                venue=venue,
                order_id=uuid.UUID(
                    getattr(request, "new_client_order_id", None) or request.client_order_id
                ),
                request=request,
                now=timezone.now(),
            )
            for request in requests
        ]
    )


def report(sequence: int, order: NewOrder | None = None, **changes) -> ExecutionReport:
    return ExecutionReport(
        **{
            "sequence": sequence,
            "execution_id": f"E{sequence}",
            "kind": ReportKind.ACCEPTED,
            "client_order_id": order.client_order_id if order else "O1",
            "venue_order_id": "V1",
            "at": timezone.now(),
            "quantity": None,
            "price": None,
            "cumulative_quantity": Decimal(0),
            "leaves_quantity": order.quantity if order else Decimal(1),
            **changes,
        }
    )


class Stand:
    """A venue that obeys, answers what it is asked, and can be cut off at any step."""

    venue = VENUE

    def __init__(self) -> None:
        self.got: list = []
        self.asked: list[str] = []
        self.told: list[ExecutionReport] = []
        self.cut: str | None = None  # "before" or "after" it has got what is sent

    @property
    def requests(self) -> list:
        return [outgoing.request for outgoing in self.got]

    def is_reachable(self) -> bool:
        return True

    def connect(self, after, on_news) -> None:
        if self.cut:
            raise VenueUnavailable("nobody answers")

    def close(self) -> None:
        pass

    def send(self, outgoing) -> None:
        if self.cut == "before":
            raise VenueUnavailable("reset")
        self.got += outgoing
        for each in outgoing:
            if isinstance(each.request, NewOrder):
                self.told.append(report(len(self.told) + 1, each.request))
        if self.cut == "after":
            raise VenueUnavailable("timed out")

    def statuses(self, client_order_ids):
        self.asked += client_order_ids
        known = {
            getattr(r, "new_client_order_id", r.client_order_id): r
            for r in self.requests
            if not isinstance(r, CancelOrder)
        }
        cancelled = {r.client_order_id for r in self.requests if isinstance(r, CancelOrder)}
        return [
            report(0, known[name], client_order_id=name, kind=ReportKind.STATUS,
                   leaves_quantity=Decimal(0) if name in cancelled else known[name].quantity)
            for name in client_order_ids
            if name in known
        ]  # fmt: skip

    def reports(self, after, limit):
        return [r for r in self.told if r.sequence > after][:limit]


class Talk:
    """A conversation that is opened and lost as the gateway does it."""

    def __init__(self, stand) -> None:
        self.stand = stand
        self.conversation = Conversation(stand, lambda: None)

    def go_on(self) -> None:
        try:
            if not self.conversation.is_open:
                self.conversation.open()
            self.conversation.go_on()
        except VenueUnavailable as error:
            self.conversation.lose(str(error))


def stored(kind: ReportKind) -> list[InboxReport]:
    return [row for row in InboxReport.objects.order_by("pk") if row.report["kind"] == kind]


def put_at(now: datetime, *requests) -> None:
    put(*requests)
    names = [request.client_order_id for request in requests]
    OutboxMessage.objects.filter(order_id__in=names).update(created_at=now)


def market_order() -> NewOrder:
    return replace(new_order(), type=OrderType.MARKET)


def cancel_of(order: NewOrder) -> CancelOrder:
    return CancelOrder(str(uuid.uuid4()), order.client_order_id)


def answers() -> list[tuple[str, str, str]]:
    """Return kind, order and reason of what our gateway answered itself."""
    rows = InboxReport.objects.filter(execution_id__startswith="gateway-").order_by("pk")
    return [(r.report["kind"], r.client_order_id, r.report["reason"]) for r in rows]
