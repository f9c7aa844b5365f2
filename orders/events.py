"""What an order's owner is told of it: the activity events of an order. Pure."""

from __future__ import annotations

from datetime import datetime

from accounts.chain import Event
from foundation import decimals
from orders.models import Order, Trade
from orders.tickets import Actor


def order_event(
    order: Order,
    *,
    kind: str,
    symbol: str,
    at: datetime,
    actor: Actor,
    trade: Trade | None = None,
    code: str = "",
    reason: str = "",
) -> Event:
    """Return the event `order.KIND`: the order as it is now and what happened to it."""
    payload: dict[str, str | None] = {
        "order_id": str(order.pk),
        "client_order_id": order.client_order_id,
        "symbol": symbol,
        "side": order.side,
        "quantity": decimals.text(order.quantity),
        "status": order.status,
        "filled_quantity": decimals.text(order.filled_quantity),
    }
    if trade is not None:
        payload |= {
            "price": decimals.text(trade.price),
            "fill_quantity": decimals.text(trade.quantity),
            "trade_id": str(trade.pk),
        }
    if code or reason:
        payload |= {"code": code, "reason": reason}
    return Event(kind=f"order.{kind}", at=at, actor=str(actor), payload=payload)
