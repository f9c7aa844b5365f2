"""What we want venues to know: written with the decision, sent after its commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from foundation import bulk, wakeups
from venues import wire
from venues.messages import Request
from venues.models import OutboxMessage

EMBEDDED = "openfloor-exchange"
"""The name of the venue that every order goes to until there is another."""


def message(*, venue: str, order_id: UUID, request: Request, now: datetime) -> OutboxMessage:
    kind, content = wire.request_to_json(request)
    return OutboxMessage(venue=venue, order_id=order_id, kind=kind, message=content, created_at=now)


def enqueue(messages: Sequence[OutboxMessage]) -> None:
    """Write the messages, in order, and hint at them on commit."""
    if messages:
        bulk.insert(messages)
        wakeups.send(wakeups.Channel.OUTBOX)


def unsent(venue: str, limit: int) -> list[OutboxMessage]:
    """Return the oldest messages that the venue has not confirmed, in order."""
    return list(OutboxMessage.objects.filter(venue=venue, sent_at=None).order_by("pk")[:limit])


def confirm(messages: Sequence[OutboxMessage], *, now: datetime) -> None:
    """The venue has these: do not send them again."""
    OutboxMessage.objects.filter(pk__in=[m.pk for m in messages]).update(sent_at=now)
