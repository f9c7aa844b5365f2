"""What a provider says on the compatible stream and in its calls, read; and what we say. Pure.

A frame is an array of messages, as JSON or as msgpack. Whatever cannot be read is counted and
left out, message by message: nothing that comes over a wire ends the one who reads it.
docs/api.md has the protocol.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgpack

from marketdata import conditions
from marketdata.ticks import QuoteTick, Tick, TradeTick

_QUANTUM: Final = Decimal("0.000000001")
_EXPONENT_MAX: Final = 15
_SYMBOL_LENGTH_MAX: Final = 24
_ID_LENGTH_MAX: Final = 40
_TAPES: Final = {"A": "CTA", "B": "CTA", "C": "UTP"}
_HALTED: Final = frozenset({"2", "H", "P"})
_RESUMED: Final = frozenset({"3", "T"})


class Unreadable(ValueError):
    """This says nothing that we understand."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message about the conversation: connected, authenticated, or an error with its code."""

    message: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What we are subscribed to by now, by channel."""

    symbols: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute that has ended, or was repaired, as the provider counts it."""

    symbol: str
    start: datetime
    trades: int


@dataclass(frozen=True, slots=True)
class Status:
    """A symbol was halted, or is traded again."""

    symbol: str
    at: datetime
    is_halted: bool


@dataclass(slots=True)
class Heard:
    """What one frame says, in its order; `malformed` messages are not among it."""

    said: list[Said | Subscribed] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    minutes: list[Minute] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    malformed: int = 0

    @property
    def is_of_the_market(self) -> bool:
        return bool(self.ticks or self.minutes or self.statuses)


# --- What we say -------------------------------------------------------------------------------


def authenticate(key_id: str, secret: str) -> bytes:
    return _packed({"action": "auth", "key": key_id, "secret": secret})


def subscribe(symbols: Collection[str], *, action: str = "subscribe") -> bytes:
    """Return what asks for all that we take of these symbols."""
    wanted = sorted(symbols)
    channels = ("trades", "quotes", "bars", "updatedBars", "statuses")
    return _packed({"action": action, **dict.fromkeys(channels, wanted)})


def unsubscribe(symbols: Collection[str]) -> bytes:
    return subscribe(symbols, action="unsubscribe")


