"""The load generator: clients on kept connections, each sending one call after another."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

READY_SECONDS_MAX: Final = 60

Maker = Callable[[int], bytes]
"""Makes the next request of the client with this number."""


@dataclass(frozen=True)
class Taken:
    """How many calls a second, and their latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


async def run(port: int, make: Maker, *, clients: int, requests: int) -> Taken:
    """Send `requests` calls from `clients`; return what they took."""
    latencies: list[float] = []
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(_client(port, make, number, requests // clients, latencies))
    elapsed = time.perf_counter() - started
    ordered = sorted(latencies)
    return Taken(
        rate=len(latencies) / elapsed,
        p50=median(ordered) * 1e3,
        p99=ordered[int(len(ordered) * 0.99)] * 1e3,
    )


async def _client(port: int, make: Maker, number: int, count: int, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        request = make(number)
        started = time.perf_counter()
        writer.write(request)
        status, body = await _answer(reader)
        latencies.append(time.perf_counter() - started)
        if status != 200:
            raise SystemExit(f"port {port} answered with {status}: {body.decode()}")
    writer.close()


def post(path: str, body: bytes, headers: str = "") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    length = next(
        int(line.split(":")[1]) for line in head if line.lower().startswith("content-length:")
    )
    return int(head[0].split()[1]), await reader.readexactly(length)


def wait_until_answered(program: subprocess.Popen[bytes], port: int, make: Maker) -> None:
    """Wait until the program answers such a call. Raises SystemExit when it ends or never does."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        if program.poll() is not None:
            raise SystemExit(f"the server ended with {program.returncode}")
        try:
            asyncio.run(asyncio.wait_for(run(port, make, clients=1, requests=1), 5))
        except (OSError, TimeoutError, ExceptionGroup):
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the server did not come up")
