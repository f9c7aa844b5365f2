"""Closing positions and cancelling all: what is unclear sells nothing, and no call waits twice."""

from __future__ import annotations

from concurrent.futures import Future
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from orders.entry import intake, submission
from orders.entry.answers import Answer
from orders.models import Order
from orders.tickets import Ticket
from tests import world
from tests.services.api.conftest import Api, Customer
from trading.api import order_entry
from trading.api.views import orders
from venues.messages import OrderType, Side


@pytest.fixture
def owner(customer: Customer) -> Customer:
    world.own(customer.account, "AAPL", "10", world.Venue(), price="100.00")
    return customer


@pytest.mark.parametrize(
    "query", ["qty=-5", "qty=0", "qty=", "qty=%20", "percentage=", "percentage=-5", "percentage=0"]
)
def test_what_says_no_part_of_a_position_sells_none(owner: Customer, query: str) -> None:
    before = Order.objects.count()
    answer = Api(owner)("DELETE", f"/v2/positions/AAPL?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid_request")
    assert Order.objects.count() == before


@pytest.mark.parametrize(
    "address", ["positions/AAPL?quantity=3", "positions?symbol=AAPL", "orders?symbol=AAPL"]
)
def test_a_page_that_misspells_a_parameter_is_told(
    owner: Customer, browser: Client, address: str
) -> None:
    before = Order.objects.count()
    answer = browser.delete(f"/api/v1/{address}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "unknown_field")
    assert Order.objects.count() == before


@pytest.mark.parametrize("has_begun", [True, False])
def test_all_cancels_share_one_deadline(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, has_begun: bool
) -> None:
    one = Decimal(1)
    tickets = [world.limit_ticket(customer.account, "90.00", quantity=one) for _ in range(6)]
    submission.submit_batch(tickets, now=timezone.now())

    def silent(ticket: Ticket) -> Future[Answer]:
        waiting: Future[Answer] = Future()
        if has_begun:
            waiting.set_running_or_notify_cancel()
        return waiting

    monkeypatch.setattr(order_entry, "WAIT_SECONDS_MAX", 0.3)
    monkeypatch.setattr(intake.intake, "enter", silent)
    answer = Api(customer)("DELETE", "/v2/orders")
    expected = "outcome_unknown" if has_begun else "not_accepted"
    told = [(row["status"], row["body"]["reason"]) for row in answer.json()]
    assert (answer.status_code, told) == (207, [(503, expected)] * 6)


def test_what_cancelling_all_would_cancel_is_counted(
    owner: Customer, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = world.ticket(owner.account, side=Side.SELL, type=OrderType.STOP, stop_price=Decimal(80))
    tickets = [stop, *(world.limit_ticket(owner.account, "90.00") for _ in range(3))]
    answers = submission.submit_batch(tickets, now=timezone.now())
    cancelled = answers[-1].order
    assert cancelled is not None
    submission.submit_batch([world.cancel_ticket(cancelled)], now=timezone.now())
    expected = {
        "count": 3, "buys": 2, "partly_filled": 0, "exits": 0, "is_all": True, "symbols": ["AAPL"],
    }  # fmt: skip
    assert browser.get("/api/v1/orders:cancelable").json() == expected
    monkeypatch.setattr(orders, "CANCELLED_MAX", 2)
    some = browser.get("/api/v1/orders:cancelable").json()
    assert (some["count"], some["is_all"]) == (2, False)
    assert len(browser.delete("/api/v1/orders").json()) == 2
