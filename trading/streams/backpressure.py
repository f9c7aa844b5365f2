"""Make a full socket felt: sending to one waits until it has room.

The ASGI servers that we run differ: uvicorn's and granian's `send` waits while the client does
not read; Daphne's returns at once and piles up what was sent, without bound, and accepts
messages of any length. Behind Daphne, this asks Twisted to tell when the socket is full.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from autobahn.exception import Disconnected

from trading.streams import outlets
from trading.streams.gate import Application, Receive, Scope, Send

MESSAGE_BYTES_MAX: Final = 32 * 1024
# That the system may hold for a socket that does not read (Linux allows twice of it): seconds of
# prices, so that silence is noticed soon, and still 200 kB/s to a phone 300 ms away.
KERNEL_BYTES_MAX: Final = 32 * 1024


class _Valve:
    """Open while the socket has room. Twisted calls these methods by their names.

    Who does not read is not read from either: what it asks for would only pile up here.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.opened = asyncio.Event()
        self.opened.set()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.opened.clear()
        self._transport.pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.opened.set()
        self._transport.resumeProducing()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.opened.set()


def felt(application: Application) -> Application:
    """Return `application` with a `send` that waits for room, whichever server runs it.

    Beside it, scope["outlet"] is the short way out for as long as there is room, or None.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        protocol = _daphne_protocol(send)
        if protocol is None:
            await application({**scope, "outlet": outlets.of_uvicorn(send)}, receive, _heard(send))
        else:
            valve = _fitted(protocol)
            outlet = outlets.OfDaphne(protocol, has_room=valve.opened)
            waiting = _waiting(send, protocol, valve)
            await application({**scope, "outlet": outlet}, receive, waiting)

    return wrapped


def _heard(send: Send) -> Send:
    """Return `send` for who may have left: that one has is the next thing we hear."""

    async def heard_send(message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # what ASGI has servers raise then
            await send(message)

    return heard_send


def _daphne_protocol(send: Send) -> Any | None:
    """Return Daphne's side of the socket: its `send` is its server's method, bound to it."""
    if not isinstance(send, partial) or not send.args:
        return None
    protocol = send.args[0]
    return protocol if outlets.is_of(protocol, "daphne.ws_protocol") else None


def _fitted(protocol: Any) -> _Valve:
    """Bound what this socket's server takes, reads and holds; return what tells when it is full."""
    valve = _Valve(protocol.transport)
    # Twisted knows one producer; the HTTP request that became this socket was the one before.
    protocol.transport.unregisterProducer()
    protocol.transport.registerProducer(valve, True)
    protocol.maxMessagePayloadSize = protocol.maxFramePayloadSize = MESSAGE_BYTES_MAX
    # Of a client that has left meanwhile, Twisted has no socket any more.
    handle = getattr(protocol.transport, "socket", None)
    if isinstance(handle, socket.socket):
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES_MAX)
    return valve


def _waiting(
    send: Send, protocol: Any, valve: _Valve
) -> Callable[[dict[str, Any]], Awaitable[None]]:
    async def waiting_send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await valve.opened.wait()
        elif message["type"] == "websocket.close" and not valve.opened.is_set():
            # The close frame would wait behind all that the client does not read.
            await send(message)
            protocol.transport.abortConnection()
            return
        # A client that has left is told nothing; that it has left is the next thing we hear.
        with contextlib.suppress(Disconnected):
            await send(message)

    return waiting_send
