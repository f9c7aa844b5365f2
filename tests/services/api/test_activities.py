"""What happened in an account, as programs page through it: in order, complete, nothing twice."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from alpaca.trading.models import NonTradeActivity
from django.utils import timezone

from accounts.models import Account
from marketdata import calendars
from marketdata.models import Instrument
from orders.entry import submission
from orders.models import Order, Trade
from portfolio import services as portfolio
from portfolio.actions import entitlements
from portfolio.funding import services as funding
from portfolio.funding.passage import Step
from reconciliation.breaks import working
from reconciliation.breaks.models import Break
from reconciliation.records import BreakType
from tests import issuers, world
from tests.services.api.conftest import Api, Customer
from venues.messages import Side

_numbers = itertools.count(1)


def traded(
    customer: Customer, *quantities: str, at: object = None, executed: Sequence[datetime] = ()
) -> list[Trade]:
    """Store an order and its fills, or where a quantity is negative, the bust of the last one."""
    instrument = Instrument.objects.get()
    now = timezone.now()
    order = Order.objects.create(
        account=customer.account, client_order_id=f"order-{next(_numbers)}", instrument=instrument,
        side="buy", type="limit", time_in_force="day", quantity=10, limit_price=100,
        status="submitted", venue="test", created_at=now, updated_at=now,
    )  # fmt: skip
    trades: list[Trade] = []
    for quantity, executed_at in itertools.zip_longest(quantities, executed):
        trades.append(
            Trade.objects.create(
                order=order, account=customer.account, instrument=instrument, venue="test",
                execution_id=f"X{next(_numbers)}", side="buy", quantity=abs(Decimal(quantity)),
                price=Decimal(90), executed_at=executed_at or at or timezone.now(),
                booked_at=at or timezone.now(),
                busts=trades[-1] if quantity.startswith("-") else None,
            )
        )  # fmt: skip
    return trades


def test_pages_follow_each_other_also_within_one_moment(api: Api, customer: Customer) -> None:
    moment = timezone.now()
    for _ in range(3):
        traded(customer, "1", "2", at=moment)
    portfolio.deposit(
        account_id=customer.account.pk, amount=Decimal(5), reference="same", actor="operator:test",
        now=moment,
    )  # fmt: skip
    for direction in ("asc", "desc"):
        whole = api("GET", "/v2/account/activities", params={"direction": direction}).json()
        assert len(whole) == 8
        paged: list[object] = []
        token: dict[str, str] = {}
        while rows := api(
            "GET", "/v2/account/activities", params={"direction": direction, "page_size": 3} | token
        ).json():
            paged += rows
            token = {"page_token": rows[-1]["id"]}
        assert paged == whole


def test_what_the_venue_tells_late_is_not_left_out(api: Api, customer: Customer) -> None:
    def page(**query: object) -> list[str]:
        asked = {"direction": "asc", **query}
        rows = api("GET", "/v2/account/activities/FILL", params=asked).json()
        return [row["id"] for row in rows]

    traded(customer, "1")
    (seen,) = page()
    (late,) = traded(customer, "2", executed=[timezone.now() - timedelta(minutes=1)])
    (shown,) = page(page_token=seen)
    assert shown.endswith(str(late.pk))
    assert page() == [seen, shown]


def test_fills_that_came_at_once_are_in_the_order_of_their_execution(
    api: Api, customer: Customer
) -> None:
    now = timezone.now()
    executed = [now - timedelta(seconds=age) for age in (3, 2, 1, 0)]
    traded(customer, "1", "2", "3", "4", at=now, executed=executed)
    for direction, expected in (("asc", "1 3 6 10"), ("desc", "10 6 3 1")):
        asked = {"direction": direction}
        rows = api("GET", "/v2/account/activities/FILL", params=asked).json()
        assert [row["cum_qty"] for row in rows] == expected.split()


def test_what_was_filled_until_then_is_told_whatever_is_asked_for(
    api: Api, customer: Customer
) -> None:
    first, second, _ = traded(customer, "4", "5", "1")
    after = {"after": first.booked_at.isoformat(), "until": None, "page_size": 1}
    after["direction"] = "asc"
    (shown,) = api("GET", "/v2/account/activities/FILL", params=after).json()
    assert shown["id"].endswith(str(second.pk))
    assert (shown["cum_qty"], shown["leaves_qty"], shown["type"]) == ("9", "1", "partial_fill")


def test_a_bust_and_a_deposit_are_activities(api: Api, customer: Customer) -> None:
    traded(customer, "4", "-4")
    shown = api("GET", "/v2/account/activities").json()
    assert [(a["activity_type"], a.get("net_amount")) for a in shown] == [
        ("MISC", "360"),
        ("FILL", None),
        ("CSD", "100000"),
    ]
    assert shown[0]["busts"] == shown[1]["id"]
    assert shown[0]["cum_qty"] == "0"
    assert [a["activity_type"] for a in api("GET", "/v2/account/activities/CSD").json()] == ["CSD"]
    some = api("GET", "/v2/account/activities", params={"activity_types": "FILL,MISC"}).json()
    assert [a["activity_type"] for a in some] == ["MISC", "FILL"]
    assert api("GET", "/v2/account/activities/DIV").json() == []


def test_a_day_is_a_day_in_new_york(api: Api, customer: Customer) -> None:
    (trade,) = traded(customer, "1", at=timezone.now().replace(hour=2) - timedelta(days=7))
    day = (trade.booked_at - timedelta(hours=5)).date()  # two o'clock UTC is the evening before

    def of(date: object) -> int:
        return len(api("GET", "/v2/account/activities/FILL", params={"date": str(date)}).json())

    assert (of(day), of(day + timedelta(days=1)), of(day - timedelta(days=1))) == (1, 0, 0)


def test_activities_are_asked_for_by_category_and_by_order(api: Api, customer: Customer) -> None:
    [first], [second, bust] = traded(customer, "4"), traded(customer, "2", "-2")

    def types(path: str = "", **query: str) -> list[str]:
        answer = api("GET", f"/v2/account/activities{path}", params=query)
        assert answer.status_code == 200, answer.text
        return [row["activity_type"] for row in answer.json()]

    assert types(category="trade_activity") == ["FILL", "FILL"]
    assert types(category="non_trade_activity") == ["MISC", "CSD"]
    assert types(order_id=str(first.order_id)) == ["FILL"]
    assert types(order_id=str(second.order_id)) == ["MISC", "FILL"]
    assert types("/FILL", order_id=str(bust.order_id)) == ["FILL"]
    assert types("/CSD", order_id=str(first.order_id)) == []
    assert types(order_id=str(customer.account.pk)) == []
    assert types(activity_types="TRANS,OPASN") == ["CSD"]


@pytest.mark.parametrize(
    "query",
    [
        "/NOPE", "?activity_types=FILL,NOPE", "?category=other", "?order_id=mine",
        "/FILL?category=trade_activity",
    ],
)  # fmt: skip
def test_what_is_no_activity_is_said_to_be_none(api: Api, query: str) -> None:
    answer = api("GET", f"/v2/account/activities{query}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid_request")


@pytest.mark.parametrize("token", ["nonsense", "20260105143000123456::", "x::y"])
def test_an_unknown_page_is_said_to_be(api: Api, token: str) -> None:
    answer = api("GET", "/v2/account/activities", params={"page_token": token})
    assert (answer.status_code, answer.json()["reason"]) == (422, "unknown_page")


def test_the_page_of_another_is_unknown(api: Api, other: Customer) -> None:
    theirs = Api(other)("GET", "/v2/account/activities").json()
    answer = api("GET", "/v2/account/activities", params={"page_token": theirs[-1]["id"]})
    assert answer.json()["reason"] == "unknown_page"


def asked(api: Api, *types: str) -> list[dict[str, str]]:
    params = {"activity_types": ",".join(types)} if types else {}
    rows: list[dict[str, str]] = api("GET", "/v2/account/activities", params=params).json()
    return rows


def test_money_on_its_way_is_told_when_it_moves(api: Api, customer: Customer) -> None:
    now, account_id = timezone.now(), customer.account.pk
    coming = funding.expect_deposit(
        account_id=account_id, amount=Decimal(50), reference="A", actor="operator:x", now=now
    )
    assert [row["net_amount"] for row in asked(api, "CSD")] == ["100000"]
    assert api("GET", "/v2/account").json()["pending_transfer_in"] == "50"
    for step in (Step.SETTLE, Step.RETURN):
        funding.take(coming.pk, step, actor="operator:y", reason="", now=timezone.now())
    going = funding.request_withdrawal(
        account_id=account_id, payee_id=world.payee(customer.account).pk, amount=Decimal(70),
        reference="B", actor="user:x", now=timezone.now(),
    )  # fmt: skip
    shown = api("GET", "/v2/account").json()
    assert (shown["pending_transfer_in"], shown["pending_transfer_out"]) == ("0", "70")
    funding.take(going.pk, Step.CANCEL, actor="user:x", reason="", now=timezone.now())
    assert [(row["activity_type"], row["net_amount"]) for row in asked(api)] == [
        ("CSW", "70"),
        ("CSW", "-70"),
        ("CSD", "-50"),
        ("CSD", "50"),
        ("CSD", "100000"),
    ]


def test_a_deposit_that_never_arrived_moved_nothing(api: Api, customer: Customer) -> None:
    coming = funding.expect_deposit(
        account_id=customer.account.pk, amount=Decimal(50), reference="A", actor="operator:x",
        now=timezone.now(),
    )  # fmt: skip
    funding.take(coming.pk, Step.RETURN, actor="operator:x", reason="", now=timezone.now())
    assert [row["net_amount"] for row in asked(api)] == ["100000"]


def test_corporate_actions_are_activities(api: Api, customer: Customer) -> None:
    aapl = Instrument.objects.get()
    with time_machine.travel(timezone.now() - timedelta(days=1), tick=True):
        world.quote(aapl, bid="99.99", ask="100.00")
        world.own(customer.account, "AAPL", "13", world.Venue(), price="100.00")
    paid = issuers.dividend(aapl, "0.25")
    entitlements.entitle(paid, now=timezone.now())
    entitlements.pay(paid, now=timezone.now())
    split = issuers.split(aapl, 1, 10, price="950")
    entitlements.entitle(split, now=timezone.now())
    shown = [row for row in asked(api) if row["activity_type"] in ("DIV", "SPLIT", "CIL")]
    fields = ("activity_type", "net_amount", "qty", "symbol", "per_share_amount", "description")
    assert [tuple(row.get(field) for field in fields) for row in shown] == [
        ("CIL", "285", "0.3", "AAPL", None, split.said.reference),
        ("SPLIT", "0", "-12", "AAPL", None, split.said.reference),
        ("DIV", "3.25", "13", "AAPL", "0.25", paid.said.reference),
    ]
    assert [row["activity_type"] for row in asked(api, "SPLIT", "DIV")] == ["SPLIT", "DIV"]


def give_out_of_suspense(account: Account, amount: str) -> None:
    """Have a break corrected into the account by two people."""
    now = timezone.now()
    day = calendars.date_of(now)
    row = Break.objects.create(
        source="first-bank", key="line:1", day=day, found_on=day, found_at=now, asset="USD",
        type=BreakType.MISSING_HERE, severity=1, ours={}, theirs={}, difference=Decimal(amount),
        cash=0, value=Decimal(amount),
    )  # fmt: skip
    ann, bob = issuers.person("ann"), issuers.person("bob")
    asked_for = working.ask_to_correct(
        row.pk, amount=Decimal(amount), account=str(account.pk), by=ann, reason="Hers", now=now
    )
    working.approve(asked_for.pk, by=bob, reason="Yes", now=now)


def test_every_amount_of_cash_has_its_activity(api: Api, customer: Customer) -> None:
    """What the activities add up to is the cash, whatever happened."""
    aapl, venue = Instrument.objects.get(), world.Venue()
    world.own(customer.account, "AAPL", "30", venue, price="100.00")
    ticket = world.limit_ticket(customer.account, "100.00", side=Side.SELL, quantity=Decimal(17))
    world.quote(aapl, bid="100.00", ask="100.01")
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    venue.fills(answer.order, "17", "100.00")
    world.apply_reports()
    account_id = customer.account.pk
    funding.request_withdrawal(
        account_id=account_id, payee_id=world.payee(customer.account).pk, amount=Decimal(70),
        reference="B", actor="user:x", now=timezone.now(),
    )  # fmt: skip
    entitlements.entitle(issuers.split(aapl, 1, 10, price="950"), now=timezone.now())
    give_out_of_suspense(customer.account, "25.00")
    whole = asked(api)
    [corrected] = [row for row in whole if row["activity_type"] == "JNLC"]
    assert (corrected["net_amount"], corrected["description"]) == ("25", "Correction of our books")
    for row in whole:  # as their own client reads them
        if row["activity_type"] != "FILL":
            assert NonTradeActivity(**row).net_amount == float(row["net_amount"])
    assert "FEE" in {row["activity_type"] for row in whole}
    total = sum(
        Decimal(row["net_amount"])
        if "net_amount" in row
        else Decimal(row["price"]) * Decimal(row["qty"]) * (-1 if row["side"] == "buy" else 1)
        for row in whole
    )
    assert total == Decimal(api("GET", "/v2/account").json()["cash"])
    wanted = {"period": "all", "timeframe": "1D", "cashflow_types": "ALL"}
    history = api("GET", "/v2/account/portfolio/history", params=wanted).json()
    flows = {
        kind: Decimal(str(round(sum(amounts), 9))) for kind, amounts in history["cashflow"].items()
    }
    assert flows == {
        kind: sum(Decimal(row["net_amount"]) for row in whole if row["activity_type"] == kind)
        for kind in ("CIL", "CSD", "CSW", "DIV", "FEE", "INT", "JNLC", "MA")
    }
    assert min(flows["FEE"], flows["CSW"]) < 0 < min(flows["CIL"], flows["JNLC"])

    paged: list[object] = []
    token: dict[str, str] = {}
    while rows := api("GET", "/v2/account/activities", params={"page_size": 2} | token).json():
        paged += rows
        token = {"page_token": rows[-1]["id"]}
    assert paged == whole
