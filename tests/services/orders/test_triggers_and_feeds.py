"""What a feed tells late, or wrongly, triggers no order that we hold (fault 19)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata import services
from marketdata.arrival import late
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import memory
from marketdata.models import Instrument, SuspectTick
from marketdata.ticks import QuoteTick, TradeTick
from orders.held.triggers import Lookout
from orders.models import Order
from orders.safeguards.liquidation import Watch
from risk.models import MarginCall, MarginStatus
from tests import on_margin, world
from tests.held import Market, at_once, held, look, status
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal
FEED = "acme"
BAD_PRICES = ["0", "-95", "10000", "1", "NaN", "Infinity"]
BAD_QUOTES = [
    *(("0", "0"), ("-99", "101"), ("101", "99"), ("NaN", "101"), ("9900", "10100"), ("1", "2")),
]


@pytest.fixture
def market(settings) -> Market:
    settings.FEEDS = {FEED: "ws://127.0.0.1:1"}
    memory.forget()
    made = Market()
    Instrument.objects.update(source=FEED)
    made.trades("100", source=FEED)
    made.quotes("99.99", "100.01", source=FEED)
    return made


def test_late_trades_beyond_a_stop_leave_it_held(market):
    order, lookout = held(), Lookout(at_once)
    look(lookout)
    now = timezone.now()
    told = [
        TradeTick("AAPL", now - timedelta(seconds=n), D(106), D(5), f"late-{n}") for n in range(9)
    ]
    assert late.accept(told, source=FEED, now=now).booked == 9
    market.quotes("99.98", "100.01", source=FEED)
    look(lookout)
    look(restarted := Lookout(at_once))
    assert (status(order), len(restarted)) == ("held", 1)
    market.trades("105", source=FEED)
    look(lookout)
    assert status(order) == "submitted"


def test_bad_ticks_fire_no_stop(market):
    order, lookout = held(), Lookout(at_once)
    look(lookout)
    now = timezone.now()
    for n, price in enumerate(BAD_PRICES):
        services.accept(
            TickColumns.of([TradeTick("AAPL", now, D(price), D(5), f"bad-{n}")]),
            source=FEED,
            now=now,
        )
        look(lookout)
    for bid, ask in BAD_QUOTES:
        tick = QuoteTick("AAPL", now, D(bid), D(5), D(ask), D(5))
        services.accept(TickColumns.of([tick]), source=FEED, now=now)
        look(lookout)
    assert status(order) == "held"


def believed(market: Market, price: str) -> None:
    """Tell a price until it is believed, however far it lies from the one before."""
    for _ in range(10):  # the widest jump is, at the tenth tick that says the same
        market.trades(price, source=FEED)
        market.quotes(price, price, source=FEED)


def test_bad_ticks_call_no_margin_and_close_nothing(market):
    Instrument.objects.update(marginable=True)
    account, watch, lookout = on_margin.customer(cash="10000.00"), Watch(at_once), Lookout(at_once)
    [bought] = on_margin.submit(world.limit_ticket(account, "100.00", quantity=D(200)))
    world.Venue().fills(bought.order, "200", "100.00")
    world.apply_reports()
    stop = held(account=account, side=Side.SELL, stop_price=D("70.00"))
    # 200 x 71.43 = 14,286: equity 4,286.00, and 4,285.80 is required. A cent less is too little.
    believed(market, "71.43")
    watch.look(now=timezone.now())
    look(lookout)
    assert MarginStatus.objects.get(account=account).excess == D("0.20")

    for n, price in enumerate([*BAD_PRICES, "7.143", "714.30"]):
        now = timezone.now()
        services.accept(
            TickColumns.of([TradeTick("AAPL", now, D(price), D(5), f"bad-{n}")]),
            source=FEED,
            now=now,
        )
        watch.look(now=now)
        look(lookout)
    for bid, ask in [*BAD_QUOTES, ("7.143", "7.143"), ("0.7143", "71.43")]:
        now = timezone.now()
        tick = QuoteTick("AAPL", now, D(bid), D(5), D(ask), D(5))
        services.accept(TickColumns.of([tick]), source=FEED, now=now)
        watch.look(now=now)
        look(lookout)
    assert SuspectTick.objects.count() >= 16
    assert not MarginCall.objects.exists()
    assert not Order.objects.filter(client_order_id__startswith="liq").exists()
    assert status(stop) == "held"

    believed(market, "71.42")
    watch.look(now=timezone.now())
    assert MarginCall.objects.get().account_id == account.pk
    believed(market, "69.99")
    look(lookout)
    assert status(stop) == "submitted"


def test_another_source_fires_no_stop(market):
    order, lookout = held(), Lookout(at_once)
    market.trades("106", source="simulated")
    market.quotes("106", "106.02", source="simulated")
    look(lookout)
    assert status(order) == "held"
