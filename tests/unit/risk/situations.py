"""A proposal that may go, and the situation and bounds in which it may."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from marketdata.calendars import Phase
from risk import checks
from risk.checks import Bounds, Proposal, Situation
from venues.messages import OrderType, Side

D = Decimal


BUY = Proposal("AAPL", Side.BUY, OrderType.LIMIT, D(10), D("100.00"))


SELL = replace(BUY, side=Side.SELL)


MARKET = replace(BUY, type=OrderType.MARKET, limit_price=None)


SITUATION = Situation(
    at=datetime(2026, 1, 5, 15, 0, tzinfo=UTC),
    account_status="active",
    cash_available=D("1000.00"),
    position=D(20),
    position_available=D(10),
    open_buy_quantity=D(0),
    is_tradable=True,
    is_halted=False,
    phase=Phase.REGULAR,
    is_fractionable=False,
    is_venue_up=True,
    price_increment=D("0.01"),
    quantity_increment=D(1),
    quantity_min=D(1),
    bid=D("99.99"),
    ask=D("100.00"),
    quote_age=1.0,
    firm_open_buys=D(0),
    firm_age=1.0,
)


BOUNDS = Bounds(
    order_quantity_max=D(1000),
    order_value_max=D(100_000),
    order_volume_max=D("0.25"),
    position_quantity_max=D(1000),
    position_value_max=D(100_000),
    gross_exposure_max=D(1_000_000),
    price_collar=D("0.50"),
    price_distance_max=D("0.95"),
    market_buffer=D("0.03"),
    open_orders_max=100,
    messages_per_second_max=10,
    messages_per_minute_max=100,
    executions_per_minute_max=100,
    firm_open_buys_max=D(1_000_000),
    quote_age_max=10.0,
    firm_age_max=10.0,
)


def code(proposal=BUY, situation=SITUATION, bounds=BOUNDS):
    denial = checks.first_denial(proposal, situation, bounds)
    return denial.code if denial else None
