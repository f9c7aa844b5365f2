"""Outbox and inbox: in order, at least once out, exactly once in."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from orders import submission
from tests import world
from venues import gateway, inbox, outbox, wire
from venues.adapters import Unsendable, VenueUnavailable
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    OrderType,
    ReportKind,
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


@pytest.mark.parametrize("request_", [NEW, CancelOrder("R1", "O1"), replace(NEW, limit_price=None)])
def test_a_request_comes_back_from_the_outbox_as_it_went_in(request_):
    assert wire.request_from_json(*wire.request_to_json(request_)) == request_


@pytest.mark.parametrize("report", [REPORT, replace(REPORT, quantity=None, price=None)])
def test_a_report_comes_back_from_the_inbox_as_it_went_in(report):
    inbox.store("v", [report], now=timezone.now())
    assert wire.report_from_json(InboxReport.objects.get().report) == report


class Recorder:
    """A venue that takes what it is sent, or is not there."""

    venue = outbox.EMBEDDED

    def __init__(self):
        self.got = []
        self.is_there = True

    def send(self, requests):
        if not self.is_there:
            raise VenueUnavailable("nobody answers")
        self.got += requests

    def reports(self, after, limit):
        return [replace(REPORT, sequence=n, execution_id=f"E{n}") for n in (1, 2, 3) if n > after]


def test_requests_are_sent_in_order_and_once_confirmed_not_again():
    world.instrument()
    account, venue = world.customer(), Recorder()
    placed = [
        answer.order
        for answer in submission.submit_batch(
            [world.limit_ticket(account, "90.00") for _ in range(3)], now=timezone.now()
        )
    ]
    gateway._send(venue)
    gateway._send(venue)
    assert [r.client_order_id for r in venue.got] == [str(order.pk) for order in placed]


def test_what_could_not_be_sent_is_sent_later():
    world.instrument()
    venue = Recorder()
    submission.submit_batch([world.ticket(world.customer())], now=timezone.now())
    venue.is_there = False
    gateway._send(venue)
    assert venue.got == []
    venue.is_there = True
    gateway._send(venue)
    assert len(venue.got) == 1


class Picky(Recorder):
    """A venue whose wire has no room for more than 1,000."""

    def send(self, requests):
        if any(getattr(r, "quantity", 0) > 1_000 for r in requests):
            raise Unsendable("no room for the quantity")
        super().send(requests)


def test_what_can_never_be_sent_is_rejected_and_keeps_nobody_waiting():
    world.instrument()
    account, venue = world.customer(cash="1000000.00"), Picky()
    orders = [
        answer.order
        for answer in submission.submit_batch(
            [world.limit_ticket(account, "90.00", quantity=Decimal(q)) for q in (1, 1001, 2)],
            now=timezone.now(),
        )
    ]
    gateway._send(venue)
    world.apply_reports()
    for order in orders:
        order.refresh_from_db()
    assert [r.quantity for r in venue.got] == [1, 2]
    assert [order.status for order in orders] == ["submitted", "rejected", "submitted"]
    assert orders[1].status_reason.endswith("no room for the quantity")
    assert outbox.unsent(venue.venue, 10) == []


def test_reports_are_asked_for_after_the_last_that_is_here():
    venue = Recorder()
    assert gateway._receive(venue, 0) == (3, True)
    assert gateway._receive(venue, inbox.last_sequence(venue.venue)) == (3, False)
    assert InboxReport.objects.count() == 3
