"""Resting orders over a split, a dividend, and the end of an instrument."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Account
from orders.actions import services as corporate_actions
from orders.actions.adjustments import Dividend, Removal, Split
from orders.actions.services import Outcome
from orders.entry import submission
from orders.models import Order, Watch
from orders.tickets import OrderClass, StopLoss
from tests import invariants, world
from tests.held import at_once, held, trailing
from venues import links, outbox
from venues.messages import ReportKind, TimeInForce

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture(autouse=True)
def aapl(db):
    yield world.instrument()
    invariants.assert_hold(has_gateway=False)


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


def test_a_stop_is_carried_over_at_night_when_prices_are_old_and_the_venue_is_away(aapl):
    aapl.calendar = "XNYS"
    aapl.save()
    with time_machine.travel(datetime(2026, 1, 5, 17, tzinfo=UTC)) as clock:
        world.quote(aapl, bid="99.99", ask="100.00")
        order = stop(stop_price=D("105"))
        clock.move_to(datetime(2026, 1, 6, 6, tzinfo=UTC))
        links.lose(outbox.EMBEDDED, now=timezone.now(), detail="A test")
        assert adjust(aapl, Split(2, 1)) == Outcome(replaced=1)

    new = Order.objects.get(pk=now_of(order).replaced_by)
    assert (new.status, new.is_watched) == ("held", True)
    assert (new.quantity, new.stop_price) == (D(20), D("52.50"))


def test_limits_of_orders_do_not_end_what_asks_for_nothing_new(aapl):
    owner = world.customer()
    orders = [stop(account=owner, stop_price=D(price)) for price in ("105", "106", "107")]
    world.limits(messages_per_minute_max=3, order_quantity_max=D(10), open_orders_max=3)
    Account.objects.filter(pk=owner.pk).update(status=Account.Status.RESTRICTED)
    world.quote(aapl, bid="49.99", ask="50.00")
    assert adjust(aapl, Split(2, 1)) == Outcome(replaced=3)
    assert {now_of(each).status for each in orders} == {"replaced"}


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


@pytest.mark.parametrize(
    ("trail", "after"),
    [
        ({"trail_amount": D(8)}, {"trail_amount": D(2), "trail_percent": None}),
        ({"trail_percent": D(8)}, {"trail_amount": None, "trail_percent": D(8)}),
    ],
)
def test_a_trailing_stop_goes_on_from_what_it_has_followed(aapl, trail, after):
    order = trailing(time_in_force=TimeInForce.GTC, **trail)
    Watch.objects.filter(pk=order.pk).update(mark=D(96))
    world.quote(aapl, bid="24.99", ask="25.00")
    assert adjust(aapl, Split(4, 1)) == Outcome(replaced=1)

    new = Order.objects.get(pk=now_of(order).replaced_by)
    assert (new.status, new.quantity) == ("held", D(40))
    [watch] = Watch.objects.all()
    assert (watch.order_id, watch.mark) == (new.pk, D(24))
    assert {name: getattr(watch, name) for name in after} == after
    assert {name: getattr(new, name) for name in after} == after


def bracket(venue: world.Venue) -> list[Order]:
    """Have a bracket to buy ten at 90, to be sold at 110 or stopped at 85.01, at the venue."""
    ticket = world.limit_ticket(
        world.customer(),
        "90.00",
        time_in_force=TimeInForce.GTC,
        order_class=OrderClass.BRACKET,
        take_profit=D("110.00"),
        stop_loss=StopLoss(D("85.01")),
    )
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    venue.accepts(answer.order)
    world.apply_reports()
    return [answer.order, *answer.legs]


def test_a_bracket_of_which_nothing_has_executed_is_carried_over_whole(aapl):
    venue = world.Venue()
    entry, profit, loss = bracket(venue)
    world.quote(aapl, bid="24.99", ask="25.00")
    assert adjust(aapl, Split(4, 1)) == Outcome(replaced=3, waiting=1)
    new, *legs = (Order.objects.get(pk=now_of(each).replaced_by) for each in (entry, profit, loss))
    venue.replaces(entry, new, total="40")
    world.apply_reports()
    assert [now_of(each).status for each in (entry, profit, loss)] == ["replaced"] * 3
    assert {each.group for each in (new, *legs)} == {entry.group}
    assert (new.quantity, new.limit_price) == (D(40), D("22.50"))
    assert [each.quantity for each in legs] == [D(40), D(40)]
    assert (legs[0].limit_price, legs[1].stop_price) == (D("27.50"), D("21.26"))

    # What it fills is protected as it was, on the new terms.
    venue.fills(new, "30", "22.50")
    world.apply_reports()
    assert [now_of(each).quantity for each in legs] == [D(30), D(30)]
    assert Watch.objects.get().order_id == legs[1].pk


def test_a_bracket_of_which_a_part_has_executed_ends_over_a_split(aapl):
    venue = world.Venue()
    entry, profit, loss = bracket(venue)
    venue.fills(entry, "4", "90.00")
    world.apply_reports()
    adjust(aapl, Split(4, 1))
    assert [now_of(each).status for each in (entry, profit, loss)] == [
        "pending_cancel", "cancelled", "cancelled",
    ]  # fmt: skip
    assert "executed a part on the terms of before" in now_of(loss).status_reason
