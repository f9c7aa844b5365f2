"""What is added up and measured every second, and what stops by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.entry import submission
from orders.models import Trade
from orders.safeguards import guarding
from risk import exposure
from risk.controls import clock, switches
from risk.controls.models import ClockReading, FirmExposure, Switch
from risk.models import Alert
from tests import people, world
from venues.messages import OrderType, Side

pytestmark = pytest.mark.django_db

D = Decimal
AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


@pytest.fixture
def account():
    world.instrument("AAPL")
    return world.customer(cash="1000000.00")


def submit(*batch, now=None):
    answers = submission.submit_batch(batch, now=now or timezone.now())
    return [answer.order for answer in answers]


def code(*batch):
    return [order.denial_code for order in submit(*batch)]


def test_open_buys_are_added_up_at_their_worst_price(account):
    submit(
        world.limit_ticket(account, "99.00", quantity=D(10)),
        world.ticket(account, quantity=D(10)),  # protected at 103.00
        world.ticket(account, quantity=D(10), type=OrderType.STOP, stop_price=D("110.00")),
    )
    world.own(world.customer(), "AAPL", "5", world.Venue(), price="100.00")
    now = timezone.now()
    guarding.look(now=now)
    firm = FirmExposure.objects.get()
    assert (firm.open_buys, firm.at) == (D(990 + 1030 + 1100), now)


def test_the_firm_takes_no_more_than_it_answers_for_within_one_batch_too(account):
    exposure.write_firm(D(5000), now=timezone.now())
    world.limits(firm_open_buys_max=D(7000))
    wanted = [world.limit_ticket(account, "100.00") for _ in range(3)]
    assert code(*wanted) == ["", "", "firm_buying_power"]


def test_when_nobody_has_added_up_nothing_is_bought_and_sales_go(account, settings):
    world.own(account, "AAPL", "10", world.Venue(), price="100.00")
    settings.FIRM_EXPOSURE_SECONDS_MAX = 10.0
    exposure.write_firm(D(0), now=timezone.now() - timedelta(seconds=11))
    sale = world.limit_ticket(account, "101.00", side=Side.SELL)
    assert code(world.limit_ticket(account, "100.00"), sale) == ["firm_exposure_stale", ""]
    FirmExposure.objects.all().delete()
    assert code(world.limit_ticket(account, "100.00")) == ["firm_exposure_stale"]
    exposure.write_firm(D(0), now=timezone.now())
    assert code(world.limit_ticket(account, "100.00")) == [""]


def test_a_wrong_clock_halts_also_when_nobody_has_added_up(account):
    world.own(account, "AAPL", "10", world.Venue(), price="100.00")
    FirmExposure.objects.all().delete()
    clock.measure({"test": lambda: 80.0})
    assert code(world.limit_ticket(account, "101.00", side=Side.SELL)) == ["clock_drift"]


# --- Repeated executions -----------------------------------------------------------------------


def execute(account, orders, venue=None):
    venue = venue or world.Venue()
    for _ in range(orders):
        [order] = submit(world.limit_ticket(account, "100.00", quantity=D(2)))
        venue.fills(order, "1", "100.00")
        venue.fills(order, "1", "100.00")  # one order, however many fills
    world.apply_reports()


def just_executed():
    """A second after the last execution, however long the machine took to come here."""
    return Trade.objects.latest("booked_at").booked_at + timedelta(seconds=1)


@pytest.mark.parametrize(("orders", "is_stopped"), [(2, False), (3, False), (4, True)])
def test_too_many_executed_orders_within_a_minute_stop_the_account_there(
    account, orders, is_stopped
):
    world.instrument("MSFT")
    world.limits(account=account, executions_per_minute_max=3)
    execute(account, orders)
    guarding.look(now=just_executed())
    denied = "executions_repeated" if is_stopped else ""
    other = world.customer()
    wanted = world.ticket(account), world.ticket(account, "MSFT"), world.ticket(other)
    assert code(*wanted) == [denied, "", ""]
    assert Switch.objects.count() == Alert.objects.filter(kind="repeated_executions").count()
    guarding.look(now=just_executed())
    assert Switch.objects.count() == is_stopped, "it is stopped once"


def test_executions_of_more_than_a_minute_ago_do_not_count(account):
    world.limits(account=account, executions_per_minute_max=3)
    execute(account, 4)
    latest = Trade.objects.latest("booked_at").booked_at
    guarding.look(now=latest + guarding.SPAN)
    assert not Switch.objects.exists()


def test_once_two_people_have_allowed_it_again_the_count_begins_anew(account):
    world.limits(account=account, executions_per_minute_max=3)
    venue = world.Venue()
    execute(account, 4, venue)
    [switch] = guarding.stop_repeated(now=just_executed())
    asked = switches.ask_release(
        switch, reason="Looked at", by=people.person(is_staff=True), now=timezone.now()
    )
    switches.release(asked.pk, by=people.person(is_staff=True), now=timezone.now())
    assert guarding.stop_repeated(now=just_executed()) == []
    assert code(world.ticket(account)) == [""]
    execute(account, 4, venue)
    assert len(guarding.stop_repeated(now=just_executed())) == 1


# --- Messages ----------------------------------------------------------------------------------


def test_messages_are_counted_by_second_and_minute_over_batches_and_within_one(account):
    now = (timezone.now() + timedelta(minutes=2)).replace(second=10, microsecond=0)
    world.quote(world.Instrument.objects.get(), bid="99.99", ask="100.00", at=now)
    world.limits(account=account, messages_per_second_max=3, messages_per_minute_max=5)

    def denied(count, seconds):
        at = now + timedelta(seconds=seconds)
        batch = [world.limit_ticket(account, "90.00") for _ in range(count)]
        return [order.denial_code for order in submit(*batch, now=at)]

    slow = "message_throttle"
    assert denied(2, 0.0) == ["", ""]
    assert denied(2, 0.5) == ["", slow]  # the fourth of this second
    assert denied(2, 1.0) == ["", slow]  # the fifth and sixth of this minute
    other = world.limit_ticket(world.customer(), "90.00")
    assert [o.denial_code for o in submit(other, now=now + timedelta(seconds=1))] == [""]
    world.quote(
        world.Instrument.objects.get(), bid="99.99", ask="100.00", at=now.replace(second=59)
    )
    assert denied(2, 50.0) == ["", ""]  # another minute


def test_replacements_are_messages_and_cancels_are_not(account):
    venue = world.Venue()
    [order] = submit(world.limit_ticket(account, "90.00"))
    venue.accepts(order)
    world.apply_reports()
    world.limits(account=account, messages_per_minute_max=0)
    [new] = submit(world.replace_ticket(order, quantity=D(5)))
    assert new.denial_code == "message_throttle"
    [cancelled] = submit(world.cancel_ticket(order))
    assert cancelled.status == "pending_cancel"


# --- Open orders, own orders, exposure ---------------------------------------------------------


def test_open_orders_are_counted_over_all_instruments_and_within_a_batch(account):
    world.instrument("MSFT")
    world.limits(account=account, open_orders_max=3)
    wanted = [world.limit_ticket(account, "90.00", symbol=s) for s in ("AAPL", "MSFT") * 2]
    assert code(*wanted) == ["", "", "", "open_orders_limit"]
    assert code(world.limit_ticket(account, "90.00")) == ["open_orders_limit"]


def test_an_order_that_would_meet_an_own_resting_one_is_denied_within_a_batch_too(account):
    world.own(account, "AAPL", "20", world.Venue(), price="100.00")
    sale = world.limit_ticket(account, "100.50", side=Side.SELL)
    meets, passes = (world.limit_ticket(account, price) for price in ("100.50", "100.49"))
    assert code(sale, meets, passes) == ["", "self_trade", ""]
    assert code(world.limit_ticket(account, "101.00")) == ["self_trade"]
    assert code(world.limit_ticket(account, "100.49", side=Side.SELL)) == ["self_trade"]
    assert code(world.limit_ticket(world.customer(), "100.50")) == [""]


def test_gross_exposure_counts_positions_at_the_market_and_open_buys(account):
    microsoft = world.instrument("MSFT")
    world.own(account, "MSFT", "10", world.Venue(), price="100.00")
    world.quote(microsoft, bid="149.00", ask="151.00")
    world.limits(account=account, gross_exposure_max=D("3500.00"))
    bought = world.limit_ticket(account, "100.00")  # 1,500 there, 1,000 with each
    assert code(bought) == [""]
    more = world.limit_ticket(account, "100.00"), world.limit_ticket(account, "10.00")
    assert code(*more) == ["", "gross_exposure_limit"]
    assert code(world.limit_ticket(account, "150.00", symbol="MSFT", side=Side.SELL)) == [""]


# --- The clock ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "offset"), [(-1, 1.0), (0, 0.0), (5, 0.0), (10, 0.0), (12, -2.0)]
)
def test_a_clock_is_off_by_what_lies_outside_the_question_and_its_answer(theirs, offset):
    at = [AT + timedelta(milliseconds=each) for each in (0, theirs, 10)]
    assert clock.offset_at_least(*at) == offset


@pytest.mark.parametrize(
    ("offset", "alarms", "denied"),
    [
        (24.9, [], ""),
        (25.0, [], ""),
        (-25.1, [2], ""),
        (50.0, [2], ""),
        (50.1, [3], "clock_drift"),
        (-50.1, [3], "clock_drift"),
    ],
)
def test_drift_sounds_an_alarm_and_then_halts(account, offset, alarms, denied):
    clock.measure({"test": lambda: offset})
    found = Alert.objects.filter(kind="clock_drift").values_list("severity", flat=True)
    assert list(found) == alarms
    assert code(world.ticket(account)) == [denied]


def test_a_clock_that_nobody_can_measure_is_an_alarm_and_no_halt(account):
    clock.measure({"test": lambda: None})
    assert Alert.objects.get(kind="clock_drift").severity == 2
    assert code(world.ticket(account)) == [""]


def test_what_was_measured_long_ago_says_nothing_any_more(account):
    clock.measure({"test": lambda: 80.0})
    ClockReading.objects.update(at=timezone.now() - timedelta(seconds=61))
    assert code(world.ticket(account)) == [""]


def test_the_sources_that_are_shipped_answer():
    assert clock.of_database() == 0.0 or abs(clock.of_database()) < 1000
    kernel = clock.of_kernel()
    assert kernel is None or abs(kernel) < 1000
