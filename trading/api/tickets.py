"""What a client asks for, read: a JSON object becomes a ticket or a list of what is wrong.

Pure. Everything that cannot be read is said at once; what can be read but makes no sense
together, `orders.tickets` says. The compatible API ignores fields that it does not know, as
clients send new ones; our own namespace refuses them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from orders import flaws
from orders.tickets import (
    SYMBOL_LENGTH_MAX,
    Actor,
    OrderClass,
    OrderTicket,
    Refusal,
    ReplaceTicket,
    StopLoss,
)
from risk.margin.requirements import Intent
from trading.api.reading import Mistake, Reading
from venues.messages import OrderType, Side, TimeInForce

_ORDER_FIELDS: Final = frozenset(
    {
        "symbol",
        "qty",
        "notional",
        "side",
        "type",
        "order_type",
        "time_in_force",
        "limit_price",
        "stop_price",
        "trail_price",
        "trail_percent",
        "extended_hours",
        "client_order_id",
        "order_class",
        "take_profit",
        "stop_loss",
        "legs",
        "position_intent",
        "post_only",
        "display_qty",
        "lots",
    }
)
_REPLACE_FIELDS: Final = frozenset(
    {"qty", "time_in_force", "limit_price", "stop_price", "trail", "client_order_id"}
)
_PROFIT_FIELDS: Final = frozenset({"limit_price"})
_LOSS_FIELDS: Final = frozenset({"stop_price", "limit_price"})
_INTENTS: Final = {
    "buy_to_open": Side.BUY,
    "buy_to_close": Side.BUY,
    "sell_to_open": Side.SELL,
    "sell_to_close": Side.SELL,
}

_FIELD_OF: Final = {
    "unknown_symbol": "symbol",
    "invalid_client_order_id": "client_order_id",
    "quantity_or_notional": "qty",
    "invalid_quantity": "qty",
    "invalid_notional": "notional",
    "notional_type": "notional",
    "notional_class": "notional",
    "limit_price_missing": "limit_price",
    "limit_price_unexpected": "limit_price",
    "invalid_limit_price": "limit_price",
    "stop_price_missing": "stop_price",
    "stop_price_unexpected": "stop_price",
    "invalid_stop_price": "stop_price",
    "time_in_force_unfit": "time_in_force",
    "extended_hours_unfit": "extended_hours",
    "post_only_unfit": "post_only",
    "display_unfit": "display_qty",
    "lots_unfit": "lots",
    "invalid_display": "display_qty",
    "order_class_missing": "order_class",
    "bracket_legs": "order_class",
    "oto_legs": "order_class",
    "oco_legs": "order_class",
    "entry_type": "type",
    "invalid_take_profit": "take_profit",
    "invalid_stop_loss": "stop_loss",
    "leg_prices": "take_profit",
}
"""Which field of ours a flaw is of; that of a trail is the one that was sent."""


class InvalidTicket(ValueError):
    """The object asks for nothing that could be done; `mistakes` has everything that is wrong."""

    def __init__(self, mistakes: list[Mistake], *, has_unknown_fields: bool = False) -> None:
        super().__init__(" ".join(mistake.message for mistake in mistakes))
        self.mistakes = mistakes
        self.has_unknown_fields = has_unknown_fields


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose behalf a request came, who sent it, from where and when; its id, for logs."""

    account_id: UUID
    actor: Actor
    source_address: str
    received_at: datetime
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class _Legs:
    order_class: OrderClass
    take_profit: Decimal | None
    stop_loss: StopLoss | None


def order_ticket(
    payload: object, *, origin: Origin, new_id: Callable[[], str], refuses_unknown: bool
) -> OrderTicket:
    """Return the ticket that `payload`, a parsed JSON body, asks for. Raises InvalidTicket.

    A ticket always has a client_order_id, made with `new_id` when the client gave none: it is
    what the order can be asked for by when an answer is lost.
    """
    reading = _reading(payload, _ORDER_FIELDS, refuses_unknown=refuses_unknown)
    symbol = _symbol(reading)
    side = reading.needed_word("side", Side)
    type_ = reading.needed_word(_type_field(reading), OrderType)
    time_in_force = reading.needed_word("time_in_force", TimeInForce)
    client_order_id = reading.text("client_order_id")
    legs = _legs(reading, refuses_unknown=refuses_unknown)
    quantity, notional = reading.number("qty"), reading.number("notional")
    if not reading.has("qty") and not reading.has("notional"):
        reading.note("qty", "qty or notional is needed.", code="missing")
    limit_price, stop_price = reading.number("limit_price"), reading.number("stop_price")
    trail_amount, trail_percent = reading.number("trail_price"), reading.number("trail_percent")
    extended_hours, is_post_only = reading.flag("extended_hours"), reading.flag("post_only")
    display_quantity = reading.number("display_qty")
    intent = _intent(reading, side)
    lots = reading.ids("lots")
    if legs.order_class is OrderClass.OCO:
        limit_price = _oco_limit(reading, limit_price, legs.take_profit)
    if reading.mistakes or side is None or type_ is None or time_in_force is None:
        raise InvalidTicket(reading.mistakes, has_unknown_fields=reading.has_unknown_fields)
    ticket = OrderTicket(
        account_id=origin.account_id,
        client_order_id=client_order_id or new_id(),
        symbol=symbol,
        side=side,
        quantity=quantity,
        type=type_,
        time_in_force=time_in_force,
        limit_price=limit_price,
        extended_hours=extended_hours,
        actor=origin.actor,
        source_address=origin.source_address,
        received_at=origin.received_at,
        request_id=origin.request_id,
        notional=notional,
        stop_price=stop_price,
        trail_amount=trail_amount,
        trail_percent=trail_percent,
        is_post_only=is_post_only,
        display_quantity=display_quantity,
        order_class=legs.order_class,
        take_profit=None if legs.order_class is OrderClass.OCO else legs.take_profit,
        stop_loss=legs.stop_loss,
        is_id_ours=client_order_id is None,
        position_intent=intent,
        lots=lots,
    )
    _refuse(flaws.of_order(ticket), trail="trail_percent" if trail_percent else "trail_price")
    return ticket


