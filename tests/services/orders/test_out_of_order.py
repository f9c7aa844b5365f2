"""What a venue says in another order than it was done in: found by the simulation."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.entry import submission
from orders.models import Order
from orders.tickets import Actor, ReplaceTicket
from portfolio.models import Balance
from tests import world
from tests.placing import state
from venues import inbox, outbox
from venues.messages import ExecutionReport, ReportKind
from venues.models import InboxReport

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def account(db):
    world.instrument()
    return world.customer()


def report(number, kind, order, *, filled="0", quantity=None, reference=""):
    return ExecutionReport(
        sequence=number,
        execution_id=f"X{number}",
        kind=kind,
        client_order_id=str(order.pk),
        venue_order_id="V1",
        at=timezone.now(),
        quantity=quantity and D(quantity),
        price=quantity and D("99.00"),
        cumulative_quantity=D(filled),
        leaves_quantity=order.quantity - D(filled),
        reference=reference,
    )


def hear(*reports):
    inbox.store(outbox.EMBEDDED, reports, now=timezone.now())
    world.apply_reports()


def submit(ticket):
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    assert answer.refusal is None
    return answer.order


def replaced(account, order):
    return submit(
        ReplaceTicket(
            account_id=account.pk,
            order_id=order.pk,
            client_order_id="second",
            quantity=D(20),
            limit_price=None,
            stop_price=None,
            trail=None,
            time_in_force=None,
            actor=Actor("user", str(account.user_id)),
            source_address="192.0.2.1",
            received_at=timezone.now(),
        )
    )


def nothing_is_set_aside():
    unhandled = InboxReport.objects.exclude(state=InboxReport.State.APPLIED)
    return [(each.execution_id, each.state, each.reason) for each in unhandled] == []


def test_an_acknowledgement_may_come_behind_a_fill(account):
    order = submit(world.limit_ticket(account, "100.00"))
    hear(report(2, ReportKind.FILL, order, filled="4", quantity="4"))
    hear(report(1, ReportKind.ACCEPTED, order))
    assert state(order) == ("partially_filled", D(4))
    assert nothing_is_set_aside()


def test_two_fills_may_come_the_wrong_way_round_in_one_batch(account):
    order = submit(world.limit_ticket(account, "100.00"))
    hear(
        report(2, ReportKind.FILL, order, filled="10", quantity="6"),
        report(1, ReportKind.FILL, order, filled="4", quantity="4"),
    )
    assert state(order) == ("filled", D(10))
    assert nothing_is_set_aside()


@pytest.mark.parametrize("answer", [ReportKind.REPLACED, ReportKind.REPLACE_REJECTED])
def test_the_answer_to_a_replace_may_come_behind_that_to_a_later_cancel(account, answer):
    order = submit(world.limit_ticket(account, "100.00"))
    new = replaced(account, order)
    submit(world.cancel_ticket(Order.objects.get(pk=order.pk)))
    hear(report(3, ReportKind.CANCEL_REJECTED, order))
    said = report(2, answer, new, reference=str(order.pk))
    hear(replace(said, leaves_quantity=D(20)))
    took_over = answer is ReportKind.REPLACED
    assert state(order)[0] == ("replaced" if took_over else "submitted")
    assert state(new)[0] == ("pending_cancel" if took_over else "rejected")
    assert nothing_is_set_aside()


def test_a_replacement_may_end_before_it_is_said_to_have_taken_over(account):
    order = submit(world.limit_ticket(account, "100.00"))
    new = replaced(account, order)
    submit(world.cancel_ticket(Order.objects.get(pk=order.pk)))
    hear(report(3, ReportKind.CANCELLED, new))
    said = report(2, ReportKind.REPLACED, new, reference=str(order.pk))
    hear(replace(said, leaves_quantity=D(20)))
    assert (state(order)[0], state(new)[0]) == ("replaced", "cancelled")
    assert Balance.objects.get(account=account, asset="USD").held == 0
    assert nothing_is_set_aside()


def test_an_acknowledgement_may_come_behind_the_replacement(account):
    order = submit(world.limit_ticket(account, "100.00"))
    new = replaced(account, order)
    said = report(2, ReportKind.REPLACED, new, reference=str(order.pk))
    hear(replace(said, leaves_quantity=D(20)))
    hear(report(1, ReportKind.ACCEPTED, order))
    assert (state(order)[0], state(new)[0]) == ("replaced", "submitted")
    assert nothing_is_set_aside()
