"""Orders per second through `orders.intake.submit`, beside pgbench on the same database.

Every order is risk-checked, held, recorded (history, decision, activity) and in the outbox, and
durable before its answer. `python -m benchmarks.intake [--profile]`.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import threading
import time
from statistics import median

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.utils import timezone

from orders import intake, submission
from tests import world

ORDERS = {1: 400, 8: 2_000, 64: 6_000}


def main() -> None:
    stage.set_up()
    world.instrument(bid="99.99", ask="100.00")
    accounts = [world.customer(cash="100000000.00") for _ in range(64)]
    run(accounts, threads=8, orders=500)  # warm
    print(
        f"{'threads':>8} {'orders/s':>9} {'p50 ms':>7} {'p99 ms':>7} {'pgbench -N tps':>15} ratio"
    )
    for threads, orders in ORDERS.items():
        rate, latencies = run(accounts, threads=threads, orders=orders)
        tps = stage.pgbench_tps(clients=threads)
        print(
            f"{threads:>8} {rate:>9.0f} {median(latencies) * 1e3:>7.2f} "
            f"{sorted(latencies)[int(len(latencies) * 0.99)] * 1e3:>7.2f} {tps:>15.0f} "
            f"{rate / tps:.2f}"
        )
    if "--profile" in sys.argv:
        profile(accounts)


def run(accounts: list, *, threads: int, orders: int) -> tuple[float, list[float]]:
    latencies: list[float] = []
    each = orders // threads

    def trade(account: object) -> None:
        for _ in range(each):
            started = time.perf_counter()
            answer = intake.submit(world.limit_ticket(account, "90.00")).result(30)
            latencies.append(time.perf_counter() - started)
            if answer.order is None or answer.order.denial_code:
                raise SystemExit(f"not accepted: {answer}")

    workers = [threading.Thread(target=trade, args=(accounts[i],)) for i in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * each / (time.perf_counter() - started), latencies


def profile(accounts: list) -> None:
    profiler = cProfile.Profile()
    for _ in range(10):
        batch = [world.limit_ticket(account, "90.00") for account in accounts]
        profiler.enable()
        submission.submit_batch(batch, now=timezone.now())
        profiler.disable()
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(35)


if __name__ == "__main__":
    main()
