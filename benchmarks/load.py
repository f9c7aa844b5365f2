"""The load generator: clients on kept connections, each sending one call after another.

It shares the processors with what it measures, so that what it costs is taken from that: requests
are made before the clock starts, and one thread waits for all sockets without tasks or streams.
"""

from __future__ import annotations

import selectors
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

READY_SECONDS_MAX: Final = 60
ANSWER_SECONDS_MAX: Final = 30
CHUNK_BYTES: Final = 65_536

Maker = Callable[[int], bytes]
"""Makes the next request of the client with this number."""


@dataclass(frozen=True)
class Taken:
    """How many calls a second, and their latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


class _Client:
    """One connection, and what it has yet to send."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self.socket: Final = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.latencies: Final[list[float]] = []
        self._port = port
        self._requests = iter(requests)
        self._sent_at = 0.0
        self._received = b""

    def send(self) -> bool:
        """Send the next request; False when there is none."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> bool:
        """Take what has come; tell whether the answer is whole. Raises SystemExit for an error."""
        chunk = self.socket.recv(CHUNK_BYTES)
        if not chunk:
            raise ConnectionResetError(f"port {self._port} closed the connection")
        self._received += chunk
        head, ended, body = self._received.partition(b"\r\n\r\n")
        if not ended or len(body) < _length(head):
            return False
        self.latencies.append(time.perf_counter() - self._sent_at)
        if head[9:12] != b"200":
            said = f"{head[9:12].decode()}: {body.decode()}"
            raise SystemExit(f"port {self._port} answered with {said}")
        self._received = b""
        return True


def run(port: int, make: Maker, *, clients: int, requests: int) -> Taken:
    """Send `requests` calls from `clients`; return what they took."""
    share = range(requests // clients)
    working = [_Client(port, [make(number) for _ in share]) for number in range(clients)]
    latencies: list[float] = []
    with selectors.DefaultSelector() as waiting:
        started = time.perf_counter()
        for client in working:
            waiting.register(client.socket, selectors.EVENT_READ, client)
            client.send()
        while waiting.get_map():
            ready = waiting.select(ANSWER_SECONDS_MAX)
            if not ready:
                raise TimeoutError(f"port {port} answers no more")
            for key, _ in ready:
                client = key.data
                if client.receive() and not client.send():
                    waiting.unregister(client.socket)
        elapsed = time.perf_counter() - started
    for client in working:
        client.socket.close()
        latencies += client.latencies
    ordered = sorted(latencies)
    return Taken(
        rate=len(latencies) / elapsed,
        p50=median(ordered) * 1e3,
        p99=ordered[int(len(ordered) * 0.99)] * 1e3,
    )


def post(path: str, body: bytes, headers: str = "") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0])


def wait_until_answered(program: subprocess.Popen[bytes], port: int, make: Maker) -> None:
    """Wait until the program answers such a call. Raises SystemExit when it ends or never does."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        if program.poll() is not None:
            raise SystemExit(f"the server ended with {program.returncode}")
        try:
            run(port, make, clients=1, requests=1)
        except OSError:  # nobody listens yet
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the server did not come up")
