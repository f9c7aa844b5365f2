"""Orders that cross, end to end: `python -m benchmarks.executions [--orders N]`.

Half of 64 customers buy and half sell at prices that cross, through the intake, the outbox, the
gateway, the exchange, the inbox and the executions runner, all at work in this one process, as
`serve` has them. Printed are the rate at which orders were taken, that at which they were filled
in our books, both from the first order on, and how long an order took from the one to the other.
"""

from __future__ import annotations

import argparse
import threading
import time
import uuid
from decimal import Decimal
from statistics import median, quantiles
from typing import Final

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.db import transaction
from django.utils import timezone

from accounts import locks
from accounts.models import Account
from marketdata.models import Instrument
from orders.entry import intake
from orders.models import Trade
from portfolio import books
from tests import parts, world
from venues.messages import Side

SYMBOL: Final = "BENCH"
PRICES: Final = {Side.BUY: "105.00", Side.SELL: "95.00"}  # they cross wherever the market is
CLIENTS: Final = 64
SECONDS_MAX: Final = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=4_000)
    orders = parser.parse_args().orders
    stage.set_up()
    instrument = world.instrument(SYMBOL, bid="99.99", ask="100.00")
    accounts = [world.customer(cash="100000000.00") for _ in range(CLIENTS)]
    stock(accounts, instrument)
    with parts.at_work():
        run(accounts, orders=CLIENTS * 4)  # warm
        measured(accounts, orders=orders // CLIENTS * CLIENTS)


def stock(accounts: list[Account], instrument: Instrument) -> None:
    """Give every account something to sell."""
    with transaction.atomic():
        locked = locks.lock_all(account.pk for account in accounts)
        opened = books.ask_books(
            account_ids=locked, instrument_ids=[instrument.pk], for_fills=True
        ).get()
        for account in locked.values():
            opened.book_fill(
                account,
                books.Fill(
                    trade_id=uuid.uuid4(),
                    order_id=uuid.uuid4(),
                    instrument=instrument,
                    signed_quantity=Decimal(10_000),
                    price=Decimal(1),
                    value_before=Decimal(0),
                    filled_quantity=Decimal(10_000),
                    leaves_quantity=Decimal(0),
                    at=timezone.now(),
                ),
            )
        opened.close()


def measured(accounts: list[Account], *, orders: int) -> None:
    begun_at, spent = timezone.now(), time.process_time()
    taken, booked = run(accounts, orders=orders)
    spent = time.process_time() - spent
    lags = [
        (trade.booked_at - trade.order.created_at).total_seconds()
        for trade in Trade.objects.filter(booked_at__gte=begun_at).select_related("order")
    ]
    print(f"Orders that cross, {CLIENTS} clients, everything in one process")
    print(f"  orders taken                {orders / taken:>8.0f} a second")
    print(
        f"  fills booked                {orders / booked:>8.0f} a second   "
        f"{taken / booked:.2f} of the rate at which orders were taken"
    )
    print(
        f"  from order to booked fill   {median(lags) * 1e3:>8.0f} ms p50   "
        f"{quantiles(lags, n=100)[98] * 1e3:.0f} ms p99"
    )
    print(f"  processor time              {spent / orders * 1e3:>8.2f} ms an order, in Python")


def run(accounts: list[Account], *, orders: int) -> tuple[float, float]:
    """Return the seconds until all orders were taken, and until all their fills were booked."""
    before = Trade.objects.count()
    started = time.perf_counter()
    clients = [
        threading.Thread(target=trade, args=(account, side, orders // len(accounts)))
        for account, side in zip(accounts, (Side.BUY, Side.SELL) * (CLIENTS // 2), strict=True)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    taken = time.perf_counter() - started
    while (booked := Trade.objects.count() - before) < orders:
        if time.perf_counter() - started > SECONDS_MAX:
            raise SystemExit(f"{booked} of {orders} fills were booked in {SECONDS_MAX} s")
        time.sleep(0.02)
    return taken, time.perf_counter() - started


def trade(account: Account, side: Side, orders: int) -> None:
    for _ in range(orders):
        ticket = world.limit_ticket(
            account, PRICES[side], symbol=SYMBOL, side=side, quantity=Decimal(1)
        )
        answer = intake.enter(ticket).result(30)
        if answer.order is None or answer.order.denial_code:
            raise SystemExit(f"not accepted: {answer}")


if __name__ == "__main__":
    main()
