"""What a client asks for, read: a JSON object becomes an order ticket or a list of errors.

Pure. All that is wrong is said at once. The compatible API ignores fields that it does not
know, as clients send new ones; our own namespace refuses them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

from foundation import decimals
from orders.tickets import Actor, OrderTicket, flaw
from venues.messages import OrderType, Side, TimeInForce

SYMBOL_LENGTH_MAX: Final = 24
PRICE_MAX: Final = Decimal(10_000_000_000)  # beyond it, a price fits no column

_TYPES_ELSEWHERE: Final = frozenset({"stop", "stop_limit", "trailing_stop"})
_TIMES_IN_FORCE_ELSEWHERE: Final = frozenset({"opg", "cls"})
_NOT_YET: Final = (
    "notional",
    "stop_price",
    "trail_price",
    "trail_percent",
    "take_profit",
    "stop_loss",
    "legs",
)
_READ: Final = frozenset(
    {
        "symbol",
        "qty",
        "side",
        "type",
        "order_type",
        "time_in_force",
        "limit_price",
        "extended_hours",
        "client_order_id",
        "order_class",
        "position_intent",
        *_NOT_YET,
    }
)
_INTENTS: Final = {
    "buy_to_open": Side.BUY,
    "buy_to_close": Side.BUY,
    "sell_to_open": Side.SELL,
    "sell_to_close": Side.SELL,
}

Word = TypeVar("Word", bound=StrEnum)


class InvalidTicket(ValueError):
    """The object is no order. `errors` has (field, sentence) of everything that is wrong."""

    def __init__(self, errors: list[tuple[str, str]], *, has_unknown_fields: bool = False) -> None:
        super().__init__(" ".join(sentence for _, sentence in errors))
        self.errors = errors
        self.has_unknown_fields = has_unknown_fields


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose behalf a request came, who sent it, from where and when."""

    account_id: UUID
    actor: Actor
    source_address: str
    received_at: datetime


def order_ticket(
    payload: object, *, origin: Origin, new_id: Callable[[], str], refuses_unknown: bool
) -> OrderTicket:
    """Return the ticket that `payload`, a parsed JSON body, asks for. Raises InvalidTicket.

    A ticket always has a client_order_id, made with `new_id` when the client gave none: it is
    what the order can be asked for by when an answer is lost.
    """
    if not isinstance(payload, dict):
        raise InvalidTicket([("", "The body must be a JSON object.")])
    reading = _Reading(payload)
    if refuses_unknown:
        reading.refuse_unknown()
    reading.refuse_what_is_not_traded_here()
    symbol = reading.symbol()
    side = reading.word("side", Side)
    type_ = reading.order_type()
    time_in_force = reading.word("time_in_force", TimeInForce, elsewhere=_TIMES_IN_FORCE_ELSEWHERE)
    quantity = reading.number("qty", is_required=True)
    limit_price = reading.number("limit_price", most=PRICE_MAX)
    extended_hours = reading.flag("extended_hours")
    client_order_id = reading.client_order_id()
    reading.check_intent(side)
    if (
        reading.errors
        or symbol is None
        or side is None
        or type_ is None
        or time_in_force is None
        or quantity is None
    ):
        raise InvalidTicket(reading.errors, has_unknown_fields=reading.has_unknown_fields)
    ticket = OrderTicket(
        account_id=origin.account_id,
        client_order_id=new_id() if client_order_id is None else client_order_id,
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
    )
    refusal = flaw(ticket)
    if refusal is not None:
        raise InvalidTicket([(_FIELD_OF.get(refusal.code, ""), refusal.message)])
    return ticket


_FIELD_OF: Final = {
    "invalid_quantity": "qty",
    "limit_price_missing": "limit_price",
    "limit_price_unexpected": "limit_price",
    "invalid_limit_price": "limit_price",
    "invalid_client_order_id": "client_order_id",
}


class _Reading:
    """One body being read: every mistake is noted, and reading goes on."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self.payload = payload
        self.errors: list[tuple[str, str]] = []
        self.has_unknown_fields = False

    def note(self, field: str, sentence: str) -> None:
        self.errors.append((field, sentence))

    def refuse_unknown(self) -> None:
        for field in sorted(set(self.payload) - _READ)[:10]:
            self.has_unknown_fields = True
            self.note(field[:40], f"{field[:40]!r} is not a field of an order.")

    def refuse_what_is_not_traded_here(self) -> None:
        for field in _NOT_YET:
            if self.payload.get(field) is not None:
                self.note(field, f"{field} is not supported: send qty of a market or limit order.")
        kind = self.payload.get("order_class")
        if kind not in (None, "", "simple"):
            self.note("order_class", "order_class must be simple.")

    def symbol(self) -> str | None:
        value = self.payload.get("symbol")
        if not isinstance(value, str) or not value.strip():
            self.note("symbol", "symbol is needed.")
            return None
        if len(value) > SYMBOL_LENGTH_MAX or not (value.isascii() and value.isprintable()):
            self.note("symbol", "symbol is not one of ours.")
            return None
        return value.strip().upper()

    def order_type(self) -> OrderType | None:
        field = (
            "order_type"
            if self.payload.get("type") is None and "order_type" in self.payload
            else "type"
        )
        return self.word(field, OrderType, elsewhere=_TYPES_ELSEWHERE)

    def word(
        self, field: str, words: type[Word], *, elsewhere: frozenset[str] = frozenset()
    ) -> Word | None:
        value = self.payload.get(field)
        options = ", ".join(word.value for word in words)
        if value is None:
            self.note(field, f"{field} is needed: one of {options}.")
            return None
        if isinstance(value, str):
            if value in elsewhere:
                self.note(field, f"{field} {value} is not supported: use one of {options}.")
                return None
            for word in words:
                if value == word.value:
                    return word
        self.note(field, f"{field} must be one of {options}.")
        return None

    def number(
        self, field: str, *, is_required: bool = False, most: Decimal | None = None
    ) -> Decimal | None:
        value = self.payload.get(field)
        if value is None:
            if is_required:
                self.note(field, f"{field} is needed.")
            return None
        try:
            found = decimals.parse(value)
        except decimals.InvalidDecimal:
            self.note(field, f"{field} must be a plain decimal number, such as 12.50.")
            return None
        if found != found.quantize(decimals.QUANTITY_QUANTUM, rounding=decimals.DOWN):
            self.note(field, f"{field} has more than 9 decimal places.")
            return None
        if most is not None and found > most:
            self.note(field, f"{field} is too large.")
            return None
        return found

    def flag(self, field: str) -> bool:
        value = self.payload.get(field)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.note(field, f"{field} must be true or false.")
        return False

    def client_order_id(self) -> str | None:
        value = self.payload.get("client_order_id")
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.note("client_order_id", "client_order_id must be a text.")
            return None
        return value

    def check_intent(self, side: Side | None) -> None:
        intent = self.payload.get("position_intent")
        if intent is None:
            return
        if not isinstance(intent, str) or intent not in _INTENTS:
            self.note("position_intent", f"position_intent must be one of {', '.join(_INTENTS)}.")
        elif side is not None and _INTENTS[intent] is not side:
            self.note("position_intent", f"position_intent {intent} is no {side.value}.")
        elif intent == "sell_to_open":
            self.note("position_intent", "Short selling is not supported.")
