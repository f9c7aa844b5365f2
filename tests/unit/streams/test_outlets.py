"""The short way out of a socket: behind the servers as they are, in order, until it is full."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, cast

import pytest
from autobahn.websocket.protocol import WebSocketProtocol
from twisted.internet import tcp
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from websockets.sync.client import connect

from tests.patience import DEADLINE_SECONDS
from trading.streams.backpressure import felt
from trading.streams.outlets import framed
from trading.web_servers import Uvicorn

CHUNK = bytes(range(256)) * 256  # 64 KiB: what the length of a frame needs eight bytes for
LENGTHS = [0, 1, 125, 126, 2**16 - 1, 2**16]


async def fill(scope: Any, receive: Any, send: Any) -> None:
    """Write frames of all lengths, then until there is no room, and then the other way."""
    outlet = scope["outlet"]
    await receive()
    assert outlet.write(b"too soon") is False
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "bytes": b"first"})
    for length in LENGTHS:
        while not outlet.write(bytes(length)):  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0)
    count = 0
    while outlet.write(CHUNK):
        count += 1
    await send({"type": "websocket.send", "bytes": b"%d" % count})
    await send({"type": "websocket.close"})
    assert outlet.write(b"too late") is False
    await receive()


@pytest.fixture
def uvicorn() -> Iterator[int]:
    """`fill` behind uvicorn; its port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = int(listening.getsockname()[1])
    server, ready = Uvicorn(cast("Any", felt(fill)), listening), threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,))
    thread.start()
    ready.wait(DEADLINE_SECONDS)
    yield port
    server.stop()
    thread.join(DEADLINE_SECONDS)


def test_uvicorn_takes_frames_until_it_is_full_and_what_follows_comes_after_them(
    uvicorn: int,
) -> None:
    address = f"ws://127.0.0.1:{uvicorn}"
    with connect(address, open_timeout=DEADLINE_SECONDS, compression="deflate") as client:
        messages = list(client)
    assert messages[0] == b"first"
    assert [len(each) for each in messages[1 : 1 + len(LENGTHS)]] == LENGTHS
    chunks, count = messages[1 + len(LENGTHS) : -1], int(messages[-1])
    assert 0 < len(chunks) == count
    assert set(chunks) == {CHUNK}


# Twisted's types ask for more than is needed here.
_connection: Final[Any] = tcp.Server
_failure: Final[Any] = Failure


def _gone() -> Any:
    return _failure(ConnectionDone())


class Far(Protocol):
    """Daphne's side of an open socket, as `felt` knows it."""

    STATE_OPEN = WebSocketProtocol.STATE_OPEN
    state = WebSocketProtocol.STATE_OPEN
    _perMessageCompress = None  # noqa: N815 - Autobahn's name


Far.__module__ = "daphne.ws_protocol"


async def test_twisted_takes_frames_until_it_is_full_and_sends_the_rest_of_one_later() -> None:
    loop = asyncio.get_running_loop()
    reactor = AsyncioSelectorReactor(loop)
    near, far = socket.socketpair()
    near.setblocking(False)
    protocol = Far()
    transport = _connection(near, protocol, ("", 0), None, 0, reactor)
    protocol.transport = transport
    outlets: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        outlets.append(scope["outlet"])

    await felt(application)({}, None, partial(fill, protocol))  # type: ignore[arg-type] # unused
    (outlet,) = outlets
    count = 0
    while outlet.write(CHUNK):
        count += 1
    assert count > 0
    whole = framed(CHUNK) * count
    received = bytearray()
    far.setblocking(False)
    while len(received) < len(whole):
        received += await loop.sock_recv(far, 1 << 20)
    assert bytes(received) == whole
    while not outlet.write(b"again"):  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)
    assert await loop.sock_recv(far, 100) == framed(b"again")
    protocol.state = WebSocketProtocol.STATE_CLOSED
    assert outlet.write(b"too late") is False
    transport.connectionLost(_gone())
    far.close()
    reactor._asyncioEventloop.remove_reader(reactor.waker.fileno())
    reactor.waker.connectionLost(_gone())
