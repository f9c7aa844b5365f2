"""The short way out of a socket: a frame written at once, past the layers of a message.

An ASGI message costs several times what the frame in it does: coroutines, checks, objects, and
behind Daphne two more turns of the event loop. That is nothing for what is rare, and most of
everything where hundreds of sockets have a frame each several times a second. An outlet writes
whole binary frames to the server's own transport as long as that has room. Where it has none, and
behind a server that keeps its transport to itself, the way is ASGI's `send`, which waits. Both end
in the same transport, so that what is written first arrives first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

_BINARY: Final = 0x82  # a whole message of bytes in one frame, as the server sends it: not masked
_LENGTH_IN_TWO_BYTES: Final = 126
_LENGTH_IN_EIGHT_BYTES: Final = 127


class Outlet(Protocol):
    def write(self, payload: bytes) -> bool:
        """Send a binary message at once; False, and nothing was sent, where that cannot be."""


class OfUvicorn:
    """The way out of a socket of uvicorn's: `protocol` is its `WebSocketsSansIOProtocol`."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def write(self, payload: bytes) -> bool:
        protocol = self._protocol
        transport = protocol.transport
        is_open = protocol.handshake_complete and not (protocol.close_sent or protocol.disconnected)
        if not is_open or not protocol.writable.is_set() or transport.is_closing():
            return False
        transport.write(framed(payload))
        return True


class OfDaphne:
    """The way out of a socket of Daphne's: `protocol` is Autobahn's, over TCP."""

    __slots__ = ("_has_room", "_protocol")

    def __init__(self, protocol: Any, has_room: asyncio.Event) -> None:
        self._protocol = protocol
        self._has_room = has_room

    def write(self, payload: bytes) -> bool:
        protocol = self._protocol
        transport = protocol.transport
        # Twisted would write with the next turn of the loop, having asked the system to be told
        # when it may. Where nothing waits to be written, that is now.
        is_waiting = transport.dataBuffer or transport._tempDataBuffer
        is_open = protocol.state == protocol.STATE_OPEN and protocol._perMessageCompress is None
        if is_waiting or not is_open or not self._has_room.is_set():
            return False
        frame = framed(payload)
        written = transport.writeSomeData(frame)
        if not isinstance(written, int):
            return False  # the connection is lost, as whoever waits for its messages will hear
        if written < len(frame):
            transport.write(frame[written:])
        return True


def framed(payload: bytes) -> bytes:
    """Return the WebSocket frame of a server's binary message (RFC 6455, 5.2)."""
    length = len(payload)
    if length < _LENGTH_IN_TWO_BYTES:
        return bytes((_BINARY, length)) + payload
    if length < 1 << 16:
        return bytes((_BINARY, _LENGTH_IN_TWO_BYTES)) + length.to_bytes(2, "big") + payload
    return bytes((_BINARY, _LENGTH_IN_EIGHT_BYTES)) + length.to_bytes(8, "big") + payload


def of_uvicorn(send: Callable[..., Any]) -> Outlet | None:
    """Return the way out of the socket that `send` belongs to; None where it is not uvicorn's."""
    protocol: Any = getattr(send, "__self__", None)
    is_its = is_of(protocol, "uvicorn.protocols.websockets.websockets_sansio_impl")
    # An extension would make another frame of the payload.
    return OfUvicorn(protocol) if is_its and not protocol.conn.extensions else None


def is_of(protocol: object, module: str) -> bool:
    """Tell whether it is what this module of a server makes, or what we have made of that."""
    return any(each.__module__ == module for each in type(protocol).__mro__)
