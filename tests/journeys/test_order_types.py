"""Every kind of order against the real exchange and its living market, from ticket to end."""

from decimal import Decimal

import pytest

from marketdata import selectors as marketdata
from orders import selectors
from orders.entry import intake
from orders.tickets import OrderClass, StopLoss
from portfolio import selectors as portfolio
from tests import parts, world
from tests.patience import DEADLINE_SECONDS
from venues.messages import OrderType, Side, TimeInForce

pytestmark = pytest.mark.usefixtures("market")

D = Decimal
CENT = D("0.01")


@pytest.fixture
def account(market):
    return world.customer(cash="100000.00")


def enter(ticket):
    answer = intake.enter(ticket).result(DEADLINE_SECONDS)
    assert answer.refusal is None, answer.refusal
    assert not answer.order.denial_code, answer.order.status_reason
    return [answer.order, *answer.legs]


def until(order, *wanted):
    """Wait until the order is in one of these states, and return it."""

    def look():
        found = selectors.order(order.account_id, order.pk)
        return found if found.status in wanted else None

    return parts.until(look)


def acknowledged(order):
    parts.until(lambda: selectors.order(order.account_id, order.pk).venue_order_id)


def price(share):
    bid = marketdata.latest_quote(parts.aapl().pk).bid
    return (bid * D(share)).quantize(CENT)


def position(account):
    return sum(view.quantity for view in portfolio.snapshot(account.pk).positions)


def test_a_resting_order_is_replaced_at_the_exchange(account):
    [first] = enter(world.limit_ticket(account, str(price("0.9"))))
    acknowledged(first)
    lower = price("0.8")
    [second] = enter(world.replace_ticket(first, quantity=D(12), limit_price=lower))
    second = until(second, "submitted")
    assert until(first, "replaced").replaced_by == second.pk
    assert (second.quantity, portfolio.snapshot(account.pk).held) == (D(12), 12 * lower)
    # Up to the market: it executes like a new order would.
    [third] = enter(world.replace_ticket(second, limit_price=price("1.02")))
    assert until(third, "filled").filled_quantity == D(12)
    assert position(account) == D(12)


def test_a_bracket_takes_its_profit(account):
    """The take-profit is put where the market is: it executes at once, and ends the stop."""
    entry, profit, loss = enter(
        world.ticket(
            account,
            order_class=OrderClass.BRACKET,
            take_profit=price("1.2"),
            stop_loss=StopLoss(price("0.8")),
        )
    )
    assert until(entry, "filled").filled_quantity == D(10)
    assert until(profit, "submitted").quantity == D(10)
    assert selectors.order(account.pk, loss.pk).is_watched
    acknowledged(profit)
    [nearer] = enter(world.replace_ticket(profit, limit_price=price("0.99")))
    assert until(nearer, "filled").filled_quantity == D(10)
    assert until(loss, "cancelled").filled_quantity == 0
    assert (position(account), portfolio.snapshot(account.pk).held) == (0, 0)


def test_a_bracket_is_stopped_out(account):
    entry, profit, loss = enter(
        world.ticket(
            account,
            order_class=OrderClass.BRACKET,
            take_profit=price("1.2"),
            stop_loss=StopLoss(price("0.8")),
        )
    )
    until(entry, "filled")
    acknowledged(profit)
    # A stop above the market is reached by the next trade.
    [nearer] = enter(world.replace_ticket(loss, stop_price=price("1.05")))
    assert until(nearer, "filled").filled_quantity == D(10)
    assert until(profit, "cancelled").filled_quantity == 0
    assert position(account) == 0


def test_a_trailing_stop_follows_and_sells(account):
    [bought] = enter(world.ticket(account))
    until(bought, "filled")
    trail = {"type": OrderType.TRAILING_STOP, "trail_amount": CENT, "side": Side.SELL}
    [order] = enter(world.ticket(account, **trail))
    sold = until(order, "filled")
    assert sold.high_water_mark > 0
    assert sold.triggered_at >= sold.created_at
    assert position(account) == 0


def test_an_order_by_value_spends_no_more(account):
    [order] = enter(world.ticket(account, "BTC/USD", quantity=None, notional=D("500.00")))
    filled = until(order, "filled")
    assert D("490") < filled.filled_value <= D("500")
    assert portfolio.snapshot(account.pk).held == 0


def test_an_iceberg_shows_a_slice_and_a_hidden_order_nothing(account):
    bid = marketdata.latest_quote(parts.aapl().pk).bid
    better = bid + CENT
    for shown in (D(3), D(0)):
        [order] = enter(
            world.limit_ticket(
                account, str(better), display_quantity=shown, time_in_force=TimeInForce.GTC
            )
        )
        order = until(order, "submitted", "partially_filled", "filled")
        if order.status == "submitted":
            enter(world.cancel_ticket(order))
        until(order, "cancelled", "filled")


def test_post_only_is_rejected_by_the_venue_rather_than_executed(account):
    order = (
        intake.enter(world.limit_ticket(account, str(price("1.02")), is_post_only=True))
        .result(DEADLINE_SECONDS)
        .order
    )
    rejected = until(order, "rejected")
    assert (rejected.denial_code, rejected.filled_quantity) == ("", 0)
    assert "execute" in rejected.status_reason


def test_one_customer_does_not_trade_with_himself(account):
    [bought] = enter(world.ticket(account))
    until(bought, "filled")
    inside = marketdata.latest_quote(parts.aapl().pk)
    above = (inside.ask * D("1.05")).quantize(CENT)  # where nobody buys meanwhile
    [sale] = enter(world.limit_ticket(account, str(above), side=Side.SELL))
    acknowledged(sale)
    answer = intake.enter(world.limit_ticket(account, str(above), quantity=D(1))).result(
        DEADLINE_SECONDS
    )
    assert answer.order.denial_code == "self_trade"
    [buy] = enter(world.limit_ticket(account, str(above - CENT), quantity=D(1)))
    until(buy, "filled")
    intake.enter(world.cancel_ticket(sale)).result(DEADLINE_SECONDS)
    until(sale, "cancelled")
