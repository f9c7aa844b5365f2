"""What goes over the sockets of compatible data clients, as JSON text or as msgpack. Pure.

Every frame is an array. A message of the market is made and encoded once for each codec, when
somebody first asks for it, and shared by every socket. docs/api.md has the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any, Final

import msgpack
import orjson

from trading.api import wire
from trading.api.wire import Json

SYMBOLS_MAX: Final = 1_000
SYMBOL_LENGTH_MAX: Final = 24
EVERY: Final = "*"
"""Of a channel: whatever there is."""


class Channel(StrEnum):
    TRADES = "trades"
    QUOTES = "quotes"
    BARS = "bars"
    UPDATED_BARS = "updatedBars"
    DAILY_BARS = "dailyBars"
    STATUSES = "statuses"
    # May be asked for; nothing of ours is told in them yet.
    LULDS = "lulds"
    CORRECTIONS = "corrections"
    CANCEL_ERRORS = "cancelErrors"


_TYPES: Final = {
    Channel.TRADES: "t",
    Channel.QUOTES: "q",
    Channel.BARS: "b",
    Channel.UPDATED_BARS: "u",
    Channel.DAILY_BARS: "d",
    Channel.STATUSES: "s",
}


class Code(IntEnum):
    """What clients know errors by."""

    SYNTAX = 400
    NOT_AUTHENTICATED = 401
    AUTHENTICATION_FAILED = 402
    ALREADY_AUTHENTICATED = 403
    AUTHENTICATION_TIMEOUT = 404
    SYMBOL_LIMIT = 405
    SLOW_CLIENT = 407


class Refused(Exception):
    """Nothing was done about what the client asked for."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


# --- What the client says ----------------------------------------------------------------------

Wanted = dict[Channel, frozenset[str]]
"""Symbols by channel, EVERY among them for all."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    key_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    wanted: Wanted


Asked = Authenticate | Subscribe | Unsubscribe


def asked(data: str | bytes, *, is_packed: bool) -> Asked:
    """Read what a client asks for; raises Refused. Text is JSON whatever the codec."""
    match _read(data, is_packed=is_packed and isinstance(data, bytes)):
        case {"action": "auth", "key": str(key_id), "secret": str(secret)}:
            return Authenticate(key_id, secret)
        case {"action": "subscribe", **rest}:
            return Subscribe(_wanted(rest))
        case {"action": "unsubscribe", **rest}:
            return Unsubscribe(_wanted(rest))
    raise Refused(Code.SYNTAX, "invalid syntax")


def _read(data: str | bytes, *, is_packed: bool) -> Any:
    try:
        return msgpack.unpackb(data) if is_packed else orjson.loads(data)
    except (ValueError, msgpack.UnpackException) as error:
        raise Refused(Code.SYNTAX, "invalid syntax") from error


def _wanted(channels: Mapping[Any, Any]) -> Wanted:
    try:
        return {Channel(name): _symbols(symbols) for name, symbols in channels.items()}
    except ValueError as error:
        raise Refused(Code.SYNTAX, "invalid syntax") from error


def _symbols(symbols: Any) -> frozenset[str]:
    if not isinstance(symbols, list) or not all(
        isinstance(each, str) and 0 < len(each) <= SYMBOL_LENGTH_MAX for each in symbols
    ):
        raise ValueError
    return frozenset(symbols)


# --- What it is told ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """One thing that the market said of `symbol` on `channel`; numbers rise over all of them."""

    number: int
    channel: Channel
    symbol: str
    at: datetime
    make: Callable[[], Json]

    @property
    def _content(self) -> Json:
        return {"T": _TYPES[self.channel], "S": self.symbol, **self.make()}

    @cached_property
    def text(self) -> bytes:
        return orjson.dumps({"t": wire.timestamp(self.at), **self._content})

    @cached_property
    def packed(self) -> bytes:
        packed: bytes = msgpack.packb({**self._content, "t": self.at}, datetime=True)
        return packed


def frame(messages: Sequence[Message], *, is_packed: bool) -> str | bytes:
    """Return the frame of these messages of the market."""
    if not is_packed:
        return (b"[" + b",".join(each.text for each in messages) + b"]").decode()
    return _array(each.packed for each in messages)


def success(message: str, *, is_packed: bool) -> str | bytes:
    return _control({"T": "success", "msg": message}, is_packed)


def error(code: Code, message: str, *, is_packed: bool) -> str | bytes:
    return _control({"T": "error", "code": int(code), "msg": message}, is_packed)


def subscription(wanted: Wanted, *, is_packed: bool) -> str | bytes:
    """Return what the client is subscribed to by now, every channel."""
    channels = {channel.value: sorted(wanted.get(channel, ())) for channel in Channel}
    return _control({"T": "subscription", **channels}, is_packed)


def _control(message: Json, is_packed: bool) -> str | bytes:
    return _array([msgpack.packb(message)]) if is_packed else orjson.dumps([message]).decode()


def _array(packed: Iterable[bytes]) -> bytes:
    items = list(packed)
    header: bytes = msgpack.Packer().pack_array_header(len(items))
    return header + b"".join(items)
