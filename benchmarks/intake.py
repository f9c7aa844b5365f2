"""Orders per second through `orders.entry.intake.enter`, beside pgbench on the same database.

Every order is risk-checked, held, recorded (history, decision, activity) and in the outbox, and
durable before its answer. `python -m benchmarks.intake [--profile]`. Processor time is that of
this process, clients included; the database's comes on top.

Each client trades for 16 accounts in turn, as a broker has many customers with few open orders
each: what an account has open is added up with each of its orders.
"""

from __future__ import annotations

import cProfile
import itertools
import pstats
import sys
import threading
import time
from statistics import median

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.utils import timezone

from accounts.models import Account
from orders.entry import intake, submission
from tests import world

ACCOUNTS_EACH = 16
ORDERS = {1: 400, 8: 2_000, 64: 6_000}


def main() -> None:
    stage.set_up()
    world.instrument(bid="99.99", ask="100.00")
    accounts = [world.customer(cash="100000000.00") for _ in range(64 * ACCOUNTS_EACH)]
    run(accounts, threads=8, orders=500)  # warm
    print(
        f"{'threads':>8} {'orders/s':>9} {'p50 ms':>7} {'p99 ms':>7} {'CPU ms/order':>13} "
        f"{'pgbench -N tps':>15} ratio"
    )
    for threads, orders in ORDERS.items():
        spent = time.process_time()
        rate, latencies = run(accounts, threads=threads, orders=orders)
        spent = time.process_time() - spent
        tps = stage.pgbench_tps(clients=threads)
        print(
            f"{threads:>8} {rate:>9.0f} {median(latencies) * 1e3:>7.2f} "
            f"{sorted(latencies)[int(len(latencies) * 0.99)] * 1e3:>7.2f} "
            f"{spent / len(latencies) * 1e3:>13.2f} {tps:>15.0f} "
            f"{rate / tps:.2f}"
        )
    if "--profile" in sys.argv:
        profile(accounts)


def run(accounts: list[Account], *, threads: int, orders: int) -> tuple[float, list[float]]:
    latencies: list[float] = []
    each = orders // threads

    def trade(owned: list[Account]) -> None:
        for number in range(each):
            ticket = world.limit_ticket(owned[number % len(owned)], "90.00")
            started = time.perf_counter()
            answer = intake.enter(ticket).result(30)
            latencies.append(time.perf_counter() - started)
            if answer.order is None or answer.order.denial_code:
                raise SystemExit(f"not accepted: {answer}")

    owned = [accounts[i * ACCOUNTS_EACH :][:ACCOUNTS_EACH] for i in range(threads)]
    workers = [threading.Thread(target=trade, args=(part,)) for part in owned]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * each / (time.perf_counter() - started), latencies


def profile(accounts: list[Account]) -> None:
    """Show where a batch of 64 spends its time, and what batches of other sizes cost."""
    turns = itertools.cycle(accounts)
    for size in (1, 8, 64, 256):
        walls, spent = [], []
        for _ in range(10):
            batch = [world.limit_ticket(next(turns), "90.00") for _ in range(size)]
            began, used = time.perf_counter(), time.thread_time()
            submission.submit_batch(batch, now=timezone.now())
            walls.append(time.perf_counter() - began)
            spent.append(time.thread_time() - used)
        print(
            f"a batch of {size:>3}: {median(walls) * 1e3:.2f} ms, of these "
            f"{median(spent) * 1e3:.2f} ms on the processor, in Python"
        )
    profiler = cProfile.Profile()
    for _ in range(10):
        batch = [world.limit_ticket(next(turns), "90.00") for _ in range(64)]
        profiler.enable()
        submission.submit_batch(batch, now=timezone.now())
        profiler.disable()
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(35)


if __name__ == "__main__":
    main()