def _packed(message: Mapping[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(message)
    return packed


# --- What is said to us ------------------------------------------------------------------------


def heard(data: str | bytes) -> Heard:
    """Read a frame: text is JSON, anything else msgpack."""
    found = Heard()
    try:
        messages = _messages(data)
    except Unreadable:
        found.malformed += 1
        return found
    for message in messages:
        try:
            _hear(message, found)
        except Unreadable:
            found.malformed += 1
    return found


def _messages(data: str | bytes) -> Sequence[Any]:
    try:
        if isinstance(data, str):
            told = json.loads(data, parse_float=Decimal)
        else:
            told = msgpack.unpackb(data, timestamp=3)
    except (ValueError, msgpack.UnpackException, RecursionError, OverflowError) as error:
        raise Unreadable from error
    return told if isinstance(told, list) else [told]


def _hear(message: Any, found: Heard) -> None:
    if not isinstance(message, dict):
        raise Unreadable
    match message.get("T"):
        case "t":
            found.ticks += trades_of(_symbol(message), [message])
        case "q":
            found.ticks.append(quote_of(_symbol(message), message))
        case "b" | "u":
            found.minutes.append(_minute(message))
        case "s":
            found.statuses += _statuses(message)
        case "success":
            found.said.append(Said(str(message.get("msg"))))
        case "error":
            code = message.get("code")
            found.said.append(Said(str(message.get("msg")), code if type(code) is int else 0))
        case "subscription":
            found.said.append(_subscribed(message))
        case str():
            pass  # a channel that we did not ask for, or one that is newer than we are
        case _:
            raise Unreadable


def trades_of(symbol: str, records: Sequence[Any]) -> list[TradeTick]:
    """Return the trades that these records of `symbol` tell. Raises Unreadable.

    Conditions that make it no trade at all leave it out: an official close is one.
    """
    found = []
    for record in records:
        if not isinstance(record, dict):
            raise Unreadable
        counts = conditions.REGULAR
        if tape := _TAPES.get(str(record.get("z"))):
            counts = conditions.effect(_conditions(record), tape=tape)
        if counts.is_volume:
            found.append(
                TradeTick(
                    symbol,
                    moment(record.get("t")),
                    number(record.get("p")),
                    number(record.get("s")),
                    _name(record.get("i")),
                    counts.sets_last,
                )
            )
    return found


def quote_of(symbol: str, record: Any) -> QuoteTick:
    """Return the best bid and offer that a record tells; one of price 0 is none. Raises Unreadable.

    A price that is wrong, below 0 or no number, comes through as it is: cleaning counts it.
    """
    if not isinstance(record, dict):
        raise Unreadable
    bid, ask = number(record.get("bp")), number(record.get("ap"))
    bid_size, ask_size = number(record.get("bs")), number(record.get("as"))
    return QuoteTick(
        symbol,
        moment(record.get("t")),
        None if _is_nothing(bid) else bid,
        Decimal(0) if _is_nothing(bid) else bid_size,
        None if _is_nothing(ask) else ask,
        Decimal(0) if _is_nothing(ask) else ask_size,
    )


def _is_nothing(price: Decimal) -> bool:
    return price.is_finite() and not price


def _minute(message: Mapping[str, Any]) -> Minute:
    trades = message.get("n")
    if type(trades) is not int or trades < 0:
        raise Unreadable
    return Minute(_symbol(message), moment(message.get("t")), trades)


def _statuses(message: Mapping[str, Any]) -> list[Status]:
    code = message.get("sc")
    if not isinstance(code, str) or code not in _HALTED | _RESUMED:
        return []
    return [Status(_symbol(message), moment(message.get("t")), code in _HALTED)]


def _subscribed(message: Mapping[Any, Any]) -> Subscribed:
    channels = {str(name): value for name, value in message.items() if name != "T"}
    if not all(
        isinstance(value, list) and all(isinstance(each, str) for each in value)
        for value in channels.values()
    ):
        raise Unreadable
    return Subscribed({name: frozenset(value) for name, value in channels.items()})


def _symbol(message: Mapping[str, Any]) -> str:
    symbol = message.get("S")
    if not isinstance(symbol, str) or not 0 < len(symbol) <= _SYMBOL_LENGTH_MAX:
        raise Unreadable
    return symbol


def _conditions(record: Mapping[str, Any]) -> list[str]:
    told = record.get("c") or []
    if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
        raise Unreadable
    return told


def _name(told: Any) -> str:
    """Return the provider's own number of a trade."""
    if type(told) not in (int, str) or len(name := str(told)) > _ID_LENGTH_MAX:
        raise Unreadable
    if not name.isprintable():
        raise Unreadable
    return name


def number(told: Any) -> Decimal:
    """Return a number to nine places: the shortest that a float can mean. Raises Unreadable."""
    if isinstance(told, bool) or not isinstance(told, int | float | Decimal):
        raise Unreadable
    try:
        found = Decimal(repr(told)) if isinstance(told, float) else Decimal(told)
        if not found.is_finite():
            return found
        if found.adjusted() > _EXPONENT_MAX:
            return Decimal("Infinity").copy_sign(found)  # beyond all bounds; cleaning says so
        return found.quantize(_QUANTUM).normalize() + 0
    except InvalidOperation as error:
        raise Unreadable from error


def moment(told: Any) -> datetime:
    """Return a time, to the microsecond, in UTC. Raises Unreadable."""
    if isinstance(told, datetime):
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    if not isinstance(told, str) or len(told) > 40:
        raise Unreadable
    try:
        found = datetime.fromisoformat(told)
        if found.tzinfo is None:
            raise Unreadable
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable from error
