"""What can be asked of the exchange, what it answers, and how the journal writes the asking down.

Members speak the words of the wire (`venues.messages`); simulated participants, who live in the
house, speak ticks and lots. Pure values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from venues import messages

OURSELVES: Final = "OPENFLOOR"


class Reason(StrEnum):
    """Why an order was rejected or cancelled, or a cancel refused. Clients may rely on these."""

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

    REQUESTED = "requested"
    NOTHING_LEFT_AT_PRICE = "nothing_left_at_price"
    PROTECTION_REACHED = "protection_reached"
    NOT_FILLED_IN_FULL = "not_filled_in_full"
    INSTRUMENT_CHANGED = "instrument_changed"
    SESSION_ENDED = "session_ended"

    ORDER_NOT_OPEN = "order_not_open"


@dataclass(frozen=True, slots=True)
class Admit:
    """List an instrument, or change its terms; other increments cancel what rests in its book."""

    symbol: str
    tick: Decimal
    lot: Decimal
    quantity_min: Decimal
    calendar: str


@dataclass(frozen=True, slots=True)
class Halt:
    """Stop or resume trading in `symbol`; cancels are always taken."""

    symbol: str
    is_halted: bool


@dataclass(frozen=True, slots=True)
class OpenSession:
    calendar: str
    date: date


@dataclass(frozen=True, slots=True)
class CloseSession:
    """End the session of `calendar`: what was good for the day expires."""

    calendar: str


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


Command = Admit | Halt | OpenSession | CloseSession | Enter | Take | MassQuote


@dataclass(frozen=True, slots=True)
class Trade:
    """One print: `number` counts the exchange's trades, `aggressor` is who came second."""

    number: int
    symbol: str
    at: datetime
    price: Decimal
    quantity: Decimal
    buyer: str
    seller: str
    aggressor: messages.Side


@dataclass(frozen=True, slots=True)
class Report:
    """What the exchange tells a member about an order of its own."""

    member: str
    symbol: str
    report: messages.ExecutionReport


Event = Trade | Report


def encode(commands: Sequence[Command]) -> str:
    """Return the commands as compact JSON; `decode` gives back equal ones."""
    return json.dumps([_plain(command) for command in commands], separators=(",", ":"))


def decode(text: str) -> list[Command]:
    """Return the commands that `encode` wrote. Raises ValueError for anything else."""
    return [_command(*plain) for plain in json.loads(text)]


def _plain(command: Command) -> list[Any]:
    match command:
        case MassQuote(participant, symbol, bids, asks):
            return ["Q", participant, symbol, _flat(bids), _flat(asks)]
        case Take(participant, symbol, sign, price, quantity):
            return ["T", participant, symbol, sign, price, quantity]
        case Enter(member, messages.NewOrder() as order):
            limit = None if order.limit_price is None else str(order.limit_price)
            return [
                *(
                    "N",
                    member,
                    order.client_order_id,
                    order.symbol,
                    order.side,
                    str(order.quantity),
                ),
                *(order.type, order.time_in_force, limit),
            ]
        case Enter(member, messages.CancelOrder() as cancel):
            return ["C", member, cancel.request_id, cancel.client_order_id]
        case Admit(symbol, tick, lot, quantity_min, calendar):
            return ["A", symbol, str(tick), str(lot), str(quantity_min), calendar]
        case Halt(symbol, is_halted):
            return ["H", symbol, is_halted]
        case OpenSession(calendar, day):
            return ["O", calendar, day.isoformat()]
        case CloseSession(calendar):
            return ["X", calendar]
    raise ValueError(f"{command!r} is not a command of the exchange")


def _command(code: str, *fields: Any) -> Command:
    match code, fields:
        case "Q", (participant, symbol, bids, asks):
            return MassQuote(participant, symbol, _pairs(bids), _pairs(asks))
        case "T", (participant, symbol, sign, price, quantity):
            return Take(participant, symbol, sign, price, quantity)
        case "N", (member, client_order_id, symbol, side, quantity, type_, time_in_force, limit):
            return Enter(
                member,
                messages.NewOrder(
                    client_order_id=client_order_id,
                    symbol=symbol,
                    side=messages.Side(side),
                    quantity=Decimal(quantity),
                    type=messages.OrderType(type_),
                    time_in_force=messages.TimeInForce(time_in_force),
                    limit_price=None if limit is None else Decimal(limit),
                ),
            )
        case "C", (member, request_id, client_order_id):
            return Enter(member, messages.CancelOrder(request_id, client_order_id))
        case "A", (symbol, tick, lot, quantity_min, calendar):
            return Admit(symbol, Decimal(tick), Decimal(lot), Decimal(quantity_min), calendar)
        case "H", (symbol, is_halted):
            return Halt(symbol, is_halted)
        case "O", (calendar, day):
            return OpenSession(calendar, date.fromisoformat(day))
        case "X", (calendar,):
            return CloseSession(calendar)
    raise ValueError(f"the journal holds a command that is unknown here: {code!r} {fields!r}")


def _flat(rungs: Sequence[tuple[int, int]] | None) -> list[int] | None:
    """Write rungs as one list: most of the journal is mass quotes, and this halves them."""
    return None if rungs is None else [number for rung in rungs for number in rung]


def _pairs(numbers: list[int] | None) -> tuple[tuple[int, int], ...] | None:
    return None if numbers is None else tuple(zip(numbers[::2], numbers[1::2], strict=True))
