"""A body becomes a ticket, or everything that is wrong with it is said at once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.tickets import Actor, OrderTicket
from trading.api import tickets
from trading.api.tickets import InvalidTicket, Origin
from venues.messages import OrderType, Side, TimeInForce

ORIGIN = Origin(
    account_id=uuid.uuid4(),
    actor=Actor("api_key", "PK1"),
    source_address="192.0.2.1",
    received_at=datetime(2026, 1, 5, 14, 30, tzinfo=UTC),
)
ORDER = {
    "symbol": "AAPL",
    "qty": "10",
    "side": "buy",
    "type": "limit",
    "time_in_force": "day",
    "limit_price": Decimal("190.10"),
}


def read(payload: object, *, refuses_unknown: bool = False) -> OrderTicket:
    return tickets.order_ticket(
        payload, origin=ORIGIN, new_id=lambda: "made-here", refuses_unknown=refuses_unknown
    )


def mistakes(payload: object, *, refuses_unknown: bool = False) -> list[str]:
    """Return the fields that are wrong."""
    with pytest.raises(InvalidTicket) as caught:
        read(payload, refuses_unknown=refuses_unknown)
    return [field for field, _ in caught.value.errors]


def test_an_order_is_read() -> None:
    assert read(ORDER | {"client_order_id": "mine", "extended_hours": False}) == OrderTicket(
        account_id=ORIGIN.account_id,
        client_order_id="mine",
        symbol="AAPL",
        side=Side.BUY,
        quantity=Decimal(10),
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        limit_price=Decimal("190.10"),
        extended_hours=False,
        actor=ORIGIN.actor,
        source_address=ORIGIN.source_address,
        received_at=ORIGIN.received_at,
    )


def test_an_order_without_an_id_is_given_one() -> None:
    assert read(ORDER).client_order_id == "made-here"


@pytest.mark.parametrize("quantity", ["10", 10, Decimal("10.0")])
def test_a_number_may_be_text_or_number(quantity: object) -> None:
    assert read(ORDER | {"qty": quantity}).quantity == 10


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert mistakes({"qty": "many", "side": "long", "limit_price": "NaN"}) == [
        "symbol",
        "side",
        "type",
        "time_in_force",
        "qty",
        "limit_price",
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"qty": "0"}, "qty"),
        ({"qty": "-1"}, "qty"),
        ({"qty": "1e3"}, "qty"),
        ({"qty": True}, "qty"),
        ({"qty": []}, "qty"),
        ({"qty": "0.0000000001"}, "qty"),
        ({"limit_price": None}, "limit_price"),
        ({"limit_price": "0"}, "limit_price"),
        ({"limit_price": "99999999999999"}, "limit_price"),
        ({"type": "market"}, "limit_price"),
        ({"type": "stop"}, "type"),
        ({"type": []}, "type"),
        ({"time_in_force": "opg"}, "time_in_force"),
        ({"notional": "100"}, "notional"),
        ({"stop_loss": {"stop_price": "1"}}, "stop_loss"),
        ({"order_class": "bracket"}, "order_class"),
        ({"symbol": "A" * 25}, "symbol"),
        ({"symbol": 7}, "symbol"),
        ({"extended_hours": "yes"}, "extended_hours"),
        ({"client_order_id": "x" * 129}, "client_order_id"),
        ({"client_order_id": "a\nb"}, "client_order_id"),
        ({"position_intent": "sell_to_close"}, "position_intent"),
        ({"position_intent": "whatever"}, "position_intent"),
    ],
)
def test_a_mistake_names_its_field(change: dict[str, object], field: str) -> None:
    assert mistakes(ORDER | change) == [field]


def test_unknown_fields_are_ignored_for_programs_and_refused_for_pages() -> None:
    payload = ORDER | {"colour": "green"}
    assert read(payload).symbol == "AAPL"
    assert mistakes(payload, refuses_unknown=True) == ["colour"]


@pytest.mark.parametrize("payload", [None, [], "order", 7, Decimal("1.5")])
def test_only_an_object_is_an_order(payload: object) -> None:
    assert mistakes(payload) == [""]


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(min_value=-(10**30), max_value=10**30, allow_nan=False)
    | st.text(max_size=200)
    | st.lists(st.integers(), max_size=2)
    | st.sampled_from(["buy", "sell", "market", "limit", "day", "gtc", "AAPL", "10"])
)


@given(st.dictionaries(st.sampled_from(sorted(tickets._READ)), VALUES))
def test_any_object_is_read_or_refused(payload: dict[str, object]) -> None:
    try:
        ticket = read(payload)
    except InvalidTicket:
        return
    assert 0 < ticket.quantity < 10**18
    assert ticket.limit_price is None or 0 < ticket.limit_price <= 10**10
