"""The parts of the program that trade, at work in threads of the test's own process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from foundation import wakeups
from marketdata import selectors
from marketdata.arrival import tape
from marketdata.history import first_data
from orders import executions
from orders.held import expiry, triggers
from tests.patience import DEADLINE_SECONDS, until
from venues import gateway, links
from venues.exchange import service as exchange

# A share and a coin: each instrument more costs a past of thousands of bars and a market.
FEW: Final = Path(__file__).with_name("few_instruments.csv")


def end(stop: threading.Event, threads: Iterable[threading.Thread]) -> None:
    """End the parts that run in `threads` until `stop`, at once: whoever waits for a hint would
    else see it when they look without one, half a second or a whole one later, in each test."""
    stop.set()
    wakeups.listener._tell_all()
    with transaction.atomic():
        wakeups.send(wakeups.Channel.OUTBOX)  # for the listener itself
    for thread in threads:
        thread.join(DEADLINE_SECONDS)


@contextmanager
def at_work() -> Iterator[None]:
    """Run the exchange with its market, the tape, the gateway, and what carries orders on."""
    first_data.load(now=timezone.now(), path=FEW)
    stop, failures = threading.Event(), []

    def guarded(run: Callable[[threading.Event, Callable[[], None]], None]) -> None:
        try:
            run(stop, lambda: None)
        except BaseException as error:  # noqa: BLE001  shown by the test
            failures.append(error)
            stop.set()
        finally:
            connection.close()

    order_parts = (executions.run, triggers.run, expiry.run)
    runs = (wakeups.listener.run, exchange.run, tape.run, gateway.run, *order_parts)
    threads = [threading.Thread(target=guarded, args=(run,), daemon=True) for run in runs]
    for thread in threads:
        thread.start()
    try:
        until(
            lambda: (q := selectors.latest_quotes([aapl().pk]).get(aapl().pk)) and q.bid and q.ask
        )
        # To a venue that cannot be reached nothing is sent, and nothing accepted.
        until(lambda: any(link.is_up for link in links.current()))
        links.forget()
        yield
    finally:
        end(stop, threads)
    if failures:
        raise failures[0]


def aapl():  # type: ignore[no-untyped-def]
    return selectors.instrument("AAPL")
