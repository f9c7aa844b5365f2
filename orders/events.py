"""What an order's owner is told of it: the activity events of an order. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from accounts.chain import Event
from foundation import decimals
from foundation.values import value
from orders.models import Order, Trade
from orders.tickets import Actor


@value
class Told:
    """What else is told of a step: the fill, and a reason as a code and as a sentence."""

    trade: Trade | None = None
    code: str = ""
    reason: str = ""


PLAIN: Final = Told()


def order_event(order: Order, *, kind: str, at: datetime, actor: Actor, told: Told) -> Event:
    """Return the event `order.KIND`: the order as it is now and what happened to it."""
    payload: dict[str, str | UUID | None] = {
        "order_id": order.id,
        "client_order_id": order.client_order_id,
        "symbol": order.instrument.symbol,
        "side": order.side,
        "quantity": decimals.text(order.quantity),
        "status": order.status,
        "filled_quantity": decimals.text(order.filled_quantity),
    }
    if told.trade is not None:
        payload |= {
            "price": decimals.text(told.trade.price),
            "fill_quantity": decimals.text(told.trade.quantity),
            "trade_id": told.trade.id,
        }
        if told.trade.busts_id is not None:
            payload["busts"] = told.trade.busts_id
    if order.replaced_by is not None:
        payload["replaced_by"] = order.replaced_by
    if order.replaces is not None:
        payload["replaces"] = order.replaces
    if told.code or told.reason:
        payload |= {"code": told.code, "reason": told.reason}
    return Event(kind=f"order.{kind}", at=at, actor=str(actor), payload=payload)


def good_faith_violation(
    order: Order, funds_settle_on: date, settled_only_until: date | None, *, at: datetime
) -> Event:
    """Return the event that a sale was of what unsettled proceeds had paid for.

    `settled_only_until` is the day until which the account may spend settled cash only, if it is
    one violation too many.
    """
    until = settled_only_until.isoformat() if settled_only_until else None
    return Event(
        kind="account.good_faith_violation",
        at=at,
        actor="rule:settlement",
        payload={
            "order_id": str(order.pk),
            "symbol": order.instrument.symbol,
            "funds_settle_on": funds_settle_on.isoformat(),
            "settled_only_until": until,
        },
    )
