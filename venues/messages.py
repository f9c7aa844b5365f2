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


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Return +1 for a buy, -1 for a sell: the sign of the position that it makes."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """Ask a venue to execute an order.

    `client_order_id` (FIX ClOrdID) names one order for ever: a venue drops a repeat of it.
    A market order carries its protection in `limit_price`: it never executes beyond that
    price, and what is left of it is cancelled.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    time_in_force: TimeInForce
    limit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ask a venue to cancel what is left of the order `client_order_id`.

    `request_id` names the request: a venue answers a repeat of it once.
    """

    request_id: str
    client_order_id: str


Request = NewOrder | CancelOrder


class ReportKind(StrEnum):
    """What an execution report says (FIX ExecType, in the trade's words)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILL = "fill"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CANCEL_REJECTED = "cancel_rejected"


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """What a venue says about an order.

    `execution_id` is unique at the venue and `sequence` counts its reports to us without a
    gap, so that a gap can be seen and asked for. `quantity` and `price` are those of this
    fill and None for every other kind. `cumulative_quantity` and `leaves_quantity` are the
    order's after this report.
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
