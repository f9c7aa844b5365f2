"""What somebody asks of us: an order, or what shall become of one. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from foundation import decimals
from foundation.values import value
from risk.margin.requirements import Intent
from venues.messages import OrderType, Side, TimeInForce

CLIENT_ORDER_ID_LENGTH_MAX: Final = 128
SYMBOL_LENGTH_MAX: Final = 24
NUMBER_MAX: Final = Decimal(10) ** 10
"""No quantity or price is larger: what every table and wire of ours can hold."""


class OrderClass(StrEnum):
    """How many orders one ticket makes.

    A bracket is an entry whose position is then closed by a take-profit or a stop-loss, whichever
    comes first; OTO (one triggers other) is an entry with one of them; OCO (one cancels other) is
    the two exits alone.
    """

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"


class Role(StrEnum):
    """What an order is in its group; one without a group has none."""

    NONE = ""
    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user, an API key, a venue, a system rule or an operator, and which one."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


LIQUIDATION: Final = Actor("rule", "liquidation")
"""Who closes what a margin account can no longer keep."""
LIQUIDATION_PREFIX: Final = "liquidation-"
"""How the names of its orders begin, and those of nobody else."""
CORPORATE_ACTION: Final = Actor("rule", "corporate-action")
"""Who carries resting orders over what an issuer does to its shares."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing came of a request: a stable code and a sentence for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StopLoss:
    """The stop order that ends a group at a loss; with a `limit_price`, a stop-limit order."""

    stop_price: Decimal
    limit_price: Decimal | None = None


@value
class OrderTicket:
    """An order as somebody wants it, complete and of the right types, not yet judged.

    Every ticket has a client_order_id, which the edge makes when the client sends none
    (`is_id_ours`): only so can a try whose outcome is unknown be repeated. `quantity` is None for
    an order by value (`notional`, in USD). A trailing stop has `trail_amount` (USD) or
    `trail_percent` (5 is five percent). `take_profit` is the limit price of that leg. An OCO
    ticket is for a limit order at `limit_price`, its take-profit, with a `stop_loss`. With a
    `position_intent`, the order is denied when it would do something else. A sale closes the
    `lots` that it names before all others. `request_id` names the call that brought it, in logs.
    """

    account_id: UUID
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal | None
    type: OrderType
    time_in_force: TimeInForce
    limit_price: Decimal | None
    extended_hours: bool
    actor: Actor
    source_address: str
    received_at: datetime
    notional: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    is_post_only: bool = False
    display_quantity: Decimal | None = None
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit: Decimal | None = None
    stop_loss: StopLoss | None = None
    is_id_ours: bool = False
    position_intent: Intent | None = None
    lots: tuple[UUID, ...] = ()
    request_id: str = ""

    @property
    def content_digest(self) -> str:
        """Return what tells a repeat of a client_order_id from its misuse: all that was asked."""
        loss = self.stop_loss
        content = "|".join(
            (
                self.symbol,
                self.side,
                _text(self.quantity),
                self.type,
                self.time_in_force,
                _text(self.limit_price),
                str(self.extended_hours),
                _text(self.notional),
                _text(self.stop_price),
                _text(self.trail_amount),
                _text(self.trail_percent),
                str(self.is_post_only),
                _text(self.display_quantity),
                self.order_class,
                _text(self.take_profit),
                _text(loss.stop_price) if loss else "",
                _text(loss.limit_price) if loss else "",
                # What orders of before were asked with stays the same content: none was short.
                *((self.position_intent,) if self.position_intent in _OF_SHORTS else ()),
                *map(str, self.lots),
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
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ReplaceTicket:
    """The wish to put another order in the place of `order_id`; None leaves a term as it is.

    `quantity` is the total wanted, with what the replaced order has executed (as in FIX).
    `trail` is the new trail of a trailing stop, an amount or a percentage as it was. `mark` is what
    it has followed to on the terms after a corporate action; else that stays as it is.
    """

    account_id: UUID
    order_id: UUID
    client_order_id: str
    quantity: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail: Decimal | None
    time_in_force: TimeInForce | None
    actor: Actor
    source_address: str
    received_at: datetime
    mark: Decimal | None = None
    reason: str = "Replace requested by the customer"
    is_id_ours: bool = False
    request_id: str = ""

    @property
    def content_digest(self) -> str:
        content = "|".join(
            (
                "replace",
                str(self.order_id),
                *(_text(n) for n in (self.quantity, self.limit_price, self.stop_price, self.trail)),
                self.time_in_force.value if self.time_in_force else "",
            )
        )
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TriggerTicket:
    """The price of a held order was reached: `price`, the trade that did it, at `price_at`.

    `mark` is the high-water mark (of a buy, the low) that a trailing stop had followed to.
    """

    account_id: UUID
    order_id: UUID
    price: Decimal
    price_at: datetime
    received_at: datetime
    mark: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ExpireTicket:
    """The time of an order that stands with us is over; one at the venue is to be cancelled."""

    account_id: UUID
    order_id: UUID
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ResumeTicket:
    """An order waits for its way in its group to be free: look whether it is now."""

    account_id: UUID
    order_id: UUID
    received_at: datetime


Ticket = OrderTicket | CancelTicket | ReplaceTicket | TriggerTicket | ExpireTicket | ResumeTicket

_OF_SHORTS: Final = frozenset({Intent.SELL_TO_OPEN, Intent.BUY_TO_CLOSE})


def _text(number: Decimal | None) -> str:
    return "" if number is None else decimals.text(number)
