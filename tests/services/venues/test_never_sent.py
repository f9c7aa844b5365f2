"""What never leaves for a venue: cancelled first, too late, or not for its wire."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.entry import submission
from portfolio.models import Hold
from tests import world
from tests.conversing import (
    VENUE,
    Stand,
    Talk,
    answers,
    cancel_of,
    is_unsent,
    market_order,
    new_order,
    put,
    put_at,
    stored,
)
from venues import conversation, links, outbox, reasons, withheld
from venues.adapters import Unsendable
from venues.messages import (
    ReplaceOrder,
    ReportKind,
)
from venues.models import InboxReport, OutboxMessage

pytestmark = pytest.mark.django_db


def test_an_order_that_was_cancelled_before_it_was_sent_never_leaves_nor_does_its_cancel(talk):
    order, other = market_order(), new_order()
    put(order, other, cancel_of(order))
    talk.go_on()
    talk.go_on()
    assert talk.stand.requests == [other]
    assert answers() == [("cancelled", order.client_order_id, "never_sent")]
    assert not is_unsent()
    numbers = OutboxMessage.objects.order_by("pk").values_list("number", flat=True)
    assert list(numbers) == [None, 1, None]


def test_a_cancel_is_seen_however_far_behind_its_order_it_waits(talk, monkeypatch):
    monkeypatch.setattr(conversation, "BATCH", 2)
    orders = [market_order() for _ in range(5)]
    put(*orders, cancel_of(orders[0]), cancel_of(orders[1]), cancel_of(orders[4]))
    for _ in range(4):
        talk.go_on()
    assert talk.stand.requests == orders[2:4]
    assert [o.number for o in talk.stand.got] == [1, 2]
    assert [name for _, name, _ in answers()] == [orders[n].client_order_id for n in (0, 1, 4)]
    assert not is_unsent()


def test_what_was_cancelled_while_it_was_in_doubt_is_not_sent_if_it_never_arrived(talk):
    order = market_order()
    put(order)
    talk.conversation.open()
    talk.stand.cut = "before"
    talk.go_on()
    put(cancel_of(order))
    talk.stand.cut = None
    talk.go_on()
    assert (talk.stand.asked, talk.stand.requests) == ([order.client_order_id], [])
    assert answers() == [("cancelled", order.client_order_id, "never_sent")]
    assert not is_unsent()
    later = new_order()
    put(later)
    talk.go_on()
    assert [(o.request, o.number) for o in talk.stand.got] == [(later, 2)]


def test_what_was_cancelled_while_it_was_in_doubt_is_cancelled_at_the_venue_if_it_arrived(talk):
    order = market_order()
    put(order)
    talk.conversation.open()
    talk.stand.cut = "after"
    talk.go_on()
    cancel = cancel_of(order)
    put(cancel)
    talk.stand.cut = None
    talk.go_on()
    assert talk.stand.requests == [order, cancel]
    assert answers() == []


def test_a_market_order_that_waited_too_long_is_rejected_and_any_other_sent(talk):
    now = timezone.now()
    late, soon, limit = market_order(), market_order(), new_order()
    put_at(now - withheld.MARKET_AGE_MAX - timedelta(seconds=1), late, limit)
    put_at(now - withheld.MARKET_AGE_MAX + timedelta(seconds=10), soon)
    talk.go_on()
    assert talk.stand.requests == [limit, soon]
    assert answers() == [("rejected", late.client_order_id, "too_late_to_send")]
    assert not is_unsent()


def test_a_market_order_in_doubt_that_never_arrived_is_rejected_when_it_is_too_late(talk):
    order = market_order()
    put(order)
    talk.conversation.open()
    talk.stand.cut = "before"
    talk.go_on()
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(hours=5))
    talk.stand.cut = None
    for _ in range(2):
        talk.go_on()
    assert talk.stand.requests == []
    assert answers() == [("rejected", order.client_order_id, "too_late_to_send")]


def test_a_replace_of_what_never_left_is_for_the_venue_to_refuse(talk):
    order = new_order()
    replacing = ReplaceOrder(order.client_order_id, str(uuid.uuid4()), Decimal(5), Decimal(99))
    put(order, replacing, cancel_of(order))
    talk.go_on()
    assert talk.stand.requests == [replacing]


@pytest.mark.parametrize("is_in_doubt", [False, True])
def test_our_books_give_back_what_was_set_aside_for_an_order_that_never_left(talk, is_in_doubt):
    world.instrument()
    links.hear(VENUE, now=timezone.now())
    links.forget()
    account = world.customer(cash="10000.00")
    now = timezone.now()
    cancelled, late = (
        submission.submit_batch([world.ticket(account)], now=now)[0].order for _ in range(2)
    )
    if is_in_doubt:
        outbox.claim(VENUE, 10, now=now)
        talk.conversation.lose("reset")
        world.apply_reports()
    submission.submit_batch([world.cancel_ticket(cancelled)], now=now)
    OutboxMessage.objects.update(created_at=now - timedelta(hours=5))
    talk.go_on()
    world.apply_reports()
    assert talk.stand.requests == []
    for order, status, code in (
        (cancelled, "cancelled", "never_sent"),
        (late, "rejected", "too_late_to_send"),
    ):
        order.refresh_from_db()
        assert (order.status, order.venue_code) == (status, code)
        assert order.status_reason == reasons.sentence(code)
    assert not Hold.objects.filter(status="pending").exists()
    assert not InboxReport.objects.exclude(state="applied").exists()


class Picky(Stand):
    """A venue whose wire has no room for more than 1,000."""

    def send(self, outgoing):
        if any(getattr(o.request, "quantity", 0) > 1_000 for o in outgoing):
            raise Unsendable("no room for the quantity")
        super().send(outgoing)


def test_what_can_never_be_sent_is_rejected_and_keeps_nobody_waiting():
    talk = Talk(Picky())
    orders = [new_order(quantity) for quantity in ("1", "1001", "2")]
    replacing = ReplaceOrder(orders[0].client_order_id, str(uuid.uuid4()), Decimal(1001), None)
    put(*orders, replacing)
    talk.go_on()
    assert talk.stand.requests == [orders[0], orders[2]]
    [rejected], [refused] = stored(ReportKind.REJECTED), stored(ReportKind.REPLACE_REJECTED)
    assert rejected.client_order_id == orders[1].client_order_id
    assert rejected.report["reason"].endswith("no room for the quantity")
    assert refused.client_order_id == replacing.new_client_order_id
    assert refused.report["reference"] == orders[0].client_order_id
    assert not is_unsent()
