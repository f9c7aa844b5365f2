"""Orders per second and latency over HTTP, beside a peer, a view that does nothing and one commit.

`python -m benchmarks.order_entry [daphne|uvicorn|granian]... [--processes N]` starts the real
program with its web role, in N processes, on a database of its own, sends it limit orders over
kept connections from 1, 16 and 64 clients, and prints what they took beside a no-op DRF view of
the same server and a `pgbench` commit on the same database. Each client sends for 16 customers in
turn, as a broker has many with few open orders each. The same load then goes to the gateway of the
package `matching-engine`, which makes an order durable and nothing else. All in this one run.

Processor time is what the program's processes, PostgreSQL's and this one, which is the clients,
spend on an order, with whatever they do beside it; two processors have 2,000 ms a second for all
three.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psutil

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from accounts.keys import issuing
from accounts.models import Account
from benchmarks import load, peers
from tests import world
from trading.settings import BASE_DIR, HOME

SYMBOL = "BENCH"  # nobody else trades in it
PORT = 8545
STOP_SECONDS_MAX = 30
CUSTOMERS_EACH = 16
REQUESTS = {1: 300, 16: 3_000, 64: 6_000}
NOTHING = {1: 200, 16: 600, 64: 1_000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("servers", nargs="*", default=["daphne"])
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    stage.set_up()
    world.instrument(SYMBOL, bid="99.99", ask="100.00")
    caller = Caller([keys_of_client() for _ in range(max(REQUESTS))])
    with peers.gateway() as runs:
        peer = measure_peer() if runs else {}
    for server in asked.servers:
        with serving(server, caller, processes=asked.processes) as program:
            measure(f"{server}, {asked.processes} process(es)", caller, peer, program)


def keys_of_client() -> Iterator[tuple[str, str]]:
    """Return the keys of the customers whom one client sends for, in turn, without end."""
    customers = [world.customer(cash="100000000.00") for _ in range(CUSTOMERS_EACH)]
    return itertools.cycle([key_of(customer) for customer in customers])


def key_of(account: Account) -> tuple[str, str]:
    key, secret = issuing.create(account)
    return key.key_id, secret


@dataclass(frozen=True)
class Caller:
    """Makes the requests of the clients, each of which has these keys in turn."""

    keys: list[Iterator[tuple[str, str]]]

    def order(self, client: int) -> bytes:
        body = {
            "symbol": SYMBOL,
            "qty": "1",
            "side": "buy",
            "type": "limit",
            "time_in_force": "day",
            "limit_price": "90.00",
            "client_order_id": str(uuid.uuid4()),
        }
        key, secret = next(self.keys[client])
        headers = f"APCA-API-KEY-ID: {key}\r\nAPCA-API-SECRET-KEY: {secret}\r\n"
        return load.post("/v2/orders", json.dumps(body).encode(), headers)

    @staticmethod
    def nothing(_client: int) -> bytes:
        return load.post("/v2/nothing", b"{}")


def measure_peer() -> dict[int, load.Taken]:
    print("matching-engine 0.1.1: POST /markets/BENCH/orders, durable and nothing else")
    print(f"{'clients':>8} {'orders/s':>9} {'p50 ms':>7} {'p99 ms':>7}")
    taken = {}
    for clients, requests in REQUESTS.items():
        order = peers.gateway_order
        load.run(peers.GATEWAY_PORT, order, clients=clients, requests=200)  # warm
        taken[clients] = found = load.run(
            peers.GATEWAY_PORT, order, clients=clients, requests=requests
        )
        print(f"{clients:>8} {found.rate:>9.0f} {found.p50:>7.2f} {found.p99:>7.2f}")
    return taken


def measure(
    server: str, caller: Caller, peer: dict[int, load.Taken], program: psutil.Process
) -> None:
    load.run(PORT, caller.order, clients=16, requests=500)  # warm
    load.run(PORT, caller.nothing, clients=16, requests=200)
    print(f"\n{server}: POST /v2/orders, each risk-checked, recorded and durable before its answer")
    print(
        f"{'clients':>8} {'orders/s':>9} {'p50 ms':>7} {'p99 ms':>7} | "
        f"{'no-op/s':>8} {'p50 ms':>7} | {'commit ms':>9} | orders/no-op  ack/(no-op + commit)"
        "  rate/peer | CPU ms an order: program, database, clients"
    )
    for clients, requests in REQUESTS.items():
        before = spent(program)
        orders = load.run(PORT, caller.order, clients=clients, requests=requests)
        costs = [
            f"{(after - then) / requests * 1e3:.2f}"
            for then, after in zip(before, spent(program), strict=True)
        ]
        nothing = load.run(PORT, caller.nothing, clients=clients, requests=NOTHING[clients])
        tps = stage.pgbench_tps(clients=clients)
        commit = clients / tps * 1e3
        beside = f"{orders.rate / peer[clients].rate:>9.2f}" if peer else f"{'-':>9}"
        print(
            f"{clients:>8} {orders.rate:>9.0f} {orders.p50:>7.2f} {orders.p99:>7.2f} | "
            f"{nothing.rate:>8.0f} {nothing.p50:>7.2f} | {commit:>9.2f} | "
            f"{orders.rate / nothing.rate:>12.2f}  {orders.p50 / (nothing.p50 + commit):>20.2f}"
            f"  {beside} | {', '.join(costs)}"
        )


def spent(program: psutil.Process) -> tuple[float, float, float]:
    """Return the seconds on the processor of the program, the database and ourselves."""
    database = psutil.Process(int((HOME / "postgres" / "postmaster.pid").read_text().split()[0]))
    servers = {each.pid: each for each in [database, *database.children(recursive=True)]}
    ours = [
        each for each in [program, *program.children(recursive=True)] if each.pid not in servers
    ]
    return _seconds(ours), _seconds(servers.values()), time.process_time()


def _seconds(processes: Iterable[psutil.Process]) -> float:
    seconds = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            # With those of children that have ended, or what they had spent would be missing later.
            seconds += sum(process.cpu_times()[:4])
    return seconds


@contextlib.contextmanager
def serving(server: str, caller: Caller, *, processes: int) -> Iterator[psutil.Process]:
    """Run the program's web role behind `server` until the block ends."""
    serve = (sys.executable, "manage.py", "serve", "--role", "web")
    program = subprocess.Popen(
        [*serve, "--server", server, "--processes", str(processes)],
        cwd=BASE_DIR,
        env={**os.environ, "PORT": str(PORT), "OPENFLOOR_BENCHMARK": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        load.wait_until_answered(program, PORT, caller.nothing)
        yield psutil.Process(program.pid)
    finally:
        program.send_signal(signal.SIGINT)
        try:
            program.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            print(f"{server} did not stop and was killed", file=sys.stderr)


if __name__ == "__main__":
    main()
