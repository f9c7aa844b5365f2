"""How many orders a second the book takes: `python -m benchmarks.matching [--orders N]`.

The flow is that of Liquibook's performance test: buys and sells by turns, ten price levels a side
of which six overlap, 100 to 1,000 lots. Then the rate is taken in books of growing depth, and
next to the other engines that there are for Python (see `benchmarks.peers`); all by one
interpreter and in one run, so that the figures compare.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from benchmarks import peers
from venues.exchange.book import BUY, SELL, Order, OrderBook
from venues.exchange.commands import Admit, Enter, OpenSession
from venues.exchange.engine import Engine
from venues.messages import NewOrder, OrderType, Side, TimeInForce

Flow = Sequence[tuple[int, int, int, int]]  # number, sign, price, quantity


def liquibook_flow(orders: int) -> Flow:
    random = Random(1)
    return [
        (
            number,
            SELL if number % 2 else BUY,
            random.randrange(10) + (1884 if number % 2 else 1880),
            (random.randrange(10) + 1) * 100,
        )
        for number in range(orders)
    ]


def rate(work: Callable[[], int], *, rounds: int = 3) -> float:
    """Return the operations a second of the best of some rounds."""
    best = 0.0
    for _ in range(rounds):
        gc.collect()
        begun = time.perf_counter()
        operations = work()
        best = max(best, operations / (time.perf_counter() - begun))
    return best


def book(flow: Flow) -> Callable[[], int]:
    def work() -> int:
        add = OrderBook().add
        for number, sign, price, quantity in flow:
            add(Order(number, sign, price, quantity))
        return len(flow)

    return work


def book_with_depth(resting: int, operations: int) -> Callable[[], int]:
    """Add, cancel and match by turns in a book that holds `resting` orders all the time."""
    random = Random(2)
    levels = 500
    prepared = OrderBook()
    for number in range(resting):
        sign = BUY if number % 2 else SELL
        prepared.add(Order(number, sign, 10_000 - sign * (1 + random.randrange(levels)), 10))
    numbers = iter(range(resting, 10**12))

    def work() -> int:
        add, cancel, take = prepared.add, prepared.cancel, prepared.take
        for _ in range(operations // 4):
            number = next(numbers)
            sign = BUY if number % 2 else SELL
            add(Order(number, sign, 10_000 - sign * (1 + number * 7919 % levels), 10))
            cancel(number)
            add(Order(number, sign, 10_000 - sign, 10))
            take(Order(0, -sign, 10_000 - sign, 10))
        return operations

    return work


def engine(flow: Flow) -> Callable[[], int]:
    """The whole engine: members' requests in the words of the wire, validated, reported."""
    at = datetime(2026, 1, 2, 15, tzinfo=UTC)
    requests = [
        Enter(
            "BENCH",
            NewOrder(
                *(
                    f"order-{number}",
                    "AAPL",
                    Side.BUY if sign > 0 else Side.SELL,
                    Decimal(quantity),
                ),
                *(OrderType.LIMIT, TimeInForce.DAY, Decimal(price).scaleb(-2)),
            ),
        )
        for number, sign, price, quantity in flow
    ]

    def work() -> int:
        exchange = Engine()
        exchange.apply(Admit("AAPL", Decimal("0.01"), Decimal(1), Decimal(1), "always"), at)
        exchange.apply(OpenSession("always", date(2026, 1, 2)), at)
        for request in requests:
            exchange.apply(request, at)
        return len(requests)

    return work


def lightmatchingengine(flow: Flow) -> Callable[[], int]:
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

    def work() -> int:
        other = LightMatchingEngine()
        for _, sign, price, quantity in flow:
            other.add_order("AAPL", price, quantity, Side.BUY if sign > 0 else Side.SELL)
        return len(flow)

    return work


def matching_engine(flow: Flow) -> Callable[[], int]:
    from matching_engine import NewOrder, SequencedCommand, Side
    from matching_engine.engine import MatchingEngine

    # As with ours, making the orders is part of the work; two accounts, so that none meets itself.
    def work() -> int:
        process = MatchingEngine().process
        for number, sign, price, quantity in flow:
            side = Side.BUY if sign > 0 else Side.SELL
            order = NewOrder(number, 1 if sign > 0 else 2, side, price, quantity)
            process(SequencedCommand(number + 1, 0, order))
        return len(flow)

    return work


def litebook(flow: Flow) -> Callable[[], int]:
    from litebook import OrderBook as RustBook
    from litebook import OrderType

    def work() -> int:
        other = RustBook(tick_size=0.01)
        for _, sign, price, quantity in flow:
            side = OrderType.Buy if sign > 0 else OrderType.Sell
            other.add(other.create_order(side, price / 100, float(quantity)))
        return len(flow)

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=200_000)
    options = parser.parse_args()
    theirs = peers.python()
    if theirs is None or Path(sys.prefix) == peers.HOME:
        compare(options.orders)
        return
    command = [str(theirs), "-m", "benchmarks.matching", "--orders", str(options.orders)]
    sys.exit(subprocess.run(command, cwd=peers.HOME.parent.parent).returncode)


def compare(orders: int) -> None:
    flow = liquibook_flow(orders)
    ours = rate(book(flow))
    print(f"Matching, operations a second, on Python {sys.version.split()[0]}")
    print(f"  book, Liquibook's workload            {ours:>10,.0f}")
    for resting in (100, 10_000, 100_000):
        deep = rate(book_with_depth(resting, orders))
        print(f"  book with {resting:>7,} resting orders      {deep:>10,.0f}")
    whole = rate(engine(flow[: orders // 10]), rounds=2)
    print(f"  engine, requests in, reports out      {whole:>10,.0f}")
    for other in (lightmatchingengine, matching_engine, litebook):
        name = other.__name__
        try:
            theirs = rate(other(flow[: orders // 2]), rounds=2)
        except ImportError:
            print(f"  {name:<37} not installed")
        else:
            print(f"  {name:<37} {theirs:>10,.0f}   ours is {ours / theirs:.1f} times that")


if __name__ == "__main__":
    main()
