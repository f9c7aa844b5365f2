"""Resting orders over a split, a dividend, and the end of an instrument."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders import corporate_actions, submission
from orders.adjustments import Dividend, Removal, Split
from orders.corporate_actions import Outcome
from orders.models import Order
from reconciliation.invariants import check_invariants
from tests import world
from tests.held import at_once, held
from venues.messages import OrderType, ReportKind, TimeInForce

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture(autouse=True)
def aapl(db):
    yield world.instrument()
    found = check_invariants(now=timezone.now())
    assert [each for each in found if not each.holds and each.number != 10] == []


def resting(price: str = "90.00", **wanted: object) -> Order:
    terms = {"time_in_force": TimeInForce.GTC, **wanted}
    ticket = world.limit_ticket(world.customer(), price, **terms)
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    world.Venue().says(answer.order, ReportKind.ACCEPTED, execution_id=f"A{answer.order.pk}")
    world.apply_reports()
    return answer.order


def stop(**wanted: object) -> Order:
    return held(time_in_force=TimeInForce.GTC, **wanted)


def adjust(instrument, action, reference="today"):
    return corporate_actions.adjust(
        instrument, action, reference=reference, enter=at_once, now=timezone.now()
    )


def now_of(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def test_a_split_replaces_what_we_hold_and_asks_the_venue_to_replace_what_it_has(aapl):
    ours, theirs = stop(stop_price=D("105")), resting("90.00")
    world.quote(aapl, bid="49.99", ask="50.00")
    assert adjust(aapl, Split(2, 1)) == Outcome(replaced=2, waiting=1)

    former = now_of(ours)
    new = Order.objects.get(pk=former.replaced_by)
    assert (former.status, new.status) == ("replaced", "held")
    assert (new.quantity, new.stop_price) == (D(20), D("52.50"))
    step = Order.history.get(id=new.pk)
    assert step.actor == "rule:corporate-action"
    asked = Order.objects.get(pk=now_of(theirs).replaced_by)
    assert (now_of(theirs).status, asked.status) == ("pending_replace", "pending")
    assert (asked.quantity, asked.limit_price) == (D(20), D("45.00"))


def test_the_same_action_again_changes_nothing_and_another_does(aapl):
    ours = stop(stop_price=D("120"))
    world.quote(aapl, bid="49.99", ask="50.00")
    adjust(aapl, Split(2, 1), reference="first")
    placed_since = stop(stop_price=D("110"))
    assert adjust(aapl, Split(2, 1), reference="first") == Outcome()
    assert now_of(placed_since).status == "held"

    world.quote(aapl, bid="24.99", ask="25.00")
    assert adjust(aapl, Split(2, 1), reference="second") == Outcome(replaced=2)
    first = Order.objects.get(pk=now_of(ours).replaced_by)
    second = Order.objects.get(pk=first.replaced_by)
    assert (second.quantity, second.stop_price) == (D(40), D("30.00"))


def test_what_waits_for_its_venue_is_told_of_and_cancelled_when_the_venue_refuses(aapl):
    order = resting("90.00")
    adjust(aapl, Split(2, 1))
    assert adjust(aapl, Split(2, 1)) == Outcome(waiting=1)

    new = Order.objects.get(pk=now_of(order).replaced_by)
    world.Venue().says(new, ReportKind.REPLACE_REJECTED, execution_id="no", reference=str(order.pk))
    world.apply_reports()
    assert now_of(order).status == "submitted"
    assert adjust(aapl, Split(2, 1)) == Outcome(cancelled=1, waiting=1)
    assert now_of(order).status == "pending_cancel"


def test_a_cancel_under_way_is_waited_for_as_the_venue_may_refuse_it(aapl):
    order = resting("90.00")
    submission.submit_batch([world.cancel_ticket(order)], now=timezone.now())
    assert adjust(aapl, Split(2, 1)) == Outcome(waiting=1)

    world.Venue().says(order, ReportKind.CANCEL_REJECTED, execution_id="no")
    world.apply_reports()
    assert adjust(aapl, Split(2, 1)) == Outcome(replaced=1, waiting=1)


def test_a_dividend_lowers_a_buy_limit_and_leaves_a_buy_stop(aapl):
    limit, buy_stop = resting("90.00"), stop(stop_price=D("105"))
    assert adjust(aapl, Dividend(D("0.25"))) == Outcome(replaced=1, unchanged=1, waiting=1)

    new = Order.objects.get(pk=now_of(limit).replaced_by)
    assert (new.quantity, new.limit_price) == (D(10), D("89.75"))
    assert now_of(buy_stop).status == "held"


def test_a_removal_and_a_reverse_split_end_every_order(aapl):
    ours, theirs = stop(), resting()
    assert adjust(aapl, Split(1, 10), reference="reverse") == Outcome(cancelled=2, waiting=1)

    assert (now_of(ours).status, now_of(theirs).status) == ("cancelled", "pending_cancel")
    last = stop()
    assert adjust(aapl, Removal(), reference="end") == Outcome(cancelled=1, waiting=1)
    assert now_of(last).status == "cancelled"
    assert "Removal" in now_of(last).status_reason


def test_an_order_whose_new_terms_are_denied_is_cancelled(aapl):
    order = stop(stop_price=D("105"))
    aapl.halted = True
    aapl.save()
    assert adjust(aapl, Split(2, 1)) == Outcome(cancelled=1)

    after = now_of(order)
    assert after.status == "cancelled"
    assert "halted" in after.status_reason


@pytest.mark.parametrize("until", [TimeInForce.DAY, TimeInForce.OPG, TimeInForce.CLS])
def test_what_was_placed_after_the_close_for_the_next_day_is_carried_over_too(aapl, until):
    aapl.calendar = "XNYS"
    aapl.save()
    with time_machine.travel(datetime(2026, 1, 5, 23, 30, tzinfo=UTC)):  # 18:30 in New York
        order = resting("90.00", time_in_force=until)
        world.quote(aapl, bid="49.99", ask="50.00")
        assert adjust(aapl, Split(2, 1)).replaced == 1

    asked = Order.objects.get(pk=now_of(order).replaced_by)
    assert (asked.quantity, asked.limit_price) == (D(20), D("45.00"))
    assert asked.time_in_force == until.value


def test_other_instruments_are_left_alone(aapl):
    other = world.instrument("MSFT")
    ticket = world.limit_ticket(
        world.customer(), "90.00", symbol="MSFT", time_in_force=TimeInForce.GTC
    )
    submission.submit_batch([ticket], now=timezone.now())

    assert adjust(aapl, Removal()) == Outcome()
    assert other.symbol == "MSFT"


def test_the_command_names_itself_so_that_it_is_repeated_on_another_day(aapl, monkeypatch):
    monkeypatch.setattr("orders.intake.intake.enter", at_once)
    monkeypatch.setattr("orders.intake.intake.close", lambda _timeout: None)
    order, said = stop(stop_price=D("120")), StringIO()
    world.quote(aapl, bid="49.99", ask="50.00")
    call_command("adjust_orders", "AAPL", split="2:1", reference="split of '26", stdout=said)
    first, told = said.getvalue().splitlines()
    assert told == "split of '26: 1 orders of AAPL replaced, 0 cancelled, 0 unchanged."

    *_, manage, name, symbol, option, terms, last, reference = shlex.split(first)
    assert (manage, name, last) == ("manage.py", "adjust_orders", "--reference")
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        call_command(name, symbol, option, terms, last, reference, stdout=StringIO())
    new = Order.objects.get(pk=now_of(order).replaced_by)
    assert (new.status, new.quantity) == ("held", D(20))


@pytest.mark.parametrize(
    "arguments",
    [
        ["AAPL", "--split", "4", "--reference", "x"],
        ["AAPL", "--split", "1:1", "--reference", "x"],
        ["AAPL", "--split", "0:1", "--reference", "x"],
        ["AAPL", "--dividend", "-1", "--reference", "x"],
        ["AAPL", "--dividend", "1e3", "--reference", "x"],
        ["AAPL", "--reference", "x"],
        ["NOSUCH", "--cancel", "--reference", "x"],
        ["AAPL", "--cancel", "--reference", "x" * 61],
        ["AAPL", "--cancel", "--reference", ""],
        ["AAPL", "--cancel"],
    ],
)
def test_the_command_says_what_is_wrong_and_does_nothing(arguments, monkeypatch):
    monkeypatch.setattr("orders.intake.intake.close", lambda _timeout: None)
    order = stop(type=OrderType.STOP)
    with pytest.raises(CommandError):
        call_command("adjust_orders", *arguments)

    assert now_of(order).status == "held"
