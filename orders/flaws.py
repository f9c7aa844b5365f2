"""What makes a ticket meaningless in itself, whatever the market and the account. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from foundation import decimals
from orders.tickets import (
    CLIENT_ORDER_ID_LENGTH_MAX,
    LIQUIDATION,
    LIQUIDATION_PREFIX,
    NUMBER_MAX,
    SYMBOL_LENGTH_MAX,
    Actor,
    OrderClass,
    OrderTicket,
    Refusal,
    ReplaceTicket,
    StopLoss,
)
from venues.messages import STOPS, OrderType, Side, TimeInForce

LOTS_MAX: Final = 50
_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_AUCTIONS: Final = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_PERCENT_MAX: Final = Decimal(100)


def of_order(ticket: OrderTicket) -> Refusal | None:
    """Return what makes the ticket meaningless whatever the market, or None."""
    return (
        _name_flaw(ticket)
        or _quantity_flaw(ticket)
        or _price_flaw(ticket)
        or _instruction_flaw(ticket)
        or _class_flaw(ticket)
        or _lots_flaw(ticket)
    )


def of_replacement(ticket: ReplaceTicket) -> Refusal | None:
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
