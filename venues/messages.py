"""The words spoken on the wire between us and a venue.

Pure values: no Django, no database. Quantities and prices are `Decimal`, times are aware UTC.
An adapter translates them to and from whatever its venue speaks; the embedded exchange
speaks them as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from foundation.values import value


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Return +1 for a buy, -1 for a sell: the sign of the position that it makes."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """What makes an order execute. We hold the last three until their price is reached, and the
    venue then sees a market or limit order: the embedded exchange takes no others."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
"""The types that we hold until their price is reached."""


class TimeInForce(StrEnum):
    """How long an order stands. `OPG` and `CLS` are for the opening or the closing auction only."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class SelfTradePrevention(StrEnum):
    """What the venue does when an order would execute against one of the same `party`."""

    CANCEL_NEWEST = "cancel_newest"
    CANCEL_OLDEST = "cancel_oldest"
    CANCEL_BOTH = "cancel_both"


@value
class NewOrder:
    """Ask a venue to execute an order.

    `client_order_id` (FIX ClOrdID) names one order for ever: a venue drops a repeat of it.
    A market order carries its protection in `limit_price`: it never executes beyond that
    price, and what is left of it is cancelled. `cash_max` (FIX CashOrderQty) bounds the value of
    all executions; when the next lot would pass it, the rest is cancelled. `display_quantity` is
    how much of a resting order is shown at a time (FIX DisplayQty), zero for a hidden one, None
    for all of it. `party` names the customer to the venue, for self-trade prevention.
    `extended_hours` lets a limit order execute outside the regular session. An order that
    `was_triggered` is what became of a stop: it closes a position and is wanted however late.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    time_in_force: TimeInForce
    limit_price: Decimal | None
    is_post_only: bool = False
    display_quantity: Decimal | None = None
    cash_max: Decimal | None = None
    extended_hours: bool = False
    party: str = ""
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_NEWEST
    was_triggered: bool = False


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ask a venue to cancel what is left of the order `client_order_id`.

    `request_id` names the request: a venue answers a repeat of it once.
    """

    request_id: str
    client_order_id: str


@dataclass(frozen=True, slots=True)
class ReplaceOrder:
    """Ask a venue to let the order `new_client_order_id` take the place of `client_order_id`.

    `quantity` is the total wanted, with what the replaced order has executed, as in FIX: what
    executes while the request is under way is never bought twice. The new order keeps the place
    in the queue when the price stays and the quantity does not grow. The venue answers REPLACED
    for the new order, after which the old one is no more, or REPLACE_REJECTED for the new order,
    and the old one stands as it was. Type, side, time in force and party stay as they were.
    """

    client_order_id: str
    new_client_order_id: str
    quantity: Decimal
    limit_price: Decimal | None


Request = NewOrder | CancelOrder | ReplaceOrder


class ReportKind(StrEnum):
    """What an execution report says (FIX ExecType, in the trade's words)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILL = "fill"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CANCEL_REJECTED = "cancel_rejected"
    REPLACED = "replaced"
    REPLACE_REJECTED = "replace_rejected"
    BUSTED = "busted"
    """The venue takes back the fill `reference`, with its quantity and price. What it had executed
    is not executed again: the order's leaves stay as they were."""
    STATUS = "status"
    """The venue's answer to a question: it has the order, and this is how far it is."""
    DOUBTED = "doubted"
    """Never said by a venue, but by our gateway: the link was lost, and nothing is known."""


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """What a venue says about an order.

    `execution_id` is unique at the venue and `sequence` counts its reports to us without a
    gap, so that a gap can be seen and asked for. `quantity` and `price` are those of this
    fill and None for every other kind. `cumulative_quantity` and `leaves_quantity` are the
    order's after this report. `reference` is the execution id of the fill that is busted. Of a
    REPLACED or REPLACE_REJECTED, `client_order_id` is the new order's, `reference` the replaced
    order's, `cumulative_quantity` what the replaced one executed in all (which the total asked
    for includes) and `leaves_quantity` what is left for the new one, which counts its own
    executions from zero.
    """

    sequence: int
    execution_id: str
    kind: ReportKind
    client_order_id: str
    venue_order_id: str
    at: datetime
    quantity: Decimal | None
    price: Decimal | None
    cumulative_quantity: Decimal
    leaves_quantity: Decimal
    reason: str = ""
    reference: str = ""
