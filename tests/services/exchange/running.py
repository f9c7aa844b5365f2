"""The exchange running in a test, and short words for what is asked of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from django.db import connection

from marketdata.arrival.tape import tape
from marketdata.models import Instrument
from tests.patience import DEADLINE_SECONDS, until
from venues.exchange import service
from venues.messages import CancelOrder, NewOrder, OrderType, Side, TimeInForce


def listed(symbol: str = "AAPL", *, price: str = "100.00", **changes: object) -> Instrument:
    """List an instrument for the exchange to trade."""
    return Instrument.objects.create(
        **{
            "code": f"US.{symbol}",
            "symbol": symbol,
            "name": symbol,
            "asset_class": "us_equity",
            "exchange": "NASDAQ",
            "reference_price": Decimal(price),
            **changes,
        }
    )


def order(
    name: str, side: str = "buy", quantity: str = "10", price: str = "100.00", tif: str = "gtc"
):
    return NewOrder(
        client_order_id=name,
        symbol="AAPL",
        side=Side(side),
        quantity=Decimal(quantity),
        type=OrderType.LIMIT,
        time_in_force=TimeInForce(tif),
        limit_price=Decimal(price),
    )


def cancel(name: str) -> CancelOrder:
    return CancelOrder(f"cancel-{name}", name)


def wait_for(condition: Callable[[], object]) -> None:
    until(condition)


class Running:
    """The exchange's part on a thread of its own."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.beats = 0
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            service.run(self.stop, self._beat)
        except BaseException as error:  # noqa: BLE001  # the test looks at what ended the part
            self.error = error
        finally:
            connection.close()

    def _beat(self) -> None:
        self.beats += 1


@contextmanager
def exchange() -> Iterator[Running]:
    running = Running()
    running.thread.start()
    try:
        wait_for(lambda: service._desk._is_open or running.error)
        yield running
    finally:
        running.stop.set()
        running.thread.join(DEADLINE_SECONDS)
        tape.take(wait_seconds=0, ticks_max=10**6)
