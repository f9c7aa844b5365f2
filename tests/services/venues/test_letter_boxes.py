"""Outbox and inbox: in order, at least once out, exactly once in."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from venues import inbox, wire
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    OrderType,
    ReplaceOrder,
    ReportKind,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from venues.models import InboxReport

pytestmark = pytest.mark.django_db

NEW = NewOrder("O1", "AAPL", Side.BUY, Decimal("1.50"), OrderType.LIMIT, TimeInForce.DAY,
               Decimal("99.99"))  # fmt: skip
REPORT = ExecutionReport(
    sequence=1,
    execution_id="E1",
    kind=ReportKind.FILL,
    client_order_id="O1",
    venue_order_id="V1",
    at=datetime(2026, 1, 5, 15, 0, 0, 123456, tzinfo=UTC),
    quantity=Decimal("0.5"),
    price=Decimal("99.98"),
    cumulative_quantity=Decimal("0.5"),
    leaves_quantity=Decimal("1.0"),
)


FULL = replace(NEW, is_post_only=True, display_quantity=Decimal(0), cash_max=Decimal("100.5"),
               extended_hours=True, party="P1",
               self_trade_prevention=SelfTradePrevention.CANCEL_BOTH)  # fmt: skip
REPLACE = ReplaceOrder("O1", "O2", Decimal("2.5"), Decimal("99.98"))


@pytest.mark.parametrize(
    "request_",
    [NEW, FULL, CancelOrder("R1", "O1"), replace(NEW, limit_price=None), REPLACE,
     replace(REPLACE, limit_price=None)],
)  # fmt: skip
def test_a_request_comes_back_from_the_outbox_as_it_went_in(request_):
    assert wire.request_from_json(*wire.request_to_json(request_)) == request_


def test_a_request_does_not_say_what_is_at_its_default():
    assert wire.request_to_json(NEW)[1].keys() == {
        "client_order_id", "symbol", "side", "quantity", "type", "time_in_force", "limit_price",
    }  # fmt: skip
    assert wire.request_to_json(FULL)[1].keys() == {f.name for f in fields(FULL)} - {
        "was_triggered"
    }
    assert wire.report_to_json(REPORT).keys() == {f.name for f in fields(REPORT)}


def test_what_an_older_version_wrote_is_still_read():
    kind, content = wire.request_to_json(NEW)
    former = {"is_post_only": False, "display_quantity": None, "cash_max": None, "party": ""}
    assert wire.request_from_json(kind, content | former) == NEW
    older = {n: v for n, v in wire.report_to_json(REPORT).items() if n != "reference"}
    assert wire.report_from_json(older) == REPORT


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": "much"},
        {"quantity": None},
        {"quantity": 5},
        {"quantity": "NaN"},
        {"side": "both"},
        {"newer": 1},
        {"type": ["limit"]},
        {"symbol": 1},
        {"is_post_only": "yes"},
    ],
)
def test_half_a_request_is_no_request(wrong):
    kind, content = wire.request_to_json(NEW)
    with pytest.raises(wire.UnreadableMessage):
        wire.request_from_json(kind, {**content, **wrong})
    with pytest.raises(wire.UnreadableMessage):
        wire.request_from_json("other", content)


@pytest.mark.parametrize("report", [REPORT, replace(REPORT, quantity=None, price=None)])
def test_a_report_comes_back_from_the_inbox_as_it_went_in(report):
    inbox.store("v", [report], now=timezone.now())
    assert wire.report_from_json(InboxReport.objects.get().report) == report


def test_a_report_that_is_postponed_again_and_again_is_overdue_all_the_same():
    came = timezone.now()
    inbox.store("v", [REPORT], now=came)
    report = InboxReport.objects.get()
    later = [came + timedelta(seconds=seconds) for seconds in (10, 50, 61)]
    for now in later:
        inbox.postpone(report, reason="a fill is under way", now=now)
    assert inbox.early_before(came, 10) == []
    assert inbox.early_before(later[0], 10) == [report]
