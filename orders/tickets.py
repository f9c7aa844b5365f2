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
from venues.messages import STOPS, OrderType, Side, TimeInForce

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
    `trail` is the new trail of a trailing stop, an amount or a percentage as it was.
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
_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
LOTS_MAX: Final = 50
_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_AUCTIONS: Final = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_PERCENT_MAX: Final = Decimal(100)


def flaw(ticket: OrderTicket) -> Refusal | None:
    """Return what makes the ticket meaningless whatever the market, or None."""
    return (
        _name_flaw(ticket)
        or _quantity_flaw(ticket)
        or _price_flaw(ticket)
        or _instruction_flaw(ticket)
        or _class_flaw(ticket)
        or _lots_flaw(ticket)
    )


def replace_flaw(ticket: ReplaceTicket) -> Refusal | None:
    """Return what makes the wish to replace meaningless whatever the order, or None."""
    wanted = (ticket.quantity, ticket.limit_price, ticket.stop_price, ticket.trail)
    if all(term is None for term in (*wanted, ticket.time_in_force)):
        return Refusal("nothing_to_replace", "Say what shall change: the order is as it is.")
    for name, number in zip(
        ("quantity", "limit_price", "stop_price", "trail"), wanted, strict=True
    ):
        if number is not None and not _is_sound(number):
            return _unsound(name)
    return _id_flaw(ticket.client_order_id, ticket.actor)


def _name_flaw(ticket: OrderTicket) -> Refusal | None:
    if not (0 < len(ticket.symbol) <= SYMBOL_LENGTH_MAX and ticket.symbol.isprintable()):
        return Refusal("unknown_symbol", "That is no symbol of an instrument.")
    return _id_flaw(ticket.client_order_id, ticket.actor)


def _id_flaw(client_order_id: str, actor: Actor) -> Refusal | None:
    code = "invalid_client_order_id"
    if not 0 < len(client_order_id) <= CLIENT_ORDER_ID_LENGTH_MAX or not (
        client_order_id.isprintable()
    ):
        return Refusal(
            code, f"A client_order_id has 1 to {CLIENT_ORDER_ID_LENGTH_MAX} printable characters."
        )
    if client_order_id.startswith(LIQUIDATION_PREFIX) and actor != LIQUIDATION:
        return Refusal(code, f"Names that begin with {LIQUIDATION_PREFIX} are ours.")
    return None


def _quantity_flaw(ticket: OrderTicket) -> Refusal | None:
    if (ticket.quantity is None) == (ticket.notional is None):
        return Refusal("quantity_or_notional", "Give either a quantity or a notional value.")
    if ticket.quantity is not None and not _is_sound(ticket.quantity):
        return _unsound("quantity")
    notional = ticket.notional
    if notional is None:
        return None
    if not _is_sound(notional) or notional != decimals.quantize(
        notional, asset=decimals.CASH, rounding=decimals.DOWN
    ):
        return Refusal("invalid_notional", "The notional value must be whole cents above zero.")
    if ticket.type not in (OrderType.MARKET, OrderType.LIMIT):
        return Refusal("notional_type", "Only a market or limit order can be by value.")
    if ticket.order_class is not OrderClass.SIMPLE:
        return Refusal("notional_class", "An order by value can have no legs.")
    return None


def _price_flaw(ticket: OrderTicket) -> Refusal | None:
    is_trailing = ticket.type is OrderType.TRAILING_STOP
    kind = _words(ticket.type)
    for name, price, is_needed in (
        ("limit_price", ticket.limit_price, ticket.type in _LIMITED),
        ("stop_price", ticket.stop_price, ticket.type in (OrderType.STOP, OrderType.STOP_LIMIT)),
    ):
        if is_needed and price is None:
            return Refusal(f"{name}_missing", f"A {kind} order needs a {_words(name)}.")
        if not is_needed and price is not None:
            return Refusal(f"{name}_unexpected", f"A {kind} order takes no {_words(name)}.")
        if price is not None and not _is_sound(price):
            return _unsound(name)
    trails = [t for t in (ticket.trail_amount, ticket.trail_percent) if t is not None]
    if len(trails) != is_trailing:
        return Refusal(
            "trail",
            "A trailing stop needs either trail_price or trail_percent."
            if is_trailing
            else f"A {kind} order takes no trail.",
        )
    if trails and not _is_sound(trails[0]):
        return _unsound("trail")
    if ticket.trail_percent is not None and ticket.trail_percent >= _PERCENT_MAX:
        return Refusal("invalid_trail", "A trail must be less than 100 percent.")
    return None


