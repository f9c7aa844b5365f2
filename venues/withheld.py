"""What is never sent: an order that was cancelled before it left, that it is too late for, or that
a switch has stopped.

While a link is down, orders wait in the outbox. To send one that its owner has cancelled would
execute what nobody wants any more, and a market order was meant for the market as it was. The
gateway answers those in the venue's place; the venue never hears of them. The same becomes of
orders and replacements that are blocked: decided on before a switch was thrown, and not yet sent.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction

from foundation import bulk
from venues import inbox, own_reports, wire
from venues.messages import NewOrder, OrderType, TimeInForce
from venues.models import Block, OutboxMessage

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
    blocked = _blocked([m for m in messages if m not in dropped and m not in late])
    if not dropped and not late and not blocked:
        return list(messages)
    ended = {message.order_id for message in (*dropped, *(message for message, _ in blocked))}
    handled = [
        *dropped,
        *late,
        *(message for message, _ in blocked),
        *(cancel for cancel in cancels if cancel.order_id in ended),
    ]
    reports = [
        *(own_reports.never_sent(message, now=now) for message in dropped),
        *(own_reports.too_late(message, now=now) for message in late),
        *(own_reports.blocked(message, code=code, now=now) for message, code in blocked),
    ]
    venue = messages[0].venue
    log.warning(
        "requests_withheld",
        venue=venue,
        cancelled=len(dropped),
        too_late=len(late),
        blocked=len(blocked),
    )
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


def block(
    key: UUID,
    *,
    order_id: UUID | None,
    account_id: UUID | None,
    symbol: str,
    venue: str,
    code: str,
    now: datetime,
) -> None:
    """Let no gateway send orders or replacements of this scope, from the commit on."""
    Block.objects.create(
        id=key,
        order_id=order_id,
        party=str(account_id or ""),
        symbol=symbol,
        venue=venue,
        code=code,
        since=now,
    )


def lift(key: UUID, *, now: datetime) -> None:
    """Let gateways send again what `block` has stopped; what was answered stays answered."""
    Block.objects.filter(pk=key, lifted_at=None).update(lifted_at=now)


def _blocked(messages: Sequence[OutboxMessage]) -> list[tuple[OutboxMessage, str]]:
    """Return those of the orders and replacements that are blocked, each with the code why."""
    held_back = [message for message in messages if message.kind != wire.CANCEL_ORDER]
    blocks = bulk.select(Block, "lifted_at IS NULL ORDER BY since", []) if held_back else []
    found = []
    for message in held_back if blocks else ():
        by = next((each for each in blocks if _meets(each, message)), None)
        if by is not None:
            found.append((message, by.code))
    return found


def _meets(block: Block, message: OutboxMessage) -> bool:
    content = message.message
    party, symbol = (content.get(name) or getattr(message, name) for name in ("party", "symbol"))
    named = {str(message.order_id), content["client_order_id"]}
    return (
        (block.order_id is None or str(block.order_id) in named)
        and block.party in ("", party)
        and block.symbol in ("", symbol)
        and block.venue in ("", message.venue)
    )
