"""Prices to sockets through the real thing: how many ticks a second, how late, and what one costs.

`python -m benchmarks.fanout [daphne|uvicorn|granian]...` opens 500 binary sockets, signed in as
pages are, each with ten instruments of its own choice among a hundred, and lets all prices move
more and more often until no more arrives. Then, at half of the most that arrived, how old a price
is when a client has it (p50, p99), and what memory the server has for a socket that only waits: of
prices, and of a page's own.

A tick is one entry of a frame: one instrument's difference of one round, or a snapshot of it, which
stands for all the rounds that it replaces. So what is conflated is not counted. Twenty of the
sockets, spread over all of them, keep what comes with the time at which it came; once the clock has
stopped it is decoded, and a gap ends the measurement. They say what a tick has in bytes, and how
late it was. Of the others bytes are counted, by which ticks are reckoned, for clients share this
machine with the server and should cost little: `--decoded 500` decodes all of them.

Beside each rate stands what a tick takes on the processor: of the server's time, with the market
that moves prices, and of the clients'.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import random
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import IO, Final

from benchmarks import frames, stage  # first: it says where the settings are read from

# isort: split
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import services
from benchmarks.load import CHUNK_BYTES
from marketdata.stream.decoder import Decoder, Event, Gap, News
from marketdata.stream.pictures import Quote
from tests import people, world
from trading.settings import BASE_DIR

PORT: Final = 8546
INSTRUMENTS: Final = [f"B{number:03}" for number in range(100)]
OF_EACH: Final = 10
DECODED: Final = 20
ROUNDS: Final = (10, 20, 40, 60, 80, 120, 160, 240, 320)
GROWTH_MIN: Final = 1.03
STANDSTILLS_MAX: Final = 2  # rates in turn at which no more arrives: one may be the machine's
SETTLE_SECONDS: Final = 1.0
STOP_SECONDS_MAX: Final = 30


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description="Measure.")
    parser.add_argument("servers", nargs="*", default=["daphne"])
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--idle", type=int, default=2_000)
    parser.add_argument("--decoded", type=int, default=DECODED, help="of so many sockets")
    parser.add_argument("--rounds", type=float, nargs="*", help="so often, and half of it")
    options = parser.parse_args()
    allow_files(options.sockets + options.idle + 200)
    stage.set_up()
    for symbol in INSTRUMENTS:
        world.instrument(symbol, bid="99.99", ask="100.00")
    cookie = signed_in()
    for server in options.servers:
        measure(
            server,
            cookie,
            sockets=options.sockets,
            decoded=options.decoded,
            seconds=options.seconds,
            given=options.rounds,
        )
        for path in ("/ws/v1/binary", "/ws/v1") if options.idle else ():
            with serving(server) as (program, _):
                measure_idle(program, cookie, path=path, sockets=options.idle)


def signed_in() -> str:
    """Return the session of somebody with an account who has just signed in."""
    user, _ = people.customer()
    browser = Client(SERVER_NAME="localhost")
    browser.post(f"/sign-in/link/{services.new_sign_in_link(user, timezone.now())}")
    return str(browser.cookies[settings.SESSION_COOKIE_NAME].value)


def allow_files(count: int) -> None:
    """Let this process and its children hold so many sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(count, 4096), most), most))


# --- Clients -------------------------------------------------------------------------------------


@dataclass
class Heard:
    """What decoded sockets were sent."""

    bytes: int = 0
    ticks: int = 0
    frames: int = 0
    delays: list[float] = field(default_factory=list)

    def take(self, events: Iterable[Event], came_at: float) -> None:
        self.frames += 1
        for event in events:
            if isinstance(event, Gap):
                raise SystemExit(f"the stream has a gap: {event}")
            if isinstance(event, News):
                self.ticks += 1
                quotes = (each for each in event.updates if isinstance(each, Quote))
                self.delays += [came_at - each.at / 1e6 for each in quotes]


class Follower:
    """One socket that follows prices: what has come is counted, or kept for its decoder.

    It answers pings, as every browser does: who does not is closed after a minute, rightly.
    """

    def __init__(self, connection: socket.socket, decoder: Decoder | None) -> None:
        self.socket = connection
        self.bytes = 0  # while the clock ran
        self._decoder = decoder
        self._is_counting = False
        self._came: list[tuple[float, bytes, bool]] = []
        self._received = bytearray()

    def take(self) -> None:
        chunk = self.socket.recv(CHUNK_BYTES)
        if not chunk:
            raise SystemExit("the server closed a socket without a word")
        came_at = time.time()
        if self._is_counting:
            self.bytes += len(chunk)
        self._received += chunk
        for opcode, payload in frames.taken_from(self._received):
            if opcode == frames.PING:
                self.socket.sendall(frames.made(frames.PONG, payload))
            elif opcode == frames.CLOSE:
                raise SystemExit(f"the server closed a socket: {frames.why_closed(payload)}")
            elif self._decoder is not None:
                self._came.append((came_at, payload, self._is_counting))

    def begin(self) -> None:
        """Count from here on. What comes before and behind is only decoded: the market goes on."""
        self.bytes, self._is_counting = 0, True

    def end(self) -> None:
        self._is_counting = False

    def read(self, heard: Heard) -> None:
        """Decode what has come since this was done before, if it is to be decoded at all."""
        if self._decoder is None:
            return
        heard.bytes += self.bytes
        rest = Heard()
        for came_at, payload, is_counted in self._came:
            (heard if is_counted else rest).take(self._decoder.take(payload), came_at)
        self._came.clear()


