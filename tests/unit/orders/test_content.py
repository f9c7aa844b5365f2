"""What tells a repeat of a client_order_id from its misuse: it may never change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from orders.tickets import Actor, OrderClass, OrderTicket, StopLoss
from risk.margin.requirements import Intent
from venues.messages import OrderType, Side, TimeInForce

PLAIN = OrderTicket(
    account_id=UUID(int=1),
    client_order_id="mine",
    symbol="BENCH",
    side=Side.BUY,
    quantity=Decimal(1),
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    limit_price=Decimal("90.00"),
    extended_hours=False,
    actor=Actor("user", "1"),
    source_address="",
    received_at=datetime(2026, 3, 2, 15, tzinfo=UTC),
)
FULL = replace(
    PLAIN,
    side=Side.SELL,
    notional=Decimal("3.10"),
    stop_loss=StopLoss(Decimal("1.0"), None),
    order_class=OrderClass.OCO,
    position_intent=Intent.SELL_TO_OPEN,
    lots=(UUID(int=5), UUID(int=7)),
    display_quantity=Decimal(0),
)


@pytest.mark.parametrize(
    ("ticket", "digest"),
    [
        (PLAIN, "2ff6a69bbfa64216b561c98d6f8477b1e4436ab32e70abde04e602b3a5683a79"),
        (FULL, "8c57354f1855b7b8de208787188b97a38f9a077b377fd6b65706c5b869651dde"),
    ],
)
def test_the_digest_is_what_orders_of_before_have(ticket: OrderTicket, digest: str) -> None:
    assert ticket.content_digest == digest


def test_another_way_to_write_a_number_is_the_same_content() -> None:
    rewritten = replace(PLAIN, quantity=Decimal("1.000"), limit_price=Decimal(90))
    assert rewritten.content_digest == PLAIN.content_digest


@pytest.mark.parametrize(
    "other",
    [
        {"symbol": "BENCHX"},
        {"side": Side.SELL},
        {"quantity": Decimal(2)},
        {"quantity": None, "notional": Decimal(1)},
        {"type": OrderType.STOP_LIMIT},
        {"time_in_force": TimeInForce.GTC},
        {"limit_price": Decimal("90.01")},
        {"extended_hours": True},
        {"stop_price": Decimal("1.5")},
        {"trail_amount": Decimal("1.5")},
        {"trail_percent": Decimal("1.5")},
        {"is_post_only": True},
        {"display_quantity": Decimal(0)},
        {"order_class": OrderClass.OTO},
        {"take_profit": Decimal("1.5")},
        {"stop_loss": StopLoss(Decimal("1.5"))},
        {"stop_loss": StopLoss(Decimal("1.5"), Decimal("1.4"))},
        {"position_intent": Intent.BUY_TO_CLOSE},
        {"lots": (UUID(int=9),)},
    ],
    ids="+".join,
)
def test_whatever_else_is_asked_is_another_content(other: dict[str, object]) -> None:
    assert replace(PLAIN, **other).content_digest != PLAIN.content_digest  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        {"client_order_id": "another"},
        {"actor": Actor("api_key", "2")},
        {"source_address": "192.0.2.1"},
        {"position_intent": Intent.BUY_TO_OPEN},
    ],
    ids="+".join,
)
def test_who_asks_and_how_is_no_content(other: dict[str, object]) -> None:
    assert replace(PLAIN, **other).content_digest == PLAIN.content_digest  # type: ignore[arg-type]
