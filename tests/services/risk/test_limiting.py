"""Setting limits: tightened by one person at once, loosened and overridden by two."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.approvals import UnableToApprove
from accounts.models import Approval
from marketdata.models import Instrument
from orders.entry import submission
from risk.limits import book as limit_book
from risk.limits import services as limiting
from risk.limits.models import Limits
from risk.limits.services import UnableToLimit, Wanted
from tests import people, world
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def clerk():
    return people.person(is_staff=True)


@pytest.fixture
def account():
    world.instrument("AAPL")
    return world.customer(cash="1000000.00")


def put(by, *, at=None, values=None, **wanted):
    wanted.setdefault("reason", "A test")
    return limiting.put(Wanted(values=values or {}, **wanted), by=by, now=at or timezone.now())


def order(account, quantity=10, *, at=None):
    wanted = world.limit_ticket(account, "100.00", quantity=D(quantity))
    [answer] = submission.submit_batch([wanted], now=at or timezone.now())
    return answer.order.denial_code


def firm():
    return Limits.objects.filter(account=None, tier="", instrument=None).latest("valid_from").values


def test_one_person_tightens_and_it_holds_for_the_next_order(account, clerk):
    row = put(clerk, account_id=account.pk, values={"order_quantity_max": D(9)})
    assert (row.set_by, row.approved_by) == (f"operator:{clerk.pk}", "")
    assert [order(account, 9), order(account, 10)] == ["", "order_quantity_limit"]
    assert order(world.customer(), 10) == ""


def test_it_takes_two_to_loosen_and_the_narrow_limit_holds_until_then(account, clerk):
    put(clerk, account_id=account.pk, values={"order_quantity_max": D(9)})
    asked = put(clerk, account_id=account.pk, values={"order_quantity_max": D(10)})
    assert isinstance(asked, Approval)
    assert order(account) == "order_quantity_limit"
    with pytest.raises(UnableToApprove):
        limiting.approve(asked.pk, by=clerk, now=timezone.now())
    assert order(account) == "order_quantity_limit"
    other = people.person(is_staff=True)
    row = limiting.approve(asked.pk, by=other, now=timezone.now())
    assert (row.set_by, row.approved_by) == (f"operator:{clerk.pk}", f"operator:{other.pk}")
    assert [order(account, 10), order(account, 11)] == ["", "order_quantity_limit"]


def test_to_leave_a_limit_out_is_to_loosen_it(account, clerk):
    put(clerk, account_id=account.pk, values={"order_quantity_max": D(9)})
    asked = put(clerk, account_id=account.pk, values={"order_value_max": D(500)})
    assert isinstance(asked, Approval)
    assert order(account, 9) == ""


def test_it_takes_two_to_put_a_wider_limit_before_one_of_the_tier_or_the_firm(account, clerk):
    world.limits(order_quantity_max=D(5))
    for scope in ({"account_id": account.pk}, {"tier": account.tier}):
        assert isinstance(put(clerk, values={"order_quantity_max": D(6)}, **scope), Approval)
    assert order(account, 6) == "order_quantity_limit"
    assert isinstance(put(clerk, tier=account.tier, values={"order_quantity_max": D(4)}), Limits)
    wanted = {"order_quantity_max": D(5), "order_value_max": D(900)}
    assert isinstance(put(clerk, account_id=account.pk, values=wanted), Approval)
    assert order(account, 5) == "order_quantity_limit"


def test_what_two_allowed_for_a_time_one_does_not_make_longer(account, clerk):
    now = timezone.now()
    mine = {"account_id": account.pk}
    wide, ends = {"order_quantity_max": D(1000)}, now + timedelta(minutes=10)
    put(clerk, at=now, values={"order_quantity_max": D(9)}, **mine)
    asked = put(clerk, at=now, values=wide, valid_until=ends, **mine)
    limiting.approve(asked.pk, by=people.person(is_staff=True), now=now)
    assert isinstance(put(clerk, at=now, values=wide, **mine), Approval)
    longer = ends + timedelta(microseconds=1)
    assert isinstance(put(clerk, at=now, values=wide, valid_until=longer, **mine), Approval)
    assert isinstance(put(clerk, at=now, values=wide, valid_until=ends, **mine), Limits)
    book = limit_book.ask([account.pk], now=ends).get()
    assert book.of(account.pk, account.tier, None).bounds.order_quantity_max == D(9)


def test_a_tightening_that_is_to_come_is_undone_by_two_alone(account, clerk):
    now = timezone.now()
    mine, later = {"account_id": account.pk}, now + timedelta(days=1)
    put(clerk, at=now, values={"order_quantity_max": D(9)}, valid_from=later, **mine)
    wide = {"order_quantity_max": D(10)}
    assert isinstance(put(clerk, at=now, values=wide, valid_from=later, **mine), Approval)


def test_an_override_leaves_another_ones_limits_alone(account, clerk):
    now = timezone.now()
    boss = people.person(is_staff=True)
    for at, hours, values in (
        (now, 5, {"order_quantity_max": D(9), "price_collar": D("0.1")}),
        (now + timedelta(seconds=1), 1, {"price_collar": D("0.6")}),
    ):
        asked = put(
            clerk,
            at=at,
            account_id=account.pk,
            values=values,
            is_override=True,
            valid_until=now + timedelta(hours=hours),
        )
        limiting.approve(asked.pk, by=boss, now=at)
    for minutes, collar in ((30, D("0.6")), (90, D("0.1"))):
        book = limit_book.ask([account.pk], now=now + timedelta(minutes=minutes)).get()
        bounds = book.of(account.pk, account.tier, None).bounds
        assert (bounds.order_quantity_max, bounds.price_collar) == (D(9), collar)


def test_what_was_asked_for_before_the_limits_were_changed_is_not_set(account, clerk):
    other = people.person(is_staff=True)
    mine = {"account_id": account.pk}
    put(clerk, values={"order_quantity_max": D(100)}, **mine)
    asked = put(clerk, values={"order_quantity_max": D(200)}, **mine)
    tight = put(other, values={"order_quantity_max": D(100), "order_value_max": D(5)}, **mine)
    with pytest.raises(UnableToLimit):
        limiting.approve(asked.pk, by=other, now=timezone.now())
    assert Limits.objects.filter(account=account).latest("pk") == tight
    assert order(account, 1) == "order_value_limit"
    asked = put(clerk, values={"order_quantity_max": D(200)}, **mine)
    limiting.approve(asked.pk, by=other, now=timezone.now())
    assert order(account, 200) == ""


def test_limits_of_a_tier_and_of_an_instrument_hold_for_whom_they_are(account, clerk):
    other = world.customer(cash="1000000.00")
    type(other).objects.filter(pk=other.pk).update(tier="gold")
    world.instrument("MSFT")
    row = put(clerk, tier="gold", values={"order_quantity_max": D(5)})
    assert row.scope == "tier gold"
    assert [order(account), order(other)] == ["", "order_quantity_limit"]
    apple = limit_instrument("AAPL")
    put(clerk, instrument_id=apple, values={"order_value_max": D("999.99")})
    assert order(account) == "order_value_limit"


def limit_instrument(symbol):
    return Instrument.objects.get(symbol=symbol).pk


def test_an_override_takes_two_holds_for_its_time_and_ends_by_itself(account, clerk):
    now = timezone.now()
    put(clerk, at=now, account_id=account.pk, values={"order_quantity_max": D(9)})
    asked = put(
        clerk,
        at=now,
        account_id=account.pk,
        values={"order_quantity_max": D(20)},
        is_override=True,
        valid_until=now + timedelta(hours=1),
    )
    assert order(account, at=now) == "order_quantity_limit"
    limiting.approve(asked.pk, by=people.person(is_staff=True), now=now)
    moment = timedelta(microseconds=1)
    assert order(account, at=now + moment) == ""
    quiet = world.customer()  # the quote is old by then, which denies later than limits of size
    book = limit_book.ask([account.pk, quiet.pk], now=now + timedelta(hours=1) - moment).get()
    assert book.of(account.pk, "standard", None).bounds.order_quantity_max == D(20)
    assert book.of(quiet.pk, "standard", None).bounds.order_quantity_max == D(100_000)
    book = limit_book.ask([account.pk], now=now + timedelta(hours=1)).get()
    assert book.of(account.pk, "standard", None).bounds.order_quantity_max == D(9)


def test_limits_can_be_set_for_later(account, clerk):
    now = timezone.now()
    later = now + timedelta(days=1)
    put(clerk, at=now, account_id=account.pk, values={"order_quantity_max": D(9)}, valid_from=later)
    assert order(account, at=now) == ""
    for at, most in ((later - timedelta(microseconds=1), D(100_000)), (later, D(9))):
        book = limit_book.ask([account.pk], now=at).get()
        assert book.of(account.pk, "standard", None).bounds.order_quantity_max == most


@pytest.mark.parametrize(
    "wanted",
    [
        {"reason": " "},
        {"values": {"order_quantity": D(1)}},
        {"values": {"order_quantity_max": D(-1)}},
        {"values": {"firm_open_buys_max": D(1)}, "tier": "gold"},
        {"values": {"order_quantity_max": D(1)}},
        {"is_override": True, "tier": "gold", "values": {"order_quantity_max": D(1)}},
        {"tier": "gold", "valid_from": timezone.now() - timedelta(days=1)},
        {"tier": "gold", "valid_until": timezone.now() - timedelta(days=1)},
    ],
)
def test_limits_that_make_no_sense_are_refused_and_change_nothing(clerk, wanted):
    before = Limits.objects.count(), firm()
    with pytest.raises(UnableToLimit):
        put(clerk, **wanted)
    assert (Limits.objects.count(), firm()) == before
    assert not Approval.objects.exists()


def test_what_was_set_is_never_edited(account, clerk):
    row = put(clerk, account_id=account.pk, values={"order_quantity_max": D(9)})
    for statement in (
        "UPDATE risk_limits SET order_quantity_max = 99 WHERE id = %s",
        "DELETE FROM risk_limits WHERE id = %s",
    ):
        with pytest.raises(Exception, match=r"denied|append"), transaction.atomic():
            connection.cursor().execute(statement, [row.pk])
    row.refresh_from_db()
    assert row.order_quantity_max == D(9)


def test_without_limits_of_the_firm_nothing_goes(account):
    world.limits(order_value_max=None)
    assert order(account) == "limits_missing"
    [sale] = submission.submit_batch(
        [world.limit_ticket(account, "100.00", side=Side.SELL)], now=timezone.now()
    )
    assert sale.order.denial_code == "limits_missing"


def test_what_is_kept_of_limits_is_bounded_and_read_anew(account, monkeypatch):
    assert order(account) == ""  # reads those of the firm
    monkeypatch.setattr(limit_book, "KEPT_MAX", 1)
    world.limits(account=account, order_quantity_max=D(3))
    assert [order(account, 3), order(account, 4)] == ["", "order_quantity_limit"]
