"""What is said to a venue, and what is never said twice: the rule of doubt, step by step."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.conversing import VENUE, Talk, new_order, put, report, stored
from venues import conversation, inbox, links, outbox
from venues.messages import (
    CancelOrder,
    ReplaceOrder,
    ReportKind,
)
from venues.models import InboxReport, OutboxMessage

pytestmark = pytest.mark.django_db


def test_requests_are_sent_in_order_and_once_confirmed_not_again(talk):
    orders = [new_order() for _ in range(3)]
    put(*orders)
    talk.go_on()
    talk.go_on()
    assert talk.stand.requests == orders
    assert [o.number for o in talk.stand.got] == [1, 2, 3]
    assert not any(o.is_repeat for o in talk.stand.got)


def test_messages_are_counted_for_each_venue_and_day_in_new_york():
    put(*(new_order() for _ in range(3)))
    put(new_order(), venue="OTHER")
    # 23:59:59 and midnight in New York, then a clock that steps back
    late = datetime(2026, 7, 1, 3, 59, 59, tzinfo=UTC)
    numbers = []
    for venue, now in (
        (VENUE, late), (VENUE, late + timedelta(seconds=1)), ("OTHER", late), (VENUE, late),
    ):  # fmt: skip
        [message] = outbox.claim(venue, 1, now=now)
        numbers.append((venue, message.session_date, message.number))
        outbox.confirm([message], now=now)
    assert numbers == [
        (VENUE, date(2026, 6, 30), 1),
        (VENUE, date(2026, 7, 1), 1),
        ("OTHER", date(2026, 6, 30), 1),
        (VENUE, date(2026, 7, 1), 2),
    ]


def test_what_could_not_be_sent_is_doubted_once_and_the_venue_asked_before_it_is_sent(talk):
    order = new_order()
    put(order)
    talk.conversation.open()
    talk.stand.cut = "before"
    for _ in range(3):
        talk.go_on()
    [doubt] = stored(ReportKind.DOUBTED)
    assert (doubt.client_order_id, doubt.report["reason"]) == (order.client_order_id, "reset")
    assert talk.stand.got == []

    talk.stand.cut = None
    talk.go_on()
    assert talk.stand.asked == [order.client_order_id]
    [outgoing] = talk.stand.got
    assert (outgoing.request, outgoing.number, outgoing.is_repeat) == (order, 1, True)
    assert stored(ReportKind.STATUS) == []  # the acceptance says it all
    assert len(stored(ReportKind.ACCEPTED)) == 1


def test_what_had_arrived_is_not_sent_again_and_what_was_missed_comes_before_its_status(talk):
    order = new_order()
    put(order)
    talk.conversation.open()
    talk.stand.cut = "after"
    talk.go_on()
    assert [r.report["kind"] for r in InboxReport.objects.order_by("pk")] == ["doubted"]

    talk.stand.cut = None
    talk.go_on()
    assert talk.stand.requests == [order]
    kinds = [r.report["kind"] for r in InboxReport.objects.order_by("pk")]
    assert kinds == ["doubted", "accepted", "status"]
    assert outbox.in_doubt(VENUE, 10) == []


def test_after_a_crash_the_venue_is_asked_though_nobody_had_doubted(talk):
    arrived, missing = new_order(), new_order()
    put(arrived, missing)
    outbox.claim(VENUE, 10, now=timezone.now())  # and here the process died
    talk.stand.send([conversation._outgoing(m, False) for m in outbox.in_doubt(VENUE, 1)])
    later = new_order()
    put(later)

    talk.go_on()
    assert talk.stand.asked == [arrived.client_order_id, missing.client_order_id]
    assert talk.stand.requests == [arrived, missing, later]
    assert [o.number for o in talk.stand.got] == [1, 2, 3]
    assert [o.is_repeat for o in talk.stand.got] == [False, True, False]


def test_a_replace_is_known_by_its_new_order_and_a_cancel_by_its_effect(talk):
    order, other = new_order(), new_order()
    put(order, other)
    talk.go_on()
    replacing = ReplaceOrder(order.client_order_id, str(uuid.uuid4()), Decimal(5), Decimal(99))
    cancels = [CancelOrder(str(uuid.uuid4()), o.client_order_id) for o in (order, other)]
    put(replacing, *cancels)
    outbox.claim(VENUE, 10, now=timezone.now())
    in_doubt = outbox.in_doubt(VENUE, 10)
    talk.stand.got += [conversation._outgoing(m, False) for m in in_doubt[:2]]

    talk.conversation.lose("reset")
    assert stored(ReportKind.DOUBTED) == []  # the orders themselves are not in doubt
    talk.go_on()
    assert talk.stand.requests[2:] == [replacing, *cancels]
    assert [o.is_repeat for o in talk.stand.got] == [False, False, False, False, True]


def test_reports_are_asked_for_after_the_last_that_is_here_and_stored_once(talk):
    talk.stand.told = [report(n) for n in (1, 2, 3)]
    talk.go_on()
    talk.go_on()
    assert inbox.last_sequence(VENUE) == 3
    Talk(talk.stand).go_on()
    assert InboxReport.objects.count() == 3


def test_a_gap_is_waited_for_and_alerts_if_it_stays(talk, monkeypatch, settings):
    settings.VENUE_SILENCE_SECONDS_MAX = 15
    monkeypatch.setattr(conversation, "HEARTBEAT_SECONDS", -1)
    whole = [report(n) for n in range(1, 6)]
    talk.stand.told = [r for r in whole if r.sequence != 3]
    talk.go_on()
    assert inbox.last_sequence(VENUE) == 2
    assert links.current()[0].is_up_at(timezone.now())

    monkeypatch.setattr(conversation, "GAP_SECONDS_MAX", 0)
    talk.go_on()
    [link] = links.current()
    assert (link.is_up, link.missing_sequence) == (False, 3)
    assert link.detail == "report 3 is missing"

    talk.stand.told = whole
    talk.go_on()
    assert inbox.last_sequence(VENUE) == 5
    assert links.current()[0].is_up


def test_the_link_goes_down_with_its_reason_and_comes_up_again(talk):
    begun = timezone.now()
    talk.go_on()
    assert links.current()[0].is_up
    assert links.current()[0].since >= begun  # whatever a process that was killed has left
    talk.conversation.lose("the other end has hung up")
    [link] = links.current()
    assert (link.is_up, link.detail) == (False, "the other end has hung up")
    talk.go_on()
    assert links.current()[0].is_up
    talk.conversation.close()
    assert links.current()[0].detail == "its gateway has stopped"


def test_numbers_of_a_day_cannot_be_given_twice():
    put(new_order(), new_order())
    first, second = OutboxMessage.objects.order_by("pk")
    outbox.claim(VENUE, 1, now=timezone.now())
    first.refresh_from_db()
    taken = OutboxMessage.objects.filter(pk=second.pk)
    with pytest.raises(Exception, match="outbox_number_once"):
        taken.update(session_date=first.session_date, number=first.number)


def test_what_was_never_sent_while_nobody_answered_is_not_in_doubt(talk):
    order = new_order()
    put(order)
    talk.stand.cut = "before"
    talk.go_on()
    assert InboxReport.objects.count() == 0
    talk.stand.cut = None
    talk.go_on()
    assert talk.stand.asked == []
    assert talk.stand.requests == [order]
