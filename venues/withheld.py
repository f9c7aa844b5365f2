"""What is never sent: an order that was cancelled before it left, or that it is too late for.

While a link is down, orders wait in the outbox. To send one that its owner has cancelled would
execute what nobody wants any more, and a market order was meant for the market as it was. The
gateway answers those in the venue's place; the venue never hears of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from venues import inbox, own_reports, wire
from venues.messages import NewOrder, OrderType, TimeInForce
from venues.models import OutboxMessage

log = structlog.get_logger(__name__)

MARKET_AGE_MAX: Final = timedelta(seconds=30)
"""How old a market order may be when it is sent. A limit order says itself what it may cost, one
for an auction is not executed before it, and a triggered stop is wanted however late."""

_FOR_AUCTIONS: Final = frozenset({TimeInForce.OPG, TimeInForce.CLS})


def sift(
    messages: Sequence[OutboxMessage], *, cancels: Collection[OutboxMessage], now: datetime
) -> list[OutboxMessage]:
    """Return those of a venue's messages that may be sent; answer the others, for good.

    The venue has heard of none of them. `cancels` are the cancels that it has not heard of
    either, whether they are among `messages` or wait behind them.
    """
    cancelled = {cancel.order_id for cancel in cancels}
    new = [message for message in messages if message.kind == wire.NEW_ORDER]
    dropped = [message for message in new if message.order_id in cancelled]
    late = [message for message in new if message not in dropped and _is_too_late(message, now)]
    if not dropped and not late:
        return list(messages)
    ended = {message.order_id for message in dropped}
    handled = [*dropped, *late, *(cancel for cancel in cancels if cancel.order_id in ended)]
    reports = [
        *(own_reports.never_sent(message, now=now) for message in dropped),
        *(own_reports.too_late(message, now=now) for message in late),
    ]
    venue = messages[0].venue
    log.warning("requests_withheld", venue=venue, cancelled=len(dropped), too_late=len(late))
    with transaction.atomic():
        inbox.store(venue, reports, now=now)
        OutboxMessage.objects.filter(pk__in=[each.pk for each in handled]).update(sent_at=now)
    return [message for message in messages if message not in handled]


def _is_too_late(message: OutboxMessage, now: datetime) -> bool:
    if now - message.created_at <= MARKET_AGE_MAX:
        return False
    request = wire.request_from_json(message.kind, message.message)
    return (
        isinstance(request, NewOrder)
        and request.type is OrderType.MARKET
        and request.time_in_force not in _FOR_AUCTIONS
        and not request.was_triggered
    )
