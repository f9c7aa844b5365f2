"""Everything about one order in the order of time, on its page in operations."""

from __future__ import annotations

import pytest
from django.utils import timezone

from orders import chronicle
from orders.entry import submission
from tests import people, world
from tests.staff import operator, text_of

pytestmark = pytest.mark.django_db


def filled_order():
    world.instrument()
    account, venue = world.customer(), world.Venue()
    [answer] = submission.submit_batch(
        [world.limit_ticket(account, "90", quantity=world.Decimal(5))], now=timezone.now()
    )
    venue.fills(answer.order, "5", "90")
    world.apply_reports()
    return answer.order


def test_an_order_tells_who_decided_asked_answered_and_booked():
    order = filled_order()
    told = chronicle.entries(order)
    assert [entry.at for entry in told] == sorted(entry.at for entry in told)
    kinds = {entry.what for entry in told}
    assert {"allowed by risk", "filled", "fill booked"} <= kinds
    assert any(what.startswith("to ") for what in kinds)
    assert any(what.startswith("from ") for what in kinds)
    [filled] = [entry for entry in told if entry.what == "filled"]
    assert ("filled quantity", "0 → 5") in filled.facts
    first = next(entry for entry in told if entry.by)
    assert first.by == f"{order.account.user.email}, from 192.0.2.1"


def test_a_denied_order_tells_why():
    world.instrument()
    account = world.customer(cash="1.00")
    submission.submit_batch([world.limit_ticket(account, "90")], now=timezone.now())
    order = account.orders.get()
    [denial] = [each for each in chronicle.entries(order) if each.what == "denied by risk"]
    assert order.denial_code
    assert denial.why.startswith(order.denial_code)


def test_its_page_shows_it_with_ways_to_each_row():
    order = filled_order()
    page = people.browser_of(operator()).get(f"/admin/orders/order/{order.pk}/change/")
    shown = text_of(page)
    for told in ("allowed by risk", "fill booked", "filled quantity: 0 → 5"):
        assert told in shown
    for model in ("risk/decision", "venues/outboxmessage", "venues/inboxreport", "orders/trade"):
        assert f'href="/admin/{model}/' in page.content.decode()
