"""The web servers that `serve` can run: each in this process's main thread, each stopped alike.

Stopping means: accept nothing new, let requests that are being answered finish for
DRAIN_SECONDS_MAX at most, close the sockets, return. The application knows none of them.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Protocol

import uvloop

if TYPE_CHECKING:
    from trading.api.plain import Application

DRAIN_SECONDS_MAX: Final = 5.0
CANCEL_SECONDS_MAX: Final = 1.0
SOCKET_MESSAGE_BYTES_MAX: Final = 1024 * 1024
# When all clients come back at once, the last of them waits for its turn and is not refused. What
# a handshake takes once its request has come is our time alone.
HANDSHAKE_SECONDS_MAX: Final = 600
BACKLOG: Final = 4096
# A loop that lets in thousands hears late of the pongs that have long arrived: it looks whose time
# is over before it reads. So the time has parts, and what had come in one is read before the next
# is over.
PONG_SECONDS_MAX: Final = 60
PONG_PARTS: Final = 3


class WebServer(Protocol):
    def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until `stop`; call `on_ready` once connections are accepted."""

    def stop(self) -> None:
        """Begin to stop, from any thread or a signal handler; again: at once."""


class Daphne:
    """Daphne on Twisted; it cannot drain by itself, so requests are counted."""

    def __init__(self, application: Application, listening: socket.socket) -> None:
        from trading.daphne_requests import Server, reactor

        self._reactor: Any = reactor
        self._listening = listening
        self._drain_until: float | None = None
        self._server = Server(
            application=application,
            endpoints=[f"fd:fileno={listening.fileno()}"],
            signal_handlers=False,
            server_name="openfloor",
            verbosity=0,
            websocket_connect_timeout=HANDSHAKE_SECONDS_MAX,
            websocket_handshake_timeout=HANDSHAKE_SECONDS_MAX,
            websocket_max_message_size=SOCKET_MESSAGE_BYTES_MAX,
            websocket_max_frame_size=SOCKET_MESSAGE_BYTES_MAX,
            ping_timeout=PONG_SECONDS_MAX / PONG_PARTS,
            application_close_timeout=int(DRAIN_SECONDS_MAX),
        )

    def run(self, on_ready: Callable[[], None]) -> None:
        self._listening.listen(BACKLOG)
        self._listening.detach()  # Twisted takes the descriptor over and closes it
        self._reactor.callWhenRunning(on_ready)
        self._server.run()

    def stop(self) -> None:
        self._reactor.callFromThread(self._begin_to_stop)

    def _begin_to_stop(self) -> None:
        from twisted.internet.interfaces import IListeningPort

        if self._drain_until is not None:
            self._drain_until = 0.0
            return
        self._drain_until = time.monotonic() + DRAIN_SECONDS_MAX
        for reader in self._reactor.getReaders():
            if IListeningPort.providedBy(reader):
                reader.stopListening()
        self._stop_when_drained()

    def _stop_when_drained(self) -> None:
        if self._server.requests_in_flight and time.monotonic() < (self._drain_until or 0.0):
            self._reactor.callLater(0.02, self._stop_when_drained)
        elif self._reactor.running:
            # Daphne cancels what is left and waits for it; a request may refuse to be cancelled.
            self._reactor.callLater(CANCEL_SECONDS_MAX, self._reactor.crash)
            self._reactor.stop()


class Uvicorn:
    """Uvicorn on asyncio, draining by itself."""

    def __init__(self, application: Application, listening: socket.socket) -> None:
        import uvicorn

        from trading.uvicorn_sockets import Server, Socket

        self._listening = listening
        self._server = Server(
            uvicorn.Config(
                application,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                ws=Socket,
                ws_ping_timeout=PONG_SECONDS_MAX / PONG_PARTS,
                ws_max_size=SOCKET_MESSAGE_BYTES_MAX,
                ws_per_message_deflate=False,  # as the others: memory and time for each socket
                timeout_graceful_shutdown=int(DRAIN_SECONDS_MAX),
                proxy_headers=False,  # it would believe any program of this machine
            ),
            listening,
        )

    def run(self, on_ready: Callable[[], None]) -> None:
        # asyncio sets this only where the socket was made with the protocol's name. Without it the
        # body of an answer waits, some 40 ms, until the client has acknowledged the head.
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._listening.listen(BACKLOG)
        on_ready()
        _run(self._server.serve())

    def stop(self) -> None:
        self._server.force_exit = self._server.should_exit
        self._server.should_exit = True


class Granian:
    """Granian embedded in our event loop: its workers are tasks here, not processes.

    Limits: one event loop, HTTP parsing in one thread of Rust; Granian calls this way of
    running it experimental, and it opens the port itself.
    """

    def __init__(self, application: Application, listening: socket.socket) -> None:
        from granian.constants import Interfaces
        from granian.server.embed import Server

        host, port = listening.getsockname()[:2]
        self._listening = listening
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._is_told = False
        self._is_hurried = False
        self._server = Server(
            application,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            backlog=BACKLOG,
            log_enabled=False,
        )

    def run(self, on_ready: Callable[[], None]) -> None:
        self._listening.close()
        _run(self._serve(on_ready))

    def stop(self) -> None:
        # The loop hears of it later: what was said is known here, also when it is said again.
        self._is_hurried, self._is_told = self._is_told, True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self, on_ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        if self._is_told:  # before there was a loop
            return
        serving = asyncio.create_task(self._server.serve())
        stopping = asyncio.create_task(self._stopping.wait())
        self._loop.call_later(0.2, on_ready)
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()  # it failed: say how
            return
        self._server.stop()  # type: ignore[no-untyped-call]
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        # It ends by one of three things, one of them Granian's own.
        while not serving.done() and time.monotonic() < deadline and not self._is_hurried:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        serving.cancel()


def _run(serving: Coroutine[Any, Any, None]) -> None:
    """Run a server on uvloop, where a call costs a quarter less than on the loop of asyncio."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serving)


SERVERS: Final[dict[str, Callable[[Application, socket.socket], WebServer]]] = {
    "daphne": Daphne,
    "granian": Granian,
    "uvicorn": Uvicorn,
}
