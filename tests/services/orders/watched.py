"""Margin accounts that are watched over, at prices that a test sets."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import Account, Activity
from marketdata.models import Instrument, Quote
from orders.models import Order
from orders.safeguards.liquidation import Watch
from tests import held, on_margin, world
from tests.on_margin import submit
from venues.messages import Side

D = Decimal


class Firm:
    """The watch over margin accounts, a venue, and prices that somebody sets."""

    def __init__(self) -> None:
        self.venue = world.Venue()
        self.watch = Watch(held.at_once)

    def price(self, symbol: str, price: str, *, spread: str = "0", **more: object) -> None:
        listed = Instrument.objects.get(symbol=symbol)
        at = more.pop("at", None)
        bid = str(D(price) - D(spread))
        world.quote(listed, bid=bid, ask=str(D(price) + D(spread)), at=at)
        Quote.objects.filter(instrument=listed).update(last=D(price), **more)

    def look(self, *, after: timedelta = timedelta()) -> None:
        now = timezone.now() + after
        if after:
            Quote.objects.update(received_at=now, at=now)
        self.watch.look(now=now)

    def buy(self, account: Account, quantity: str, symbol: str = "AAPL", price: str = "100.00"):
        self.price(symbol, price)
        wanted = world.limit_ticket(account, price, symbol=symbol, quantity=D(quantity))
        self.fill(submit(wanted)[0].order, price)

    def short(self, account: Account, quantity: str, price: str = "100.00") -> None:
        self.price("AAPL", price)
        wanted = world.limit_ticket(account, price, side=Side.SELL, quantity=D(quantity))
        self.fill(submit(wanted)[0].order, price)

    def fill(self, order: Order, price: str) -> None:
        assert order.denial_code == "", order.status_reason
        self.venue.fills(order, str(order.quantity), price)
        world.apply_reports()

    def fill_liquidations(self, price: str) -> list[Order]:
        found = list(Order.objects.filter(client_order_id__startswith="liq", status="submitted"))
        for order in found:
            self.fill(order, price)
        return found


def indebted(firm: Firm, cash: str = "10000.00", quantity: str = "200") -> Account:
    """200 shares at 100 USD, for 10,000 of the customer's and 10,000 of ours."""
    account = on_margin.customer(cash=cash)
    firm.buy(account, quantity)
    return account


def told(account: Account) -> list[str]:
    kinds = Activity.objects.filter(account=account, kind__startswith="margin.")
    return list(kinds.order_by("sequence").values_list("kind", flat=True))
