"""A body becomes a ticket, or everything that is wrong with it is said at once."""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from orders import flaws
from orders.tickets import Actor, OrderClass, OrderTicket, ReplaceTicket, StopLoss
from trading.api import reading, tickets
from trading.api.reading import Mistake
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
ORDER_ID = uuid.uuid4()


def read(payload: object, *, refuses_unknown: bool = False) -> OrderTicket:
    return tickets.order_ticket(
        payload, origin=ORIGIN, new_id=lambda: "made-here", refuses_unknown=refuses_unknown
    )


def read_replace(payload: object, *, refuses_unknown: bool = False) -> ReplaceTicket:
    return tickets.replace_ticket(
        payload,
        ORDER_ID,
        origin=ORIGIN,
        new_id=lambda: "made-here",
        refuses_unknown=refuses_unknown,
    )


def mistakes(
    payload: object, *, refuses_unknown: bool = False, read: Callable[..., object] = read
) -> list[str]:
    """Return the fields that are wrong."""
    with pytest.raises(InvalidTicket) as caught:
        read(payload, refuses_unknown=refuses_unknown)
    return [mistake.field for mistake in caught.value.mistakes]


def code(payload: object) -> str:
    """Return the code of the one thing that is wrong."""
    with pytest.raises(InvalidTicket) as caught:
        read(payload)
    (mistake,) = caught.value.mistakes
    return mistake.code


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
    assert (read(ORDER).client_order_id, read(ORDER).is_id_ours) == ("made-here", True)
    mine = read(ORDER | {"client_order_id": "mine"})
    assert (mine.client_order_id, mine.is_id_ours) == ("mine", False)


def changed(**change: object) -> dict[str, object]:
    """Return ORDER with these fields, without those that are None."""
    return {name: value for name, value in (ORDER | change).items() if value is not None}


STOP = changed(type="stop", limit_price=None, stop_price="180")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (STOP, {"type": OrderType.STOP, "stop_price": Decimal(180)}),
        (
            changed(type="stop_limit", stop_price=180, limit_price="181"),
            {"type": OrderType.STOP_LIMIT, "stop_price": Decimal(180), "limit_price": Decimal(181)},
        ),
        (
            changed(type="trailing_stop", limit_price=None, trail_price="2.5"),
            {"type": OrderType.TRAILING_STOP, "trail_amount": Decimal("2.5")},
        ),
        (
            changed(type="trailing_stop", limit_price=None, trail_percent=5, time_in_force="gtc"),
            {"trail_percent": Decimal(5), "time_in_force": TimeInForce.GTC},
        ),
        (
            changed(type="market", limit_price=None, qty=None, notional="500.25"),
            {"quantity": None, "notional": Decimal("500.25")},
        ),
        (changed(time_in_force="opg"), {"time_in_force": TimeInForce.OPG}),
        (
            changed(type="market", limit_price=None, time_in_force="cls"),
            {"time_in_force": TimeInForce.CLS},
        ),
        (changed(extended_hours=True), {"extended_hours": True}),
        (
            changed(post_only=True, display_qty="0"),
            {"is_post_only": True, "display_quantity": Decimal(0)},
        ),
        (changed(order_class="", qty=None, notional="", type="limit") | {"qty": 1}, {}),
    ],
)
def test_every_kind_of_order_is_read(
    payload: dict[str, object], expected: dict[str, object]
) -> None:
    ticket = read(payload)
    assert {name: getattr(ticket, name) for name in expected} == expected
    assert ticket.order_class is OrderClass.SIMPLE


PROFIT = {"limit_price": "200"}


def test_a_bracket_is_read() -> None:
    ticket = read(
        changed(
            order_class="bracket",
            take_profit=PROFIT,
            stop_loss={"stop_price": "180", "limit_price": Decimal("179.5")},
        )
    )
    assert ticket.order_class is OrderClass.BRACKET
    assert ticket.take_profit == 200
    assert ticket.stop_loss == StopLoss(Decimal(180), Decimal("179.5"))


def test_an_oto_has_one_leg() -> None:
    ticket = read(changed(order_class="oto", stop_loss={"stop_price": "180"}))
    assert (ticket.order_class, ticket.take_profit) == (OrderClass.OTO, None)
    assert ticket.stop_loss == StopLoss(Decimal(180))


@pytest.mark.parametrize(
    "limits",
    [
        {"limit_price": None, "take_profit": PROFIT},
        {"limit_price": "200", "take_profit": PROFIT},
        {"limit_price": "200"},
    ],
)
def test_the_limit_of_an_oco_is_that_of_its_take_profit(limits: dict[str, object]) -> None:
    ticket = read(
        changed(order_class="oco", side="sell", stop_loss={"stop_price": "180"}, **limits)
    )
    assert (ticket.limit_price, ticket.take_profit) == (200, None)
    assert ticket.stop_loss == StopLoss(Decimal(180))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (changed(order_class="bracket", take_profit=PROFIT), "bracket_legs"),
        (changed(take_profit=PROFIT), "order_class_missing"),
        (changed(order_class="mleg"), "mleg"),
        (changed(order_class="oto"), "oto_legs"),
        (changed(type="stop", limit_price=None), "stop_price_missing"),
        (changed(type="trailing_stop", limit_price=None), "trail"),
        (changed(notional="100"), "quantity_or_notional"),
        (changed(qty=None), "missing"),
        (changed(extended_hours=True, time_in_force="ioc"), "extended_hours_unfit"),
        (
            changed(
                order_class="oco", side="sell", limit_price="201",
                take_profit=PROFIT, stop_loss={"stop_price": "180"},
            ),
            "oco_legs",
        ),
    ],
)  # fmt: skip
def test_a_mistake_has_a_code(payload: dict[str, object], expected: str) -> None:
    assert code(payload) == expected


