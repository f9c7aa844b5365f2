"""Orders per second and latency over HTTP, beside a view that does nothing and one commit.

`python -m benchmarks.order_entry [daphne|uvicorn|granian]...` starts the real program with its
web role on a database of its own, sends it limit orders over kept connections from 1, 16 and 64
clients, and prints what they took beside a no-op DRF view of the same server and a `pgbench`
commit on the same database, all in this one run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from accounts import services
from accounts.models import Account
from tests import world
from trading.settings import BASE_DIR

SYMBOL = "BENCH"  # nobody else trades in it
PORT = 8340
READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
REQUESTS = {1: 300, 16: 3_000, 64: 6_000}
NOTHING = {1: 200, 16: 600, 64: 1_000}


@dataclass(frozen=True)
class Taken:
    """How many calls a second, and their latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def main() -> None:
    stage.set_up()
    world.instrument(SYMBOL, bid="99.99", ask="100.00")
    keys = [key_of(world.customer(cash="100000000.00")) for _ in range(max(REQUESTS))]
    for server in sys.argv[1:] or ["daphne"]:
        with serving(server):
            asyncio.run(measure(server, keys))


def key_of(account: Account) -> tuple[str, str]:
    key, secret = services.create_api_key(account)
    return key.key_id, secret


async def measure(server: str, keys: list[tuple[str, str]]) -> None:
    await run(keys[:16], "/v2/orders", requests=500)  # warm
    await run(keys[:16], "/v2/nothing", requests=200)
    print(f"\n{server}: POST /v2/orders, each risk-checked, recorded and durable before its answer")
    print(
        f"{'clients':>8} {'orders/s':>9} {'p50 ms':>7} {'p99 ms':>7} | "
        f"{'no-op/s':>8} {'p50 ms':>7} | {'commit ms':>9} | orders/no-op  ack/(no-op + commit)"
    )
    for clients, requests in REQUESTS.items():
        orders = await run(keys[:clients], "/v2/orders", requests=requests)
        nothing = await run(keys[:clients], "/v2/nothing", requests=NOTHING[clients])
        tps = await asyncio.to_thread(stage.pgbench_tps, clients=clients)
        commit = clients / tps * 1e3
        print(
            f"{clients:>8} {orders.rate:>9.0f} {orders.p50:>7.2f} {orders.p99:>7.2f} | "
            f"{nothing.rate:>8.0f} {nothing.p50:>7.2f} | {commit:>9.2f} | "
            f"{orders.rate / nothing.rate:>12.2f}  {orders.p50 / (nothing.p50 + commit):>20.2f}"
        )


async def run(keys: list[tuple[str, str]], path: str, *, requests: int) -> Taken:
    """Send `requests` calls from as many clients as there are keys; return what they took."""
    latencies: list[float] = []
    each = requests // len(keys)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as clients:
        for key in keys:
            clients.create_task(client(key, path, each, latencies))
    elapsed = time.perf_counter() - started
    ordered = sorted(latencies)
    return Taken(
        rate=len(latencies) / elapsed,
        p50=median(ordered) * 1e3,
        p99=ordered[int(len(ordered) * 0.99)] * 1e3,
    )


async def client(key: tuple[str, str], path: str, count: int, latencies: list[float]) -> None:
    """Send one call after another over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    for _ in range(count):
        request = request_of(key, path)
        started = time.perf_counter()
        writer.write(request)
        status, body = await answer(reader)
        latencies.append(time.perf_counter() - started)
        if status != 200:
            raise SystemExit(f"{path} was answered with {status}: {body.decode()}")
    writer.close()


def request_of(key: tuple[str, str], path: str) -> bytes:
    body = json.dumps(
        {
            "symbol": SYMBOL,
            "qty": "1",
            "side": "buy",
            "type": "limit",
            "time_in_force": "day",
            "limit_price": "90.00",
            "client_order_id": str(uuid.uuid4()),
        }
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"APCA-API-KEY-ID: {key[0]}\r\nAPCA-API-SECRET-KEY: {key[1]}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    length = next(
        int(line.split(":")[1]) for line in head if line.lower().startswith("content-length:")
    )
    return int(head[0].split()[1]), await reader.readexactly(length)


@contextlib.contextmanager
def serving(server: str) -> Iterator[None]:
    """Run the program's web role behind `server` until the block ends."""
    program = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--role", "web", "--server", server],
        cwd=BASE_DIR,
        env={**os.environ, "PORT": str(PORT), "OPENFLOOR_BENCHMARK": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until_up(program)
        yield
    finally:
        program.send_signal(signal.SIGINT)
        try:
            program.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            print(f"{server} did not stop and was killed", file=sys.stderr)


def wait_until_up(program: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        if program.poll() is not None:
            raise SystemExit(f"serve ended with {program.returncode}")
        try:
            asyncio.run(asyncio.wait_for(run([("", "")], "/v2/nothing", requests=1), 5))
        except (OSError, TimeoutError, ExceptionGroup):
            time.sleep(0.2)
        else:
            return
    raise SystemExit("serve did not come up")


if __name__ == "__main__":
    main()
