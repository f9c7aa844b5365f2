"""A client that resets its connection behind daphne: whoever writes to it then hears of its end."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
import uvloop
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.protocol import Factory, Protocol

from tests.patience import DEADLINE_SECONDS
from trading.daphne_reactor import Reactor

AT_ONCE = struct.pack("ii", 1, 0)  # closed without a farewell: a reset


class Guest(Protocol):
    """One who has said something and been gone since."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[bytes] = asyncio.get_event_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_event_loop().create_future()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self.heard.set_result(data)

    def connectionLost(self, reason: object = None) -> None:  # noqa: N802 - Twisted's name
        self.lost.set_result(None)


class Guests(Factory):
    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def buildProtocol(self, addr: object) -> Guest:  # noqa: N802 - Twisted's name
        return self.guest


def written_to_after_a_reset(kind: type[AsyncioSelectorReactor]) -> Guest:
    """Return the guest that was heard, had its connection reset, and was written to."""

    async def host() -> Guest:
        guest = Guest()
        reactor = kind(asyncio.get_running_loop())
        port = reactor.listenTCP(0, Guests(guest), interface="127.0.0.1")
        client = socket.create_connection(("127.0.0.1", port.getHost().port))
        client.sendall(b"hello")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        client.close()
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await guest.heard == b"hello"
            await asyncio.sleep(0)  # uvloop closes its handle when the reader has read
            try:
                guest.transport.write(b"hello yourself")
                await guest.lost
            finally:
                reactor.removeAll()
                port.socket.close()
        return guest

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(host())


def test_who_is_written_to_after_a_reset_is_lost() -> None:
    guest = written_to_after_a_reset(Reactor)
    assert guest.lost.done()
    assert not guest.transport.connected


def test_twisted_by_itself_fails_to_write_to_it() -> None:
    with pytest.raises(RuntimeError, match="the handler is closed"):
        written_to_after_a_reset(AsyncioSelectorReactor)
