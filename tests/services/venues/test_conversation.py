"""What is said to a venue, and what is never said twice: the rule of doubt, step by step."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.entry import submission
from portfolio.models import Hold
from tests import world
from venues import conversation, inbox, links, outbox, reasons, withheld
from venues.adapters import Unsendable, VenueUnavailable
from venues.conversation import Conversation
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    OrderType,
    ReplaceOrder,
    ReportKind,
    Side,
    TimeInForce,
)
from venues.models import InboxReport, OutboxMessage

pytestmark = pytest.mark.django_db

VENUE = outbox.EMBEDDED


def new_order(quantity: str = "10") -> NewOrder:
    return NewOrder(str(uuid.uuid4()), "AAPL", Side.BUY, Decimal(quantity), OrderType.LIMIT,
                    TimeInForce.DAY, Decimal("99.99"))  # fmt: skip


def is_unsent() -> bool:
    """Tell whether there is a message that the venue has not confirmed."""
    return OutboxMessage.objects.filter(venue=VENUE, sent_at=None).exists()


def put(*requests, venue: str = VENUE) -> None:
    outbox.enqueue(
        [
            outbox.message(
                venue=venue,
                order_id=uuid.UUID(
                    getattr(request, "new_client_order_id", None) or request.client_order_id
                ),
                request=request,
                now=timezone.now(),
            )
            for request in requests
        ]
    )


def report(sequence: int, order: NewOrder | None = None, **changes) -> ExecutionReport:
    return ExecutionReport(
        **{
            "sequence": sequence,
            "execution_id": f"E{sequence}",
            "kind": ReportKind.ACCEPTED,
            "client_order_id": order.client_order_id if order else "O1",
            "venue_order_id": "V1",
            "at": timezone.now(),
            "quantity": None,
            "price": None,
            "cumulative_quantity": Decimal(0),
            "leaves_quantity": order.quantity if order else Decimal(1),
            **changes,
        }
    )


class Stand:
    """A venue that obeys, answers what it is asked, and can be cut off at any step."""

    venue = VENUE

    def __init__(self) -> None:
        self.got: list = []
        self.asked: list[str] = []
        self.told: list[ExecutionReport] = []
        self.cut: str | None = None  # "before" or "after" it has got what is sent

    @property
    def requests(self) -> list:
        return [outgoing.request for outgoing in self.got]

    def is_reachable(self) -> bool:
        return True

    def connect(self, after, on_news) -> None:
        if self.cut:
            raise VenueUnavailable("nobody answers")

    def close(self) -> None:
        pass

    def send(self, outgoing) -> None:
        if self.cut == "before":
            raise VenueUnavailable("reset")
        self.got += outgoing
        for each in outgoing:
            if isinstance(each.request, NewOrder):
                self.told.append(report(len(self.told) + 1, each.request))
        if self.cut == "after":
            raise VenueUnavailable("timed out")

    def statuses(self, client_order_ids):
        self.asked += client_order_ids
        known = {
            getattr(r, "new_client_order_id", r.client_order_id): r
            for r in self.requests
            if not isinstance(r, CancelOrder)
        }
        cancelled = {r.client_order_id for r in self.requests if isinstance(r, CancelOrder)}
        return [
            report(0, known[name], client_order_id=name, kind=ReportKind.STATUS,
                   leaves_quantity=Decimal(0) if name in cancelled else known[name].quantity)
            for name in client_order_ids
            if name in known
        ]  # fmt: skip

    def reports(self, after, limit):
        return [r for r in self.told if r.sequence > after][:limit]


class Talk:
    """A conversation that is opened and lost as the gateway does it."""

    def __init__(self, stand) -> None:
        self.stand = stand
        self.conversation = Conversation(stand, lambda: None)

    def go_on(self) -> None:
        try:
            if not self.conversation.is_open:
                self.conversation.open()
            self.conversation.go_on()
        except VenueUnavailable as error:
            self.conversation.lose(str(error))


@pytest.fixture
def talk() -> Talk:
    return Talk(Stand())


def stored(kind: ReportKind) -> list[InboxReport]:
    return [row for row in InboxReport.objects.order_by("pk") if row.report["kind"] == kind]


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


# --- What is never sent -----------------------------------------------------------------------


def put_at(now: datetime, *requests) -> None:
    put(*requests)
    names = [request.client_order_id for request in requests]
    OutboxMessage.objects.filter(order_id__in=names).update(created_at=now)


def market_order() -> NewOrder:
    return replace(new_order(), type=OrderType.MARKET)


def cancel_of(order: NewOrder) -> CancelOrder:
    return CancelOrder(str(uuid.uuid4()), order.client_order_id)


def answers() -> list[tuple[str, str, str]]:
    """Return kind, order and reason of what our gateway answered itself."""
    rows = InboxReport.objects.filter(execution_id__startswith="gateway-").order_by("pk")
    return [(r.report["kind"], r.client_order_id, r.report["reason"]) for r in rows]


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


# --- What a switch has stopped -----------------------------------------------------------------

ACCOUNT, OTHER = uuid.uuid4(), uuid.uuid4()


def block(**scope) -> uuid.UUID:
    key = uuid.uuid4()
    nothing = {"order_id": None, "account_id": None, "symbol": "", "venue": ""}
    withheld.block(key, **{**nothing, **scope}, code="kill_switch", now=timezone.now())
    return key


def of_account(account, **changes) -> NewOrder:
    return replace(new_order(), party=str(account), **changes)


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ({}, [0, 1, 2]),
        ({"account_id": ACCOUNT}, [0, 1]),
        ({"symbol": "MSFT"}, [1]),
        ({"account_id": ACCOUNT, "symbol": "AAPL"}, [0]),
        ({"account_id": OTHER, "symbol": "MSFT"}, []),
        ({"venue": VENUE}, [0, 1, 2]),
        ({"venue": "ELSEWHERE"}, []),
    ],
)
def test_what_is_blocked_is_answered_and_never_sent(talk, scope, stopped):
    orders = [of_account(ACCOUNT), of_account(ACCOUNT, symbol="MSFT"), of_account(OTHER)]
    put(*orders)
    block(**scope)
    talk.go_on()
    assert talk.stand.requests == [o for n, o in enumerate(orders) if n not in stopped]
    assert answers() == [
        ("rejected", orders[number].client_order_id, "kill_switch") for number in stopped
    ]
    assert not is_unsent()


def test_a_block_of_one_order_stops_that_one_and_its_replacement(talk):
    order, other = new_order(), new_order()
    put(order, other)
    talk.go_on()
    block(order_id=uuid.UUID(order.client_order_id))
    change, unlike = (
        ReplaceOrder(each.client_order_id, str(uuid.uuid4()), Decimal(20), Decimal("99.99"))
        for each in (order, other)
    )
    put(change, unlike)
    talk.go_on()
    assert talk.stand.requests == [order, other, unlike]
    assert answers() == [("replace_rejected", change.new_client_order_id, "kill_switch")]


def test_a_replacement_is_blocked_by_the_account_that_its_message_is_filed_under(talk):
    change = ReplaceOrder(str(uuid.uuid4()), str(uuid.uuid4()), Decimal(20), Decimal("99.99"))
    outbox.enqueue(
        [
            outbox.message(
                venue=VENUE,
                order_id=uuid.UUID(change.new_client_order_id),
                request=change,
                now=timezone.now(),
                party=str(ACCOUNT),
                symbol="AAPL",
            )
        ]
    )
    block(account_id=ACCOUNT)
    talk.go_on()
    assert talk.stand.requests == []
    assert answers() == [("replace_rejected", change.new_client_order_id, "kill_switch")]


def test_cancels_are_always_sent(talk):
    order = of_account(ACCOUNT)
    put(order)
    talk.go_on()
    block()
    cancel = cancel_of(order)
    put(cancel)
    talk.go_on()
    assert talk.stand.requests == [order, cancel]


def test_an_order_that_is_blocked_while_it_was_in_doubt_is_not_sent_if_it_never_arrived(talk):
    order = of_account(ACCOUNT)
    put(order)
    talk.conversation.open()
    talk.stand.cut = "before"
    talk.go_on()
    block(account_id=ACCOUNT)
    talk.stand.cut = None
    talk.go_on()
    assert talk.stand.requests == []
    assert answers() == [("rejected", order.client_order_id, "kill_switch")]


def test_once_a_block_is_lifted_later_orders_are_sent_and_what_was_answered_is_not(talk):
    first, second = of_account(ACCOUNT), of_account(ACCOUNT)
    key = block(account_id=ACCOUNT)
    put(first)
    talk.go_on()
    withheld.lift(key, now=timezone.now())
    put(second)
    talk.go_on()
    assert talk.stand.requests == [second]
