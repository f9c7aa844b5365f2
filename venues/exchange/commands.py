"""What can be asked of the exchange, and what it answers.

Members speak the words of the wire (`venues.messages`); simulated participants, who live in the
house, speak ticks and lots. Pure values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from marketdata.calendars import Phase
from marketdata.price_steps import PriceSteps
from venues import messages

OURSELVES: Final = "OPENFLOOR"
EVERY_TICK: Final = PriceSteps(1, 1, 0)
"""Of an instrument that has a price at every tick."""


class Reason(StrEnum):
    """Why an order was rejected or cancelled, or a cancel or replace refused.

    Clients may rely on these.
    """

    UNKNOWN_SYMBOL = "unknown_symbol"
    HALTED = "halted"
    SESSION_CLOSED = "session_closed"
    QUANTITY_NOT_POSITIVE = "quantity_not_positive"
    QUANTITY_OFF_LOT = "quantity_off_lot"
    QUANTITY_BELOW_MINIMUM = "quantity_below_minimum"
    PRICE_MISSING = "price_missing"
    PROTECTION_MISSING = "protection_missing"
    PRICE_NOT_POSITIVE = "price_not_positive"
    PRICE_OFF_TICK = "price_off_tick"
    TYPE_NOT_TAKEN = "type_not_taken"
    DISPLAY_OFF_LOT = "display_off_lot"
    CASH_NOT_POSITIVE = "cash_not_positive"
    POST_ONLY_MUST_REST = "post_only_must_rest"
    POST_ONLY_WOULD_EXECUTE = "post_only_would_execute"
    EXTENDED_HOURS_LIMIT_ONLY = "extended_hours_limit_only"
    AUCTION_COLLECTING = "auction_collecting"

    REQUESTED = "requested"
    NOTHING_LEFT_AT_PRICE = "nothing_left_at_price"
    PROTECTION_REACHED = "protection_reached"
    NOT_FILLED_IN_FULL = "not_filled_in_full"
    INSTRUMENT_CHANGED = "instrument_changed"
    SESSION_ENDED = "session_ended"
    CASH_REACHED = "cash_reached"
    SELF_TRADE = "self_trade"
    AUCTION_ENDED = "auction_ended"
    OUTSIDE_BANDS = "outside_bands"

    ORDER_NOT_OPEN = "order_not_open"
    ALREADY_EXECUTED = "already_executed"

    TRADE_BUSTED = "trade_busted"


@dataclass(frozen=True, slots=True)
class BandTerms:
    """How far a price may run: limit-up and limit-down at `percent` around the reference price.

    Interest that stands at a band for `limit_seconds` pauses trading for `pause_seconds`.
    """

    percent: Decimal
    limit_seconds: int = 15
    pause_seconds: int = 300


@dataclass(frozen=True, slots=True)
class CoarseSteps:
    """From the price `start` on there are only those in steps of `step`; both in whole ticks."""

    step: Decimal
    start: Decimal


@dataclass(frozen=True, slots=True)
class Admit:
    """List an instrument, or change its terms.

    What rests in its book is counted anew in a tick that goes into the one before, and is else
    cancelled, as it is where another lot counts it.
    """

    symbol: str
    tick: Decimal
    lot: Decimal
    quantity_min: Decimal
    calendar: str
    bands: BandTerms | None = None
    coarse: CoarseSteps | None = None

    @property
    def steps(self) -> PriceSteps[int]:
        """Return between which prices, in ticks, there is none."""
        if self.coarse is None:
            return EVERY_TICK
        return PriceSteps(int(self.coarse.step / self.tick), 1, int(self.coarse.start / self.tick))


@dataclass(frozen=True, slots=True)
class Halt:
    """Stop or resume trading in `symbol`; cancels are always taken.

    Trading resumes through an auction, which collects orders for `auction_seconds` first.
    """

    symbol: str
    is_halted: bool
    auction_seconds: int = 0


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Begin a phase of the session of `date`: early, regular or late.

    The regular one begins with the opening auction, and ends with the closing one when the late
    one begins. `has_auction` says whether that is still timely.
    """

    calendar: str
    date: date
    phase: Phase = Phase.REGULAR
    has_auction: bool = True


@dataclass(frozen=True, slots=True)
class CloseSession:
    """End the session of `calendar`: what was good for the day expires.

    A regular session ends with its closing auction. `has_auction` says whether that is still
    timely: after an outage its price would surprise.
    """

    calendar: str
    has_auction: bool = True


@dataclass(frozen=True, slots=True)
class Wake:
    """Let happen what is due by now: pauses begin and end, auctions uncross."""


@dataclass(frozen=True, slots=True)
class BustedFill:
    """One member's side of a trade that is taken back.

    `cumulative_quantity` is what the order had executed before the bust, for one that has ended.
    """

    member: str
    client_order_id: str
    venue_order_id: str
    execution_id: str
    side: messages.Side
    cumulative_quantity: Decimal


@dataclass(frozen=True, slots=True)
class Bust:
    """Take back the trade `number`, of which members had these sides."""

    number: int
    symbol: str
    quantity: Decimal
    price: Decimal
    sides: Sequence[BustedFill]


@dataclass(frozen=True, slots=True)
class Enter:
    """A member's request, as it came over the wire."""

    member: str
    request: messages.Request


@dataclass(frozen=True, slots=True)
class Take:
    """A participant trades at once what it can at `price` or better; nothing rests."""

    participant: str
    symbol: str
    sign: int
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class MassQuote:
    """A participant says all that it bids and offers: (price, quantity), best first.

    What it quoted before and does not say again is withdrawn; what it says again with the same
    or a smaller quantity keeps its place in the queue. A side that is None stays as it is.
    """

    participant: str
    symbol: str
    bids: Sequence[tuple[int, int]] | None
    asks: Sequence[tuple[int, int]] | None


Command = Admit | Halt | OpenSession | CloseSession | Wake | Bust | Enter | Take | MassQuote


@dataclass(frozen=True, slots=True)
class Trade:
    """One print: `number` counts the exchange's trades, `aggressor` is who came second.

    In an auction nobody did.
    """

    number: int
    symbol: str
    at: datetime
    price: Decimal
    quantity: Decimal
    buyer: str
    seller: str
    aggressor: messages.Side | None


@dataclass(frozen=True, slots=True)
class Execution:
    """What of a report is an execution, for the exchange's own records.

    `number` counts the executions of all members without a gap; `date` is the trading day.
    """

    number: int
    side: messages.Side
    quantity: Decimal
    price: Decimal
    date: date


@dataclass(frozen=True, slots=True)
class Report:
    """What the exchange tells a member about an order of its own."""

    member: str
    symbol: str
    report: messages.ExecutionReport
    execution: Execution | None = None


Event = Trade | Report


def request_id(request: messages.Request) -> str:
    """Return what names a member's request for ever.

    An order and the replacement of one share their names: both are orders. A cancel shares none.
    """
    match request:
        case messages.CancelOrder():
            return f"cancel:{request.request_id}"
        case messages.ReplaceOrder():
            return f"order:{request.new_client_order_id}"
    return f"order:{request.client_order_id}"
