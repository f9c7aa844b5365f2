"""Thousands of sockets on a slow machine: all are taken in, and a pong that is read late counts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
import uvloop
from autobahn.websocket.protocol import WebSocketProtocol
from twisted.internet import tcp
from twisted.internet.protocol import Factory, Protocol
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from trading import daphne_sockets, uvicorn_sockets
from trading.web_servers import PONG_PARTS

COUNT = 300
TURNS = 4


# --- Taking in ----------------------------------------------------------------------------------


class Reactor:
    """What a port and its connections ask of Twisted's, where nothing is read."""

    def addReader(self, _reader: object) -> None: ...  # noqa: N802 - Twisted's name


class Guests(Factory):
    protocol = Protocol

    def __init__(self) -> None:
        self.count = 0

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        self.count += 1
        return super().buildProtocol(addr)


@pytest.fixture
def waiting() -> Iterator[socket.socket]:
    """A listening socket at which so many wait."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(COUNT)
    listening.setblocking(False)
    clients = [socket.create_connection(listening.getsockname()) for _ in range(COUNT)]
    yield listening
    for each in (listening, *clients):
        each.close()


def taken_in_after_one_guest(kind: type[tcp.Port], waiting: socket.socket) -> int:
    """Return how many a port takes in at one look, where before it had one guest at a time."""
    guests = Guests()
    port: Any = kind._fromListeningDescriptor(Reactor(), waiting.fileno(), waiting.family, guests)
    port.startListening()
    port.numberAccepts = 1
    port.doRead()
    port.socket.close()
    return guests.count


def test_all_who_wait_at_daphnes_port_are_taken_in_at_one_look(waiting: socket.socket) -> None:
    assert taken_in_after_one_guest(daphne_sockets.Port, waiting) == COUNT


def test_twisted_by_itself_takes_in_few(waiting: socket.socket) -> None:
    assert taken_in_after_one_guest(tcp.Port, waiting) == 1


@pytest.fixture
def _an_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "load_app", lambda _: asyncio.sleep)


async def taken_in_by(server: uvicorn.Server, *sockets: socket.socket) -> int:
    """Return how many a server takes in within the first turns of its loop."""
    serving = asyncio.create_task(server.serve([*sockets]))
    while not server.started:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)
    # A turn in which they are taken in, and one or two in which each has its protocol.
    for _ in range(TURNS):
        await asyncio.sleep(0)
    count = len(server.server_state.connections)
    server.should_exit = server.force_exit = True
    await serving
    return count


def on_uvloop(work: Coroutine[Any, Any, int]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@pytest.mark.usefixtures("_an_application")
def test_all_who_wait_at_uvicorns_port_are_taken_in_at_one_look(waiting: socket.socket) -> None:
    server = uvicorn_sockets.Server(Config("none", lifespan="off"), waiting)
    assert on_uvloop(taken_in_by(server)) == COUNT


@pytest.mark.usefixtures("_an_application")
def test_uvloop_by_itself_takes_in_one_a_turn(waiting: socket.socket) -> None:
    server = uvicorn.Server(Config("none", lifespan="off"))
    assert 1 <= on_uvloop(taken_in_by(server, waiting)) <= TURNS


# --- Pings --------------------------------------------------------------------------------------


class Timer:
    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Clock:
    """Timers that are due when the test says so."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def time(self) -> float:
        return 0.0

    def call_later(self, _seconds: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(call))
        return self.timers[-1]

    def pass_time(self) -> None:
        """Let all be due that stand now."""
        due, self.timers = self.timers, []
        for timer in due:
            if not timer.is_cancelled:
                timer.call()


class Daphnes(daphne_sockets.Socket):
    """Daphne's socket, open, with a client that says nothing by itself."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.factory = SimpleNamespace(_batched_timer=clock)
        self.state = WebSocketProtocol.STATE_OPEN
        self.autoPingTimeout, self.autoPingInterval, self.autoPingSize = 20, 0, 12
        self.autoPingTimeoutCall = self.autoPingPending = None
        self.autoPingPendingSeq = 0
        self.pings: list[bytes] = []
        self.is_dropped = False

    def sendPing(self, payload: bytes) -> None:  # noqa: N802 - Autobahn's name
        self.pings.append(payload)

    def dropConnection(self, abort: bool = False) -> None:  # noqa: N802 - Autobahn's name
        self.is_dropped = True

    def hear_pong(self, payload: bytes) -> None:
        self.current_frame = SimpleNamespace(opcode=10)
        self.control_frame_data = [payload]
        self.processControlFrame()


def test_daphne_asks_again_only_who_has_answered() -> None:
    clock = Clock()
    socket = Daphnes(clock)
    socket._sendAutoPing()
    socket._sendAutoPing()  # as every 20 s
    [ping] = socket.pings
    socket.hear_pong(ping)
    for _ in range(PONG_PARTS):
        clock.pass_time()
    assert not socket.is_dropped
    socket._sendAutoPing()
    assert len(socket.pings) == 2


def test_daphne_reads_what_has_come_before_it_gives_up() -> None:
    clock = Clock()
    late, gone = Daphnes(clock), Daphnes(clock)
    late._sendAutoPing()
    gone._sendAutoPing()
    for _ in range(PONG_PARTS - 1):
        clock.pass_time()
    assert not gone.is_dropped
    late.hear_pong(late.pings[0])
    clock.pass_time()
    assert (late.is_dropped, gone.is_dropped) == (False, True)


class Transport:
    def __init__(self) -> None:
        self.is_closed = False

    def write(self, _data: bytes) -> None: ...

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


def uvicorns(clock: Any) -> Any:
    """Return uvicorn's socket, open."""
    made: Any = uvicorn_sockets.Socket(
        Config("none", lifespan="off"), ServerState(), {}, _loop=clock
    )
    made.transport = Transport()
    made.conn.state = made.conn.state.OPEN
    return made


@pytest.mark.usefixtures("_an_application")
def test_uvicorn_reads_what_has_come_before_it_gives_up() -> None:
    clock = Clock()
    late, gone = uvicorns(clock), uvicorns(clock)
    late.send_keepalive_ping()
    gone.send_keepalive_ping()
    for _ in range(PONG_PARTS - 1):
        clock.pass_time()
    assert not gone.transport.is_closed
    late.handle_pong(Frame(Opcode.PONG, late.pending_ping_payload))
    clock.pass_time()
    assert (late.transport.is_closed, gone.transport.is_closed) == (False, True)