def _instruction_flaw(ticket: OrderTicket) -> Refusal | None:
    """What fits the type and time in force, and what does not."""
    time_in_force = ticket.time_in_force
    if ticket.type in STOPS and time_in_force not in (TimeInForce.DAY, TimeInForce.GTC):
        return Refusal(
            "time_in_force_unfit", f"A {_words(ticket.type)} order is good for the day or gtc."
        )
    if ticket.extended_hours and not (
        ticket.type is OrderType.LIMIT and time_in_force in (TimeInForce.DAY, TimeInForce.GTC)
    ):
        return Refusal("extended_hours_unfit", "Extended hours are for day and gtc limit orders.")
    rests = ticket.type is OrderType.LIMIT and time_in_force not in _AT_ONCE | _AUCTIONS
    if ticket.is_post_only and not rests:
        return Refusal("post_only_unfit", "Only a day or gtc limit order can be post-only.")
    shown = ticket.display_quantity
    if shown is None:
        return None
    if not rests:
        return Refusal("display_unfit", "Only a day or gtc limit order can hide its quantity.")
    most = ticket.quantity or NUMBER_MAX
    if not 0 <= shown <= most or _is_too_fine(shown):
        return Refusal("invalid_display", "What is shown is from zero to the whole quantity.")
    return None


def _class_flaw(ticket: OrderTicket) -> Refusal | None:
    profit, loss = ticket.take_profit, ticket.stop_loss
    if ticket.order_class is OrderClass.SIMPLE:
        if profit is None and loss is None:
            return None
        return Refusal("order_class_missing", "Legs need an order class: bracket, oco or oto.")
    if ticket.time_in_force not in (TimeInForce.DAY, TimeInForce.GTC) or ticket.extended_hours:
        return Refusal("time_in_force_unfit", "An order with legs is good for the day or gtc.")
    if profit is not None and not _is_sound(profit):
        return _unsound("take_profit")
    if loss is not None and not all(
        _is_sound(price) for price in (loss.stop_price, loss.limit_price) if price is not None
    ):
        return _unsound("stop_loss")
    if ticket.order_class is OrderClass.OCO:
        if ticket.type is not OrderType.LIMIT or loss is None or profit is not None:
            return Refusal("oco_legs", "An oco is a limit order with a stop_loss.")
        return _order_of_legs(ticket.side, ticket.limit_price, loss)
    return _entry_flaw(ticket)


def _lots_flaw(ticket: OrderTicket) -> Refusal | None:
    if ticket.lots and (ticket.side is Side.BUY or ticket.order_class is not OrderClass.SIMPLE):
        return Refusal("lots_unfit", "Only a sale without legs can name the lots that it closes.")
    if len(ticket.lots) > LOTS_MAX:
        return Refusal("lots_unfit", f"A sale can name {LOTS_MAX} lots at most.")
    return None


def _entry_flaw(ticket: OrderTicket) -> Refusal | None:
    """What speaks against an entry with its one or two legs."""
    profit, loss = ticket.take_profit, ticket.stop_loss
    if ticket.type is OrderType.TRAILING_STOP:
        return Refusal("entry_type", "A trailing stop order cannot be an entry.")
    if ticket.order_class is OrderClass.BRACKET and (profit is None or loss is None):
        return Refusal("bracket_legs", "A bracket needs a take_profit and a stop_loss.")
    if ticket.order_class is OrderClass.OTO and (profit is None) == (loss is None):
        return Refusal("oto_legs", "An oto needs either a take_profit or a stop_loss.")
    exit_side = Side.SELL if ticket.side is Side.BUY else Side.BUY
    return _order_of_legs(exit_side, profit, loss)


def _order_of_legs(side: Side, profit: Decimal | None, loss: StopLoss | None) -> Refusal | None:
    """A position that is sold takes its profit above its stop; one that is bought back, below."""
    if profit is None or loss is None or (profit - loss.stop_price) * side.sign < 0:
        return None
    where = "above" if side is Side.SELL else "below"
    return Refusal("leg_prices", f"The take-profit must lie {where} the stop-loss.")


def _is_sound(number: Decimal) -> bool:
    return 0 < number <= NUMBER_MAX and not _is_too_fine(number)


def _unsound(name: str) -> Refusal:
    return Refusal(
        f"invalid_{name}",
        f"The {_words(name)} must be above zero, at most {NUMBER_MAX}, with at most 9 decimals.",
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _is_too_fine(number: Decimal) -> bool:
    return number != number.quantize(decimals.QUANTITY_QUANTUM, rounding=decimals.DOWN)


def _text(number: Decimal | None) -> str:
    return "" if number is None else decimals.text(number)
