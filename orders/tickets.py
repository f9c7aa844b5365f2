"""What somebody asks of us: an order ticket, or the cancel of an order. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from foundation import decimals
from venues.messages import OrderType, Side, TimeInForce

CLIENT_ORDER_ID_LENGTH_MAX: Final = 128
SYMBOL_LENGTH_MAX: Final = 24
NUMBER_MAX: Final = Decimal(10) ** 10
"""No quantity or price is larger: what every table and wire of ours can hold."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user, an API key, a venue, a system rule or an operator, and which one."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing came of a request: a stable code and a sentence for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """An order as somebody wants it, complete and of the right types, not yet judged.

    Every ticket has a client_order_id, which the edge makes when the client sends none: only
    so can a try whose outcome is unknown be repeated.
    """

    account_id: UUID
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    time_in_force: TimeInForce
    limit_price: Decimal | None
    extended_hours: bool
    actor: Actor
    source_address: str
    received_at: datetime

    @property
    def content_digest(self) -> str:
        """Return what tells a repeat of a client_order_id from its misuse: all that was asked."""
        content = "|".join(
            (
                self.symbol,
                self.side.value,
                decimals.text(self.quantity),
                self.type.value,
                self.time_in_force.value,
                "" if self.limit_price is None else decimals.text(self.limit_price),
                str(self.extended_hours),
            )
        )
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CancelTicket:
    """The wish to cancel what is left of an order."""

    account_id: UUID
    order_id: UUID
    actor: Actor
    source_address: str
    reason: str
    received_at: datetime


Ticket = OrderTicket | CancelTicket


def flaw(ticket: OrderTicket) -> Refusal | None:
    """Return what makes the ticket meaningless whatever the market, or None."""
    if not (0 < len(ticket.symbol) <= SYMBOL_LENGTH_MAX and ticket.symbol.isprintable()):
        return Refusal("unknown_symbol", "That is no symbol of an instrument.")
    if not 0 < ticket.quantity <= NUMBER_MAX or _is_too_fine(ticket.quantity):
        return Refusal(
            "invalid_quantity",
            f"The quantity must be above zero, at most {NUMBER_MAX}, with at most 9 decimals.",
        )
    if ticket.type is OrderType.LIMIT and ticket.limit_price is None:
        return Refusal("limit_price_missing", "A limit order needs a limit price.")
    if ticket.type is OrderType.MARKET and ticket.limit_price is not None:
        return Refusal("limit_price_unexpected", "A market order takes no limit price.")
    price = ticket.limit_price
    if price is not None and (not 0 < price <= NUMBER_MAX or _is_too_fine(price)):
        return Refusal(
            "invalid_limit_price",
            f"The limit price must be above zero, at most {NUMBER_MAX}, with at most 9 decimals.",
        )
    if not (
        0 < len(ticket.client_order_id) <= CLIENT_ORDER_ID_LENGTH_MAX
        and ticket.client_order_id.isprintable()
    ):
        return Refusal(
            "invalid_client_order_id",
            f"A client_order_id has 1 to {CLIENT_ORDER_ID_LENGTH_MAX} printable characters.",
        )
    return None


def _is_too_fine(number: Decimal) -> bool:
    return number != number.quantize(decimals.QUANTITY_QUANTUM, rounding=decimals.DOWN)
