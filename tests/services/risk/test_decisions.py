"""Every decision is kept with its inputs, small, and comes out the same when it is made again."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from django.utils import timezone

from marketdata.calendars import Phase
from marketdata.instruments import habits
from marketdata.models import Bar, Instrument
from orders.entry import submission
from orders.tickets import OrderClass, StopLoss
from risk import records
from risk import services as risk
from risk.checks import Proposal, Situation
from risk.controls import switches
from risk.controls.models import Switch
from risk.controls.switches import Scope
from risk.models import Decision
from risk.services import NotRecomputable
from tests import on_margin, world
from tests.unit.risk.situations import BUY, SITUATION
from venues.messages import OrderType, Side, TimeInForce

pytestmark = pytest.mark.django_db

D = Decimal


def submit(*batch):
    return submission.submit_batch(batch, now=timezone.now())


def decision(order):
    return Decision.objects.get(order_id=order.pk)


def some_ticket(rng, accounts):
    """Return a ticket of any kind; many are denied for one reason or another."""
    price = D(rng.choice(["0.01", "20.00", "90.00", "99.999", "100.00", "101.00", "170.00"]))
    type_ = rng.choice([OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT, OrderType.STOP])
    terms = {
        "quantity": D(rng.choice(["0.5", "1", "10", "700", "30000", "200000"])),
        "side": rng.choice(list(Side)),
        "type": type_,
        "limit_price": price if type_ is OrderType.LIMIT else None,
        "stop_price": price if type_ is OrderType.STOP else None,
        "is_id_ours": rng.random() < 0.5,
    }
    if type_ is OrderType.LIMIT and rng.random() < 0.2:
        terms |= {
            "order_class": OrderClass.OTO,
            "stop_loss": StopLoss(D(rng.choice(["80.00", "80.001"]))),
        }
    elif type_ is not OrderType.STOP and rng.random() < 0.1:
        terms |= {"time_in_force": TimeInForce.IOC}
    symbol = rng.choice(["AAPL", "MSFT", "STALE", "CLOSED"])
    return world.ticket(rng.choice(accounts), symbol, **terms)


@pytest.mark.parametrize("seed", range(5))
def test_every_decision_comes_out_the_same_when_it_is_made_again(seed):
    rng = random.Random(seed)
    world.instrument("AAPL")
    world.instrument("MSFT", ask=None)
    world.instrument("STALE", at=timezone.now() - timedelta(minutes=5))
    world.instrument("CLOSED")
    Instrument.objects.filter(symbol="CLOSED").update(closing_only=True)
    accounts = [world.customer(cash=cash) for cash in ("100.00", "20000.00", "90000000.00")]
    world.own(accounts[1], "AAPL", "20", world.Venue(), price="100.00")
    world.limits(account=accounts[2], messages_per_minute_max=40, order_quantity_max=D(20_000))
    for _ in range(6):
        submit(*(some_ticket(rng, accounts) for _ in range(rng.randint(1, 20))))
        # What changes later changes nothing of what was decided.
        world.limits(order_value_max=D(rng.choice([1000, 100_000, 5_000_000])))
    decisions = list(Decision.objects.all())
    assert len(decisions) >= 30
    codes = {each.code for each in decisions}
    codes -= {"message_throttle"}  # which depends on where a minute ends
    assert {"", "insufficient_position"} < codes and len(codes) > 6, codes
    for each in decisions:
        again = risk.recompute(each)
        assert again.agrees, (each.code, each.message, again.denial)


def test_a_decision_that_was_tampered_with_is_noticed():
    world.instrument("AAPL")
    [answer] = submit(world.ticket(world.customer(cash="100.00")))
    kept = decision(answer.order)
    assert risk.recompute(kept).agrees
    kept.inputs["situation"]["cash_available"] = "1000000"
    assert not risk.recompute(kept).agrees
    kept = decision(answer.order)
    kept.allowed, kept.code, kept.message = True, "", ""
    assert not risk.recompute(kept).agrees


def test_it_says_check_by_check_what_came_out_and_where_a_limit_came_from():
    world.instrument("AAPL")
    account = world.customer()
    row = world.limits(account=account, order_value_max=D("500.00"))
    [answer] = submit(world.limit_ticket(account, "90.00"))
    again = risk.recompute(decision(answer.order))
    outcomes = {each.check: each for each in again.outcomes}
    value = outcomes["value_is_allowed"]
    assert value.denial.code == again.denial.code == "order_value_limit"
    assert (value.of_order["quantity"], value.of_limits["order_value_max"]) == (D(10), D("500.00"))
    assert outcomes["account_can_pay"].denial is None
    assert outcomes["account_can_pay"].of_situation["cash_available"] == D("100000.00")
    assert "cash_available" not in value.of_situation
    assert (again.limits["order_value_max"].value, again.limits["order_value_max"].row) == (
        D("500.00"), row.pk,
    )  # fmt: skip
    assert again.limits["order_quantity_max"].row != row.pk


def test_a_group_that_is_denied_for_one_of_its_orders_says_so_of_each():
    world.instrument("AAPL")
    wanted = world.limit_ticket(
        world.customer(), "90.00", order_class=OrderClass.OTO, stop_loss=StopLoss(D("80.001"))
    )
    [answer] = submit(wanted)
    first, leg = decision(answer.order), decision(answer.legs[0])
    assert first.code == leg.code == "price_increment"
    assert risk.recompute(first).agrees and risk.recompute(first).denial is None
    assert risk.recompute(leg).denial.code == "price_increment"


def test_a_decision_under_a_switch_and_with_a_past_is_made_again_the_same():
    apple = world.instrument("AAPL")
    habits.forget()
    now = timezone.now()
    Bar.objects.bulk_create(
        Bar(
            instrument=apple, timeframe="1Day", start=now - timedelta(days=2 + day),
            source="test", open=D(100), high=D(102), low=D(100), close=D(101), volume=D(100),
            turnover=D(10_000), trades=10,
        )
        for day in range(6)
    )  # fmt: skip
    account = world.customer()
    [small], [large], [larger] = (
        submit(world.limit_ticket(account, "90.00", quantity=D(q))) for q in (5, 25, 26)
    )
    assert [each.order.denial_code for each in (small, large, larger)] == [
        "", "", "order_volume_limit",
    ]  # fmt: skip
    assert (small.order.warnings, large.order.warnings) == ("", "large_against_volume")
    situation = decision(small.order).inputs["situation"]
    assert (D(situation["average_volume"]), D(situation["average_range"])) == (D(100), D("0.02"))
    switches.engage(
        scope=Scope(account_id=account.pk), effect=Switch.Effect.KILL, reason="A test",
        actor="operator:1", now=timezone.now(),
    )  # fmt: skip
    [stopped] = submit(world.limit_ticket(account, "90.00"))
    assert decision(stopped.order).code == "kill_switch"
    assert all(risk.recompute(each).agrees for each in Decision.objects.all())
    habits.forget()


def test_what_is_kept_is_small():
    world.instrument("AAPL")
    [answer] = submit(world.limit_ticket(world.customer(), "90.00"))
    assert len(orjson.dumps(decision(answer.order).inputs)) < 500


def test_what_a_former_version_kept_is_not_made_again():
    former = Decision(allowed=True, inputs={"proposal": {}, "situation": {}, "limits": {}})
    with pytest.raises(NotRecomputable):
        risk.recompute(former)


def test_whatever_is_written_down_is_read_again():
    full = replace(SITUATION, stopped="halt", clock_offset=-1.5, own_bid=D("1.10"), last=D(7))
    for value, kind in ((full, Situation), (SITUATION, Situation), (BUY, Proposal)):
        stored = orjson.loads(orjson.dumps(records.written(value), default=str))
        assert records.read(kind, stored) == value
        assert len(stored) < len(fields(kind))


def test_what_is_as_usual_is_not_written_and_still_has_to_be_said():
    unusual = {
        "account_status": "closed", "is_tradable": False, "is_halted": True, "is_venue_up": False,
        "phase": None, "position": D(-1), "position_available": D(1), "is_fractionable": True,
        "price_increment": D("0.0001"), "quantity_increment": D("0.001"), "quantity_min": D(10),
    }  # fmt: skip
    usual = {
        "account_status": "active", "is_tradable": True, "is_halted": False, "is_venue_up": True,
        "phase": Phase.REGULAR, "position": D(0), "position_available": D(0),
        "is_fractionable": False, "price_increment": D("0.01"), "quantity_increment": D(1),
        "quantity_min": D(1),
    }  # fmt: skip
    assert records.written(replace(SITUATION, **usual)).keys().isdisjoint(usual)
    for name, other in unusual.items():
        one_apart = replace(SITUATION, **{**usual, name: other})
        assert records.written(one_apart).keys() & usual.keys() == {name}
        stored = orjson.loads(orjson.dumps(records.written(one_apart), default=str))
        assert records.read(Situation, stored) == one_apart
    given = {f.name: getattr(SITUATION, f.name) for f in fields(Situation)}
    for name in usual:
        with pytest.raises(TypeError):
            Situation(**{each: value for each, value in given.items() if each != name})


def test_what_was_written_whole_is_still_read():
    proposal, situation = records.written(BUY), records.written(SITUATION)
    whole = {f.name: getattr(SITUATION, f.name) for f in fields(Situation)}
    whole = {name: each for name, each in whole.items() if name not in ("fees", "margin")}
    stored = orjson.loads(orjson.dumps(whole | situation, default=str))
    assert records.read(Situation, stored) == SITUATION
    assert records.read(Proposal, orjson.loads(orjson.dumps(proposal, default=str))) == BUY


def test_what_is_of_no_known_shape_is_not_read():
    for wrong in ({"nothing": 1}, {"quantity": "ten"}, {}):
        with pytest.raises(records.Unreadable):
            records.read(Proposal, wrong)


def test_decisions_of_margin_accounts_are_made_again_too():
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    orders = [
        world.limit_ticket(account, "100.00", quantity=D(quantity), side=side)
        for quantity, side in ((50, Side.BUY), (20, Side.SELL), (500, Side.BUY), (900, Side.SELL))
    ]
    submit(*orders)
    decisions = list(Decision.objects.order_by("pk"))
    assert {each.allowed for each in decisions} == {True, False}
    for each in decisions:
        assert "margin" in each.inputs["situation"]
        assert risk.recompute(each).agrees, each.message


def test_an_instrument_whose_calendar_nobody_knows_is_not_traded_and_harms_nobody_else():
    world.instrument("AAPL")
    world.instrument("MSFT")
    Instrument.objects.filter(symbol="AAPL").update(calendar="NOWHERE")
    account = world.customer()
    apple, other = submit(world.ticket(account), world.ticket(account, "MSFT"))
    assert [apple.order.denial_code, other.order.denial_code] == ["calendar_missing", ""]
