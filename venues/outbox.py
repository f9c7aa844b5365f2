"""What we want venues to know: written with the decision, sent after its commit.

A message is claimed before it is first sent: it gets its number of the day, and from then on
until it is confirmed the venue may have it or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction

from foundation import bulk, wakeups
from marketdata.calendars import NEW_YORK
from venues import wire, withheld
from venues.messages import Request
from venues.models import OutboxMessage

EMBEDDED: Final = "openfloor-exchange"
"""The name of the exchange that lives in this program."""


class Message(NamedTuple):
    """A message that is to be put down: what `OutboxMessage` has of it before it is claimed."""

    venue: str
    order_id: UUID
    kind: str
    message: dict[str, Any]
    party: str
    symbol: str
    created_at: datetime


def message(
    *,
    venue: str,
    order_id: UUID,
    request: Request,
    now: datetime,
    party: str = "",
    symbol: str = "",
) -> Message:
    """Return the request as it is put down; of a replacement, say whose and of what it is."""
    kind, content = wire.request_to_json(request)
    return Message(venue, order_id, kind, content, party, symbol, now)


def enqueue(messages: Sequence[Message]) -> None:
    """Write the messages, in order, and hint at them on commit."""
    if messages:
        bulk.insert_values(OutboxMessage, Message._fields, messages)
        wakeups.send(wakeups.Channel.OUTBOX)


def claim(venue: str, limit: int, *, now: datetime) -> list[OutboxMessage]:
    """Return the oldest messages that are to be sent, each with its number of the day.

    Only the venue's one gateway may call this, and only with nothing in doubt: the numbers are
    then in the order of sending.
    """
    with transaction.atomic():
        messages = _next(venue, limit, now)
        if not messages:
            return []
        today, number = next_number(venue, now=now)
        for place, each in enumerate(messages, start=number):
            each.session_date, each.number = today, place
        bulk.update(messages, fields=("session_date", "number"))
    return messages


def _next(venue: str, limit: int, now: datetime) -> list[OutboxMessage]:
    """Return the oldest messages that were never sent and still may be."""
    unsent = OutboxMessage.objects.filter(venue=venue, sent_at=None, number=None).order_by("pk")
    while messages := list(unsent[:limit]):
        is_all = len(messages) < limit
        cancels = _cancels(messages) if is_all else cancels_waiting(venue, messages)
        if due := withheld.sift(messages, cancels=cancels, now=now):
            return due
    return []


def cancels_waiting(venue: str, messages: Iterable[OutboxMessage]) -> list[OutboxMessage]:
    """Return the cancels of the new orders among `messages` that the venue has not confirmed."""
    orders = [each.order_id for each in messages if each.kind == wire.NEW_ORDER]
    unsent = OutboxMessage.objects.filter(venue=venue, sent_at=None, order_id__in=orders)
    return _cancels(unsent) if orders else []


def _cancels(messages: Iterable[OutboxMessage]) -> list[OutboxMessage]:
    return [each for each in messages if each.kind == wire.CANCEL_ORDER]


def next_number(venue: str, *, now: datetime) -> tuple[date, int]:
    """Return the session date and the number of the message that is claimed next."""
    # A clock that steps back over midnight must not begin a day for the second time.
    today = now.astimezone(NEW_YORK).date()
    given = OutboxMessage.objects.filter(venue=venue, number__isnull=False)
    latest = (
        given.order_by("-session_date", "-number").values_list("session_date", "number").first()
    )
    if latest is None or latest[0] is None or latest[0] < today:
        return today, 1
    return latest[0], (latest[1] or 0) + 1


def in_doubt(venue: str, limit: int) -> list[OutboxMessage]:
    """Return the oldest messages that the venue may or may not have, in order."""
    claimed = OutboxMessage.objects.filter(venue=venue, sent_at=None, number__isnull=False)
    return list(claimed.order_by("session_date", "number")[:limit])


def doubt(messages: Sequence[OutboxMessage], *, now: datetime) -> None:
    """The link was lost over these."""
    OutboxMessage.objects.filter(pk__in=[m.pk for m in messages]).update(doubted_at=now)


def confirm(messages: Sequence[OutboxMessage], *, now: datetime) -> None:
    """The venue has these: do not send them again."""
    OutboxMessage.objects.filter(pk__in=[m.pk for m in messages]).update(sent_at=now)