def test_every_flaw_that_an_order_can_have_names_a_field() -> None:
    source = inspect.getsource(flaws)
    found = set(re.findall(r'Refusal\(\s*f?"([a-z_]+)"', source)) - {"trail", "invalid_trail"}
    assert found - tickets._FIELD_OF.keys() == {"nothing_to_replace"}


def test_every_code_is_in_the_documentation() -> None:
    """A new code is added there too, or clients cannot rely on it."""
    documented = (settings.BASE_DIR / "docs" / "api.md").read_text()
    source = inspect.getsource(tickets) + inspect.getsource(reading)
    codes = set(re.findall(r'code="([a-z_]+)"', source)) | tickets._FIELD_OF.keys()
    codes |= {"trail", "invalid_trail", "nothing_to_replace", Mistake("", "").code}
    assert [code for code in sorted(codes) if f"`{code}`" not in documented] == []


def test_a_replace_is_read() -> None:
    ticket = read_replace({"qty": 5, "limit_price": "189.5", "time_in_force": "gtc", "trail": None})
    assert ticket == ReplaceTicket(
        account_id=ORIGIN.account_id,
        order_id=ORDER_ID,
        client_order_id="made-here",
        quantity=Decimal(5),
        limit_price=Decimal("189.5"),
        stop_price=None,
        trail=None,
        time_in_force=TimeInForce.GTC,
        actor=ORIGIN.actor,
        source_address=ORIGIN.source_address,
        received_at=ORIGIN.received_at,
        is_id_ours=True,
    )


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        ({}, [""]),
        ({"qty": "0"}, ["qty"]),
        ({"trail": "-1"}, ["trail"]),
        ({"stop_price": "x", "time_in_force": "never"}, ["stop_price", "time_in_force"]),
        ({"notional": "5"}, ["notional"]),
        ([], [""]),
    ],
)
def test_a_replace_that_makes_no_sense_names_its_fields(payload: object, fields: list[str]) -> None:
    assert mistakes(payload, read=read_replace) == fields


def test_unknown_fields_of_a_replace_or_a_leg_are_refused_for_pages() -> None:
    assert mistakes({"qty": "1", "side": "buy"}, refuses_unknown=True, read=read_replace) == [
        "side"
    ]
    bracket = changed(order_class="oto", stop_loss={"stop_price": "180", "colour": "red"})
    assert mistakes(bracket, refuses_unknown=True) == ["stop_loss.colour"]
    assert read(bracket).stop_loss == StopLoss(Decimal(180))


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
        ({"type": "stop"}, "limit_price"),
        ({"type": "elsewhere"}, "type"),
        ({"type": []}, "type"),
        ({"time_in_force": "soon"}, "time_in_force"),
        ({"qty": None, "notional": "1.001"}, "notional"),
        ({"stop_loss": {"stop_price": "1"}}, "order_class"),
        ({"stop_loss": {}}, "stop_loss.stop_price"),
        ({"take_profit": "200"}, "take_profit"),
        ({"order_class": "bracket"}, "order_class"),
        ({"order_class": "pair"}, "order_class"),
        ({"legs": [{}]}, "order_class"),
        ({"post_only": True, "time_in_force": "ioc"}, "post_only"),
        ({"display_qty": "11"}, "display_qty"),
        ({"trail_percent": "5"}, "trail_percent"),
        ({"type": "stop_limit"}, "stop_price"),
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
    | st.dictionaries(st.sampled_from(["stop_price", "limit_price"]), st.integers(), max_size=2)
    | st.sampled_from(["buy", "sell", "market", "limit", "day", "gtc", "AAPL", "10"])
)


@given(st.dictionaries(st.sampled_from(sorted(tickets._ORDER_FIELDS)), VALUES))
def test_any_object_is_read_or_refused(payload: dict[str, object]) -> None:
    try:
        ticket = read(payload)
    except InvalidTicket:
        return
    assert (ticket.quantity or ticket.notional or 0) > 0
    assert ticket.limit_price is None or 0 < ticket.limit_price <= 10**10


@pytest.mark.parametrize("nonsense", [7, True, [], {}, ["buy"], {"buy": 1}, "BUY", " buy"])
def test_a_word_is_one_of_the_list_exactly(nonsense: object) -> None:
    assert mistakes(ORDER | {"side": nonsense}) == ["side"]


def test_null_and_an_empty_text_say_nothing() -> None:
    silent = dict.fromkeys(("notional", "stop_price", "client_order_id", "order_class"), "")
    ticket = read(ORDER | silent | {"trail_price": None, "extended_hours": None})
    assert (ticket.notional, ticket.stop_price, ticket.is_id_ours) == (None, None, True)
    assert mistakes(ORDER | {"extended_hours": ""}) == ["extended_hours"]
