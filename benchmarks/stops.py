"""What resting stops cost a tick: 100,000 of them beside none, in one run.

First the index alone, by ticks that touch none, one and ten of them; then the whole round of the
part that watches, from the booked trade in PostgreSQL on, and how long it takes to load them all.
`python -m benchmarks.stops`.
"""

from __future__ import annotations

import gc
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.db import connection
from django.utils import timezone

from marketdata import services as marketdata
from marketdata.batches.columns import TickColumns
from marketdata.ticks import TradeTick
from orders.entry import submission
from orders.entry.answers import Answer
from orders.held.triggers import Lookout
from orders.held.watching import Watched, Watching
from orders.models import Order, Watch
from tests import world
from venues.messages import OrderType, Side

STOPS = 100_000
TICKS = 2_000
ROUNDS = 100
CENT = Decimal("0.01")
HIGH = Decimal("5000.00")


def main() -> None:
    print(f"{'the index alone':<44}{'us a tick':>12}{'beside none':>14}")
    gc.disable()
    index()
    gc.enable()
    print(f"\n{'the whole round, with PostgreSQL':<44}{'ms a round':>12}{'beside none':>14}")
    stage.set_up()
    rounds()


def index() -> None:
    base = ticks(Watching(), lambda _tick: HIGH)
    row("no stops", base * 1e6, 1)
    for label, touched in (("none of them", 0), ("one of them", 1), ("ten of them", 10)):
        watching, top = stops(touched)
        each = ticks(watching, lambda tick, top=top: HIGH if top is None else top - tick * CENT)
        row(f"{STOPS:,} stops, a tick touches {label}", each * 1e6, each / base)
    watching = Watching()
    for number in range(STOPS):
        watching.watch(order(number, trail_amount=Decimal(1000) + number * CENT))
    watching.see(HIGH, at(0))
    each = ticks(watching, lambda tick: HIGH - tick * CENT)
    row(f"{STOPS:,} trailing stops, touched none", each * 1e6, each / base)


def stops(touched: int) -> tuple[Watching, Decimal | None]:
    """Return as many stops, so many of which lie on each cent, and the highest one's price."""
    watching = Watching()
    for number in range(STOPS):
        cents = number // touched if touched else number
        watching.watch(order(number, stop_price=(HIGH - 1) - cents * CENT))
    watching.see(HIGH, at(0))  # lets them in
    return watching, (HIGH - 1 if touched else None)


def order(number: int, **terms: Decimal) -> Watched:
    return Watched(uuid.UUID(int=number), uuid.UUID(int=1), Side.SELL, at(-1), **terms)


def at(tick: int) -> datetime:
    return datetime.fromisoformat("2026-11-20T17:00:00+00:00") + timedelta(milliseconds=tick)


def ticks(watching: Watching, price_of: Callable[[int], Decimal]) -> float:
    """Return the seconds that a tick takes, the median of many."""
    found = []
    for price, when in [(price_of(tick), at(tick + 1)) for tick in range(TICKS)]:
        started = time.perf_counter()
        watching.see(price, when)
        found.append(time.perf_counter() - started)
    return median(found)


def rounds() -> None:
    """Measure rounds with a new price each, first with one stop elsewhere, then with all."""
    world.instrument("AAPL", bid="99.99", ask="100.01")
    account = world.customer(cash="100000000.00")
    ticket = world.ticket(account, type=OrderType.STOP, stop_price=HIGH, quantity=Decimal(1))
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    if answer.order is None or answer.order.status != "held":
        raise SystemExit(f"not held: {answer}")
    lookout = Lookout(never)
    seconds_of_rounds(lookout)  # warm
    base = seconds_of_rounds(lookout)
    row("one stop", base * 1e3, 1)
    copy(answer.order)
    lookout = Lookout(never)
    started = time.perf_counter()
    lookout.look(now=timezone.now())
    loading = time.perf_counter() - started
    if len(lookout) != STOPS:
        raise SystemExit(f"{len(lookout)} were loaded")
    each = seconds_of_rounds(lookout)
    row(f"{STOPS:,} stops, a tick touches none of them", each * 1e3, each / base)
    print(f"loading {STOPS:,} of them from the database takes {loading:.2f} s")


def copy(pattern: Order) -> None:
    """Put the other stops into the tables, a cent apart, without the order path's work."""
    columns = [
        f'"{field.column}"'
        for field in Order._meta.concrete_fields
        if field.name not in ("id", "client_order_id")
    ]
    watch = [f'"{f.column}"' for f in Watch._meta.concrete_fields if f.name != "order"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO orders_order (id, client_order_id, {", ".join(columns)})
                SELECT gen_random_uuid(), 'copy ' || n, {", ".join(columns)}
                  FROM orders_order, generate_series(1, %s) AS n WHERE id = %s""",
            [STOPS - 1, pattern.pk],
        )
        cursor.execute(
            f"""INSERT INTO orders_watch (order_id, {", ".join(watch)})
                SELECT copies.id, {", ".join(f"w.{name}" for name in watch)}
                  FROM orders_watch w, orders_order copies
                 WHERE w.order_id = %s AND copies.id <> w.order_id""",
            [pattern.pk],
        )
        cursor.execute(
            """UPDATE orders_watch SET stop_price = stop_price + place * 0.01
                 FROM (SELECT order_id AS id, row_number() OVER () AS place FROM orders_watch) AS p
                WHERE p.id = order_id"""
        )


def seconds_of_rounds(lookout: Lookout) -> float:
    """Return the median time of a round in which AAPL has a new price."""
    found = []
    for number in range(ROUNDS):
        now = timezone.now()
        tick = TradeTick("AAPL", now, 100 + number % 7 * CENT, Decimal(1), uuid.uuid4().hex)
        marketdata.accept(TickColumns.of([tick]), source="bench", now=now)
        started = time.perf_counter()
        lookout.look(now=timezone.now())
        found.append(time.perf_counter() - started)
    return median(found)


def never(ticket: object) -> Future[Answer]:
    raise SystemExit(f"nothing should be reached: {ticket}")


def row(label: str, value: float, ratio: float) -> None:
    print(f"{label:<44}{value:>12.2f}{ratio:>13.1f}x", flush=True)


if __name__ == "__main__":
    main()