def replace_ticket(
    payload: object,
    order_id: UUID,
    *,
    origin: Origin,
    new_id: Callable[[], str],
    refuses_unknown: bool,
) -> ReplaceTicket:
    """Return the wish to replace an order that `payload` asks for. Raises InvalidTicket."""
    reading = _reading(payload, _REPLACE_FIELDS, refuses_unknown=refuses_unknown)
    if reading.has("notional"):
        reading.note(
            "notional", "The value of an order cannot be replaced.", code="not_replaceable"
        )
    client_order_id = reading.text("client_order_id")
    ticket = ReplaceTicket(
        account_id=origin.account_id,
        order_id=order_id,
        client_order_id=client_order_id or new_id(),
        quantity=reading.number("qty"),
        limit_price=reading.number("limit_price"),
        stop_price=reading.number("stop_price"),
        trail=reading.number("trail"),
        time_in_force=reading.word("time_in_force", TimeInForce),
        actor=origin.actor,
        source_address=origin.source_address,
        received_at=origin.received_at,
        request_id=origin.request_id,
        is_id_ours=client_order_id is None,
    )
    if reading.mistakes:
        raise InvalidTicket(reading.mistakes, has_unknown_fields=reading.has_unknown_fields)
    _refuse(flaws.of_replacement(ticket), trail="trail")
    return ticket


def _reading(payload: object, known: frozenset[str], *, refuses_unknown: bool) -> Reading:
    if not isinstance(payload, dict):
        raise InvalidTicket([Mistake("", "The body must be a JSON object.")])
    reading = Reading(payload)
    if refuses_unknown:
        reading.refuse_all_but(known)
    return reading


def _refuse(flaw: Refusal | None, *, trail: str) -> None:
    if flaw is None:
        return
    field = trail if flaw.code in ("trail", "invalid_trail") else _FIELD_OF.get(flaw.code, "")
    raise InvalidTicket([Mistake(field, flaw.message, flaw.code)])


def _symbol(reading: Reading) -> str:
    value = reading.text("symbol")
    if value is None or not value.strip():
        if not reading.mistakes or reading.mistakes[-1].field != "symbol":
            reading.note("symbol", "symbol is needed.", code="missing")
        return ""
    if len(value) > SYMBOL_LENGTH_MAX or not (value.isascii() and value.isprintable()):
        reading.note("symbol", "symbol is not one of ours.", code="unknown_symbol")
    return value.strip().upper()


def _type_field(reading: Reading) -> str:
    return "order_type" if reading.has("order_type") and not reading.has("type") else "type"


def _legs(reading: Reading, *, refuses_unknown: bool) -> _Legs:
    """Read the class of the order, and the prices of its legs."""
    order_class = OrderClass.SIMPLE
    if reading.payload.get("order_class") == "mleg" or reading.has("legs"):
        reading.note(
            "order_class", "Orders of several instruments are not traded here.", code="mleg"
        )
    else:
        order_class = reading.word("order_class", OrderClass) or OrderClass.SIMPLE
    take_profit, stop_loss = None, None
    if part := reading.part("take_profit", _PROFIT_FIELDS, refuses_unknown=refuses_unknown):
        take_profit = _needed(part, "limit_price")
        reading.absorb(part)
    if part := reading.part("stop_loss", _LOSS_FIELDS, refuses_unknown=refuses_unknown):
        stop_price, limit_price = _needed(part, "stop_price"), part.number("limit_price")
        stop_loss = StopLoss(stop_price, limit_price) if stop_price is not None else None
        reading.absorb(part)
    return _Legs(order_class, take_profit, stop_loss)


def _needed(part: Reading, field: str) -> Decimal | None:
    if not part.has(field):
        part.note(field, f"{field} is needed.", code="missing")
    return part.number(field)


def _oco_limit(
    reading: Reading, limit_price: Decimal | None, take_profit: Decimal | None
) -> Decimal | None:
    """Return the limit of an OCO, which clients give in either place."""
    if take_profit is None or limit_price in (None, take_profit):
        return limit_price if take_profit is None else take_profit
    reading.note(
        "limit_price",
        "The limit_price of an oco is that of its take_profit: give it once.",
        code="oco_legs",
    )
    return None


def _intent(reading: Reading, side: Side | None) -> Intent | None:
    """Return what the order is to do to the position, if the client says so."""
    intent = reading.text("position_intent")
    if intent is None:
        return None
    if intent not in _INTENTS:
        reading.note("position_intent", f"position_intent must be one of {', '.join(_INTENTS)}.")
    elif side is not None and _INTENTS[intent] is not side:
        reading.note("position_intent", f"position_intent {intent} is no {side.value}.")
    else:
        return Intent(intent)
    return None
