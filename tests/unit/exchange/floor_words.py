"""Short words for tests that speak to the engine."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from venues.exchange.commands import OURSELVES, Admit, Enter, OpenSession, Report, Trade
from venues.exchange.engine import Engine
from venues.messages import (
    CancelOrder,
    NewOrder,
    OrderType,
    ReplaceOrder,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

NOON = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
AAPL = Admit("AAPL", Decimal("0.01"), Decimal(1), Decimal(1), "always")
COIN = Admit("BTC/USD", Decimal("0.01"), Decimal("0.0001"), Decimal("0.001"), "always")


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def an_engine() -> Engine:
    engine = Engine()
    for command in (AAPL, COIN, OpenSession("always", date(2026, 3, 4))):
        engine.apply(command, NOON)
    return engine


def order(
    name: str,
    side: str = "buy",
    quantity: str = "10",
    price: str | None = "100",
    *,
    symbol: str = "AAPL",
    kind: str = "limit",
    tif: str = "day",
    member: str = OURSELVES,
    post_only: bool = False,
    display: str | None = None,
    cash: str | None = None,
    extended: bool = False,
    party: str = "",
    prevention: str = "cancel_newest",
) -> Enter:
    return Enter(
        member,
        NewOrder(
            *(name, symbol, Side(side), Decimal(quantity), OrderType(kind), TimeInForce(tif)),
            *(_decimal(price), post_only, _decimal(display), _decimal(cash), extended, party),
            SelfTradePrevention(prevention),
        ),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def cancel(name: str, request: str = "", *, member: str = OURSELVES) -> Enter:
    return Enter(member, CancelOrder(request or f"cancel-{name}", name))


def replace(
    name: str, new: str, quantity: str = "10", price: str | None = None, *, member: str = OURSELVES
) -> Enter:
    return Enter(member, ReplaceOrder(name, new, Decimal(quantity), _decimal(price)))


def said(events) -> list[tuple[str, str, str]]:
    """Return (kind, client order id, reason) of the reports among `events`."""
    return [
        (e.report.kind.value, e.report.client_order_id, str(e.report.reason))
        for e in events
        if isinstance(e, Report)
    ]


def fills(events) -> list[tuple[str, str, str]]:
    """Return (client order id, quantity, price) of the fills among `events`."""
    return [
        (e.report.client_order_id, str(e.report.quantity), str(e.report.price))
        for e in events
        if isinstance(e, Report) and e.report.price is not None
    ]


def trades(events) -> list[Trade]:
    return [event for event in events if isinstance(event, Trade)]
