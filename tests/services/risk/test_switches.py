"""Switches: at once for new orders, a cancel for each open one, two people to release."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import approvals
from accounts.approvals import UnableToApprove
from marketdata.models import Instrument
from orders.entry import submission
from orders.models import Order
from orders.safeguards import stopping
from orders.safeguards.killing import OWING_PAUSE, Killing
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Step
from portfolio.models import Hold
from risk.controls import switches
from risk.controls.models import Switch
from risk.controls.switches import Scope, UnableToSwitch
from risk.surveillance.models import Alert
from tests import held, invariants, people, staff, world
from venues import outbox
from venues.messages import OrderType, Side
from venues.models import Block, OutboxMessage

pytestmark = pytest.mark.django_db

D = Decimal
Effect = Switch.Effect


@pytest.fixture(autouse=True)
def _invariants_hold_afterwards(db):
    yield
    invariants.assert_hold()


def submit(*batch):
    return [answer.order for answer in submission.submit_batch(batch, now=timezone.now())]


def engage(effect=Effect.KILL, **scope):
    return switches.engage(
        scope=Scope(**scope), effect=effect, reason="A test", actor="operator:1",
        now=timezone.now(),
    )  # fmt: skip


def kill(order_id):
    return stopping.engage(
        scope=Scope(order_id=order_id), effect=Effect.KILL, reason="A test", actor="operator:1",
        now=timezone.now(),
    )  # fmt: skip


def release(switch):
    approval = switches.ask_release(
        switch, reason="All is well", by=people.person(is_staff=True), now=timezone.now()
    )
    return switches.release(approval.pk, by=people.person(is_staff=True), now=timezone.now())


def code(order):
    return order.denial_code


@pytest.fixture
def traders():
    world.instrument("AAPL")
    world.instrument("MSFT")
    return world.customer(), world.customer()


def scope_of(name, account):
    apple = Instrument.objects.get(symbol="AAPL")
    return {
        "account": {"account_id": account.pk},
        "symbol": {"instrument_id": apple.pk},
        "both": {"account_id": account.pk, "instrument_id": apple.pk},
        "venue": {"venue": outbox.EMBEDDED},
        "firm": {},
    }[name]


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ("account", [True, True, False, False]),
        ("symbol", [True, False, True, False]),
        ("both", [True, False, False, False]),
        ("venue", [True, True, True, True]),
        ("firm", [True, True, True, True]),
    ],
)
@pytest.mark.parametrize(
    ("effect", "denied"), [(Effect.KILL, "kill_switch"), (Effect.HALT, "trading_halted")]
)
def test_from_its_commit_on_no_new_order_of_its_scope_goes(traders, scope, stopped, effect, denied):
    engage(effect, **scope_of(scope, traders[0]))
    orders = submit(*(world.ticket(a, s) for a in traders for s in ("AAPL", "MSFT")))
    assert [code(order) for order in orders] == [denied if each else "" for each in stopped]
    assert OutboxMessage.objects.count() == stopped.count(False) == Hold.objects.count()


def test_an_order_that_waits_for_the_gateway_is_stopped_there_too(traders):
    [order] = submit(world.ticket(traders[0]))
    engage(account_id=traders[0].pk)
    assert outbox.claim(outbox.EMBEDDED, 10, now=timezone.now()) == []
    world.apply_reports()
    order.refresh_from_db()
    assert (order.status, order.venue_code) == ("rejected", "kill_switch")
    assert not Hold.objects.filter(status="pending").exists()


def test_everything_open_in_the_scope_is_cancelled_and_nothing_else(traders):
    first, second = traders
    sent, held_one, elsewhere = submit(
        world.limit_ticket(first, "90.00"),
        world.ticket(first, type=OrderType.STOP, stop_price=D("105")),
        world.limit_ticket(second, "90.00"),
    )
    assert [o.status for o in (sent, held_one, elsewhere)] == ["submitted", "held", "submitted"]
    outbox.confirm(OutboxMessage.objects.all(), now=timezone.now())
    engage(account_id=first.pk)
    killing = Killing(held.at_once)
    killing.look(now=timezone.now())
    killing.look(now=timezone.now())  # nothing is asked twice
    statuses = {o.pk: held.status(o) for o in (sent, held_one, elsewhere)}
    assert list(statuses.values()) == ["pending_cancel", "cancelled", "submitted"]
    cancels = OutboxMessage.objects.filter(kind="cancel")
    assert [each.order_id for each in cancels] == [sent.pk]
    [step] = Order.history.filter(id=held_one.pk, status="cancelled")
    assert (step.actor, step.history_change_reason) == ("rule:kill_switch", "Kill switch: A test")


def test_a_halt_leaves_what_rests_alone(traders):
    [resting] = submit(world.limit_ticket(traders[0], "90.00"))
    engage(Effect.HALT, account_id=traders[0].pk)
    Killing(held.at_once).look(now=timezone.now())
    assert held.status(resting) == "submitted"


def test_a_cancel_that_the_venue_refuses_is_asked_for_again(traders, monkeypatch):
    account = traders[0]
    venue = world.Venue()
    [order] = submit(world.limit_ticket(account, "90.00"))
    venue.accepts(order)
    world.apply_reports()
    engage(account_id=account.pk)
    killing = Killing(held.at_once)
    killing.look(now=timezone.now())
    killing.look(now=timezone.now())  # takes the answer
    venue.says(order, world.ReportKind.CANCEL_REJECTED, reason="busy")
    world.apply_reports()
    assert held.status(order) == "submitted"
    killing.look(now=timezone.now() + timedelta(seconds=2))
    assert held.status(order) == "pending_cancel"


def test_what_opens_is_cancelled_when_a_deposit_comes_back(traders):
    """What closes may stay: it brings what is owed."""
    account, other = traders
    world.own(account, "AAPL", "10", world.Venue(), price="100.00")
    opening, closing, elsewhere = submit(
        world.limit_ticket(account, "90.00"),
        world.limit_ticket(account, "110.00", side=Side.SELL),
        world.limit_ticket(other, "90.00"),
    )
    killing = Killing(held.at_once)
    killing.look(now=timezone.now())
    assert held.status(opening) == "submitted"
    deposit = Funding.objects.get(account=account)
    funding.take(deposit.pk, Step.RETURN, actor="rule:bank", reason="", now=timezone.now())
    killing.look(now=timezone.now() + OWING_PAUSE)
    statuses = [held.status(o) for o in (opening, closing, elsewhere)]
    assert statuses == ["pending_cancel", "submitted", "submitted"]
    step = Order.history.filter(id=opening.pk).latest("history_id")
    assert (step.actor, step.history_change_reason) == (
        "rule:deposit_returned",
        f"The deposit {deposit.reference} came back and is owed",
    )


@pytest.mark.parametrize(
    "scope", [{}, {"account": ""}, {"symbol": ""}, {"venue": ""}, {"firm": True, "symbol": "AAPL"}]
)
def test_the_command_stops_everybody_only_when_told_to(traders, scope):
    with pytest.raises(CommandError, match="--firm"):
        call_command("kill_switch", reason="A script", **scope)
    assert not Switch.objects.exists()
    call_command("kill_switch", "--firm", "--reason", "All of it")
    assert str(Switch.objects.get()).endswith("the firm")


def test_a_single_order_can_be_killed(traders):
    first, second = submit(*(world.limit_ticket(traders[0], "90.00") for _ in range(2)))
    engage(order_id=first.pk)
    Killing(held.at_once).look(now=timezone.now())
    assert [held.status(first), held.status(second)] == ["pending_cancel", "submitted"]
    assert code(submit(world.ticket(traders[0]))[0]) == ""
    with pytest.raises(UnableToSwitch):
        engage(Effect.HALT, order_id=second.pk)


@pytest.fixture
def venue():
    return world.Venue()


@pytest.fixture
def replaced(traders, venue):
    """An order that rests, and the one that the venue lets take its place, as we soon hear."""
    [old] = submit(world.limit_ticket(traders[0], "90.00"))
    venue.accepts(old)
    world.apply_reports()
    [new] = submit(world.replace_ticket(Order.objects.get(pk=old.pk), limit_price=D("91.00")))
    outbox.confirm(OutboxMessage.objects.all(), now=timezone.now())
    venue.replaces(old, new, total="10")
    return old, new


def test_to_kill_an_order_that_was_replaced_kills_what_took_its_place(replaced):
    old, new = replaced
    world.apply_reports()
    assert [held.status(old), held.status(new)] == ["replaced", "submitted"]
    assert kill(old.pk).order_id == new.pk == Block.objects.get().order_id
    Killing(held.at_once).look(now=timezone.now())
    assert held.status(new) == "pending_cancel"


def test_a_kill_follows_an_order_that_is_replaced_after_it(replaced, traders):
    """The venue had let the other take its place before it could hear of the cancel."""
    old, new = replaced
    [other] = submit(world.limit_ticket(traders[1], "90.00"))
    assert kill(old.pk).order_id == old.pk
    world.apply_reports()
    assert [held.status(old), held.status(new)] == ["replaced", "submitted"]
    Killing(held.at_once).look(now=timezone.now())
    assert [held.status(new), held.status(other)] == ["pending_cancel", "submitted"]


def test_what_is_to_take_the_place_of_a_killed_order_is_denied(traders):
    [stop] = submit(world.ticket(traders[0], type=OrderType.STOP, stop_price=D("105")))
    kill(stop.pk)
    [new] = submit(world.replace_ticket(stop, stop_price=D("106")))
    assert code(new) == "kill_switch"


@pytest.mark.parametrize("door", ["service", "command", "page"])
def test_an_order_that_has_ended_or_never_was_cannot_be_killed(replaced, venue, door):
    old, new = replaced
    world.apply_reports()
    submit(world.cancel_ticket(Order.objects.get(pk=new.pk)))
    venue.cancels(new)
    world.apply_reports()
    assert held.status(new) == "cancelled"
    ended = f"Order {old.pk} has ended: {new.pk}, which took its place, is cancelled."
    nobody = UUID(int=7)
    expected = {old.pk: ("order_ended", ended), nobody: ("unknown_order", f"no order {nobody}")}
    for order_id, (wanted, words) in expected.items():
        if door == "page":
            given = {"effect": "kill", "order_id": str(order_id), "reason": "?"}
            answer = staff.at_work()[1].post("/admin/risk/switch/add/", given)
            assert words in answer.content.decode()
        elif door == "command":
            with pytest.raises(CommandError, match=f"{wanted}: .*{words}"):
                call_command("kill_switch", order=order_id, reason="?")
        else:
            with pytest.raises(UnableToSwitch, match=words) as refused:
                kill(order_id)
            assert refused.value.code == wanted
    assert not Switch.objects.exists() and not Block.objects.exists()
    assert not Alert.objects.exists()


def test_an_order_is_named_alone(traders):
    [order] = submit(world.limit_ticket(traders[0], "90.00"))
    with pytest.raises(UnableToSwitch, match="nothing beside it"):
        engage(order_id=order.pk, account_id=traders[1].pk)
    assert not Switch.objects.exists()


def test_a_replacement_under_a_switch_is_denied_and_a_cancel_is_not(traders):
    venue = world.Venue()
    [order] = submit(world.limit_ticket(traders[0], "90.00"))
    venue.accepts(order)
    world.apply_reports()
    order.refresh_from_db()
    engage(Effect.HALT, account_id=traders[0].pk)
    [new] = submit(world.replace_ticket(order, quantity=D(5)))
    assert code(new) == "trading_halted"
    [cancelled] = submit(world.cancel_ticket(order))
    assert cancelled.status == "pending_cancel"


def test_a_held_order_does_not_go_under_a_switch_though_its_price_is_reached(traders):
    [stop] = submit(world.ticket(traders[0], type=OrderType.STOP, stop_price=D("105")))
    engage(Effect.HALT, account_id=traders[0].pk)
    [answer] = submission.submit_batch([world.trigger_ticket(stop, "105.00")], now=timezone.now())
    assert answer.refusal.code == "not_trading"
    assert (held.status(stop), held.sent(stop)) == ("held", 0)


def test_where_positions_may_only_be_reduced_a_purchase_is_denied_and_a_sale_goes(traders):
    account = traders[0]
    world.own(account, "AAPL", "10", world.Venue(), price="100.00")
    engage(Effect.CLOSING_ONLY, account_id=account.pk)
    bought, sold, other = submit(
        world.ticket(account, quantity=D(1)),
        world.limit_ticket(account, "100.50", side=Side.SELL),
        world.ticket(traders[1]),
    )
    assert [code(o) for o in (bought, sold, other)] == ["closing_only", "", ""]
    assert not Block.objects.exists()


def test_an_instrument_that_is_restricted_may_only_be_reduced(traders):
    Instrument.objects.filter(symbol="AAPL").update(closing_only=True)
    apple, other = submit(world.ticket(traders[0]), world.ticket(traders[0], "MSFT"))
    assert [code(apple), code(other)] == ["closing_only", ""]


@pytest.mark.parametrize("restriction", ["instrument", "switch", "account"])
def test_where_positions_are_reduced_a_stop_that_opens_one_stays_and_one_that_closes_goes(
    restriction,
):
    world.instrument("AAPL")
    account = world.customer(cash="10000.00")
    world.own(account, "AAPL", "10", world.Venue(), price="100.00")
    stop = {"type": OrderType.STOP, "quantity": D(5)}
    opens, closes = submit(
        world.ticket(account, stop_price=D(105), **stop),
        world.ticket(account, stop_price=D(95), side=Side.SELL, **stop),
    )
    if restriction == "instrument":
        Instrument.objects.update(closing_only=True)
    elif restriction == "account":
        type(account).objects.update(status="restricted")
    else:
        engage(Effect.CLOSING_ONLY)
    tickets = [world.trigger_ticket(opens, "106"), world.trigger_ticket(closes, "94")]
    answers = submission.submit_batch(tickets, now=timezone.now())
    assert [answer.refusal and answer.refusal.code for answer in answers] == ["not_trading", None]
    assert [Order.objects.get(pk=o.pk).status for o in (opens, closes)] == ["held", "submitted"]


def test_it_takes_two_people_to_release_and_then_orders_go_again(traders):
    switch = engage(account_id=traders[0].pk)
    alone = people.person(is_staff=True)
    approval = switches.ask_release(switch, reason="All is well", by=alone, now=timezone.now())
    with pytest.raises(UnableToApprove):
        switches.release(approval.pk, by=alone, now=timezone.now())
    with pytest.raises(UnableToSwitch):
        switches.ask_release(switch, reason="Again", by=alone, now=timezone.now())
    assert code(submit(world.ticket(traders[0]))[0]) == "kill_switch"
    other = people.person(is_staff=True)
    switches.release(approval.pk, by=other, now=timezone.now())
    assert code(submit(world.ticket(traders[0]))[0]) == ""
    switch.refresh_from_db()
    assert switch.released_by == f"operator:{alone.pk} and operator:{other.pk}"
    assert Block.objects.get().lifted_at == switch.released_at
    steps = switch.history.order_by("history_id")
    assert [bool(step.released_at) for step in steps] == [False, True]


def test_a_refused_release_leaves_the_switch_engaged(traders):
    switch = engage()
    asked = switches.ask_release(
        switch, reason="Please", by=people.person(is_staff=True), now=timezone.now()
    )
    approvals.refuse(asked.pk, by=people.person(), reason="Not yet", now=timezone.now())
    assert code(submit(world.ticket(traders[0]))[0]) == "kill_switch"
    release(switch)  # it can be asked for again
    assert code(submit(world.ticket(traders[0]))[0]) == ""


def test_releasing_one_switch_leaves_another(traders):
    one = engage(account_id=traders[0].pk)
    engage(Effect.HALT)
    release(one)
    assert code(submit(world.ticket(traders[0]))[0]) == "trading_halted"