def opened(cookie: str, *, path: str) -> socket.socket:
    """Return a socket whose handshake is done."""
    connection = socket.create_connection(("127.0.0.1", PORT))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{PORT}\r\nOrigin: http://localhost:{PORT}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\nCookie: {settings.SESSION_COOKIE_NAME}={cookie}\r\n\r\n"
    )
    connection.sendall(head.encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise SystemExit(f"{path} was refused: {answer.decode()}")
        answer += byte
    if b" 101 " not in answer.splitlines()[0]:
        raise SystemExit(f"{path} was refused: {answer.decode()}")
    return connection


def following(cookie: str, count: int, *, decoded: int) -> list[Follower]:
    """Open sockets, each with ten instruments of its own, and decode so many of them."""
    dice = random.Random(11)
    clients = []
    for number in range(count):
        connection = opened(cookie, path="/ws/v1/binary")
        decoder = Decoder()
        wanted = decoder.subscribe(dice.sample(INSTRUMENTS, OF_EACH))
        connection.sendall(frames.made(frames.BINARY, wanted))
        connection.setblocking(False)
        is_decoded = number * decoded // count != (number - 1) * decoded // count
        clients.append(Follower(connection, decoder if is_decoded else None))
    return clients


def listen(clients: Sequence[Follower], seconds: float) -> None:
    """Take what comes for so long, and count it."""
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        for client in clients:
            waiting.register(client.socket, selectors.EVENT_READ, client)
        while (left := until - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                key.data.take()


# --- What is measured ----------------------------------------------------------------------------


def measure(
    server: str,
    cookie: str,
    *,
    sockets: int,
    decoded: int,
    seconds: float,
    given: Sequence[float] | None,
) -> None:
    print(f"\n{server}: {sockets} sockets, {OF_EACH} of {len(INSTRUMENTS)} instruments each")
    print(
        f"{'rounds/s':>9} {'ticks/s':>9} {'ticks/frame':>11} {'bytes/tick':>10} {'server us':>9}"
        f" {'clients us':>10} {'p50 ms':>8} {'p99 ms':>8}"
    )
    with serving(server) as (program, market):
        clients = following(cookie, sockets, decoded=decoded)
        best, standstills = 0.0, 0
        for rounds in given or ROUNDS:
            rate = ticks_at(rounds, clients, program.pid, market, seconds)
            standstills = 0 if rate > best * GROWTH_MIN else standstills + 1
            best = max(best, rate)
            if standstills == STANDSTILLS_MAX and not given:
                break
        print(f"  at most {best:,.0f} ticks/s; at half of that:")
        ticks_at(best / 2 / (sockets * OF_EACH), clients, program.pid, market, seconds)
        for client in clients:
            client.socket.close()


def ticks_at(
    rounds: float, clients: Sequence[Follower], pid: int, market: IO[str], seconds: float
) -> float:
    """Let prices move so often; print and return how many ticks a second arrive."""
    tell(market, rounds)
    listen(clients, SETTLE_SECONDS)
    for client in clients:
        client.begin()
    begun, worked, listened = time.monotonic(), processor_seconds(pid), time.process_time()
    listen(clients, seconds)
    listened = time.process_time() - listened
    taken, worked = time.monotonic() - begun, processor_seconds(pid) - worked
    for client in clients:
        client.end()
    tell(market, 0)
    listen(clients, SETTLE_SECONDS)  # until nothing is under way: nobody reads while we decode
    heard = Heard()
    for client in clients:
        client.read(heard)
    if not heard.ticks:
        raise SystemExit("no tick arrived")
    of_tick = heard.bytes / heard.ticks
    total = sum(client.bytes for client in clients) / of_tick
    rate = total / taken
    delays = quantiles(heard.delays, n=100)
    print(
        f"{rounds:>9.1f} {rate:>9,.0f} {heard.ticks / heard.frames:>11.1f} {of_tick:>10.2f}"
        f" {worked / total * 1e6:>9.2f} {listened / total * 1e6:>10.2f}"
        f" {delays[49] * 1e3:>8.1f} {delays[98] * 1e3:>8.1f}",
        flush=True,
    )
    return rate


def tell(market: IO[str], rounds: float) -> None:
    market.write(f"{rounds}\n")
    market.flush()


def measure_idle(program: subprocess.Popen[str], cookie: str, *, path: str, sockets: int) -> None:
    """Print what memory the server takes for a socket that has nothing to say."""
    warm = [opened(cookie, path=path) for _ in range(min(100, sockets))]
    before = resident(program.pid)
    idle = [opened(cookie, path=path) for _ in range(sockets)]
    time.sleep(SETTLE_SECONDS)
    each = (resident(program.pid) - before) / sockets
    print(f"  {sockets:,} idle sockets of {path}: {each / 1000:.1f} kB each")
    for connection in (*warm, *idle):
        connection.close()


def processor_seconds(pid: int) -> float:
    """Return the time that a process has had on the processor."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@contextlib.contextmanager
def serving(server: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Run the sockets behind `server` until the block ends; give where its market is told."""
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.fanout_server", server, str(PORT)],
        cwd=BASE_DIR,
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    market, said = program.stdin, program.stdout
    if market is None or said is None or said.readline().strip() != "ready":
        program.kill()
        raise SystemExit(f"{server} did not come up")
    try:
        yield program, market
    finally:
        market.close()
        try:
            program.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            print(f"{server} did not stop and was killed", file=sys.stderr)


if __name__ == "__main__":
    main()
