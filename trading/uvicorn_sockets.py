"""Uvicorn's port and sockets for thousands who come at once: they wait, and none is refused."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from trading.web_servers import BACKLOG, PONG_PARTS, PONG_SECONDS_MAX

PAUSE_SECONDS: Final = 1.0


class Server(uvicorn.Server):
    """A server that takes in whoever waits at its port in one turn of its loop.

    uvloop's own servers take in one a turn. Of thousands who come at once the others stay with the
    system, which turns away whom its queue has no room for, and clients give up after two minutes
    of that.
    """

    def __init__(self, config: uvicorn.Config, listening: socket.socket) -> None:
        super().__init__(config)
        self._listening = listening
        self._coming: set[asyncio.Task[Any]] = set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are `serve`'s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        self._listening.setblocking(False)
        self._open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()
        await super().shutdown(sockets)

    def _open(self) -> None:
        if self._listening.fileno() != -1:
            asyncio.get_running_loop().add_reader(self._listening, self._take_in)

    def _take_in(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(BACKLOG):
            try:
                connection, _ = self._listening.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError:  # no more files: whoever waits does so until others have left
                loop.remove_reader(self._listening)
                loop.call_later(PAUSE_SECONDS, self._open)
                return
            connection.setblocking(False)
            taking = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
            self._coming.add(taking)
            taking.add_done_callback(self._coming.discard)

    def _protocol(self) -> asyncio.Protocol:
        made: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = made(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


class Socket(WebSocketsSansIOProtocol):
    """A socket that waits for the answer to a ping in parts."""

    _parts = 0

    def send_keepalive_ping(self) -> None:
        self._parts = 0
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        self._parts += 1
        if self._parts == PONG_PARTS:
            super().keepalive_timeout()
        else:
            seconds = PONG_SECONDS_MAX / PONG_PARTS
            self.pong_timer = self.loop.call_later(seconds, self.keepalive_timeout)
