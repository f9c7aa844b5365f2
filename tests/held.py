"""Orders that are held, and a market that reaches them."""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from decimal import Decimal

from django.utils import timezone

from marketdata import services as marketdata
from marketdata.batches.columns import TickColumns
from marketdata.models import Quote
from marketdata.ticks import QuoteTick, TradeTick
from orders.entry import submission
from orders.entry.answers import Answer
from orders.held.triggers import Lookout
from orders.models import Order
from orders.tickets import Ticket
from tests import world
from venues.messages import OrderType
from venues.models import OutboxMessage

D = Decimal


def at_once(ticket: Ticket) -> Future[Answer]:
    """Carry a ticket out here and now, as the intake does in its thread."""
    answer: Future[Answer] = Future()
    answer.set_result(submission.submit_batch([ticket], now=timezone.now())[0])
    return answer


class Market:
    """Tells prices of AAPL through the same door as every feed, a moment later each time."""

    def __init__(self) -> None:
        self.aapl = world.instrument(bid=None, ask=None)
        Quote.objects.all().delete()
        self.numbers = itertools.count(1)
        self.quotes("99.99", "100.01")

    def trades(self, price: str, *, source: str = "feed", sets_last: bool = True) -> None:
        now = timezone.now()
        tick = TradeTick("AAPL", now, D(price), D(10), str(next(self.numbers)), sets_last)
        marketdata.accept(TickColumns.of([tick]), source=source, now=now)

    def batch(self, *prices: str) -> None:
        """Tell several trades at once."""
        now = timezone.now()
        ticks = [TradeTick("AAPL", now, D(p), D(10), str(next(self.numbers))) for p in prices]
        marketdata.accept(TickColumns.of(ticks), source="feed", now=now)

    def quotes(self, bid: str, ask: str, *, source: str = "feed") -> None:
        now = timezone.now()
        tick = QuoteTick("AAPL", now, D(bid), D(1000), D(ask), D(1000))
        marketdata.accept(TickColumns.of([tick]), source=source, now=now)

    def set(self, **values: object) -> None:
        Quote.objects.filter(instrument=self.aapl).update(**values)


def held(**wanted: object) -> Order:
    """Have a stop order to buy ten at 105 accepted and held, or another one that is wanted."""
    terms = {"type": OrderType.STOP, "stop_price": D("105"), **wanted}
    account = wanted.pop("account", None) or world.customer()
    terms.pop("account", None)
    [answer] = submission.submit_batch([world.ticket(account, **terms)], now=timezone.now())
    assert answer.order.status == "held", answer
    return answer.order


def trailing(**wanted: object) -> Order:
    return held(type=OrderType.TRAILING_STOP, stop_price=None, **wanted)


def look(lookout: Lookout) -> None:
    lookout.look(now=timezone.now())
    lookout.look(now=timezone.now())  # takes the answers


def status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def sent(order: Order) -> int:
    return OutboxMessage.objects.filter(order_id=order.pk).count()
