"""What is unusual is found, and what customers usually do is left alone."""

import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from risk.findings import Severity
from risk.surveillance import habits as surveillance
from risk.surveillance import transfers as passing
from risk.surveillance.habits import SHIPPED, Dealt, Earlier, Habit, unusual
from risk.surveillance.transfers import Moved, SamePayee
from tests import flow
from tests.unit.risk import executions

D = Decimal
ACCOUNT, PAPER = uuid.UUID(int=1), uuid.UUID(int=3)
AT = flow.OPENS + timedelta(days=30)


def dealt(value, account=ACCOUNT, order=9):
    return Dealt(uuid.UUID(int=order), account, PAPER, "AAPL", D(value), AT)


def large(value, before):
    return surveillance.large_trades([dealt(value)], {ACCOUNT: habit(before)})


def habit(values, placed_at=None):
    """Return a habit of orders of these values, a day ago or placed at these times."""
    placed_at = placed_at or [AT - timedelta(days=1)] * len(values)
    terms = zip(values, placed_at, strict=True)
    return Habit(
        orders=[Earlier(uuid.UUID(int=n), at, D(v)) for n, (v, at) in enumerate(terms, 50)]
    )


# --- Size ----------------------------------------------------------------------------------------


def test_the_limit_is_the_median_and_four_robust_deviations_of_the_logarithm():
    # Always 10,000: the deviation is the least, 0.4, and the limit 10,000 x e^1.6.
    found = unusual(
        D("49530.33"), [D(10_000)] * 10, floor=D(0), deviations=D(4), deviation_min=D("0.4")
    )
    assert (found.usual, found.limit) == (D("10000.00"), D("49530.32"))
    assert (
        unusual(
            D("49530.32"), [D(10_000)] * 10, floor=D(0), deviations=D(4), deviation_min=D("0.4")
        )
        is None
    )


def test_a_large_trade_is_found_with_what_it_is_compared_with():
    [found] = large(50_000, [D(10_000)] * 10)
    assert (found.kind, found.severity, found.account_id) == (
        "large_trade",
        Severity.NOTICE,
        ACCOUNT,
    )
    assert found.key == f"order:{uuid.UUID(int=9)}"
    assert found.evidence["usual"] == D("10000.00")
    assert found.summary == "AAPL for 50,000.00 USD; usual is 10,000.00 USD, at most 49,530.32 USD"


def test_a_huge_one_is_a_warning():
    [found] = large(150_000, [D(10_000)] * 10)
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("value", "before"),
    [
        (50_000, [D(10_000)] * 9),  # too little is known of the customer
        (25_000, [D(10)] * 50),  # not worth a look
        (45_000, [D(10_000)] * 10),
    ],
)
def test_little_history_small_sums_and_ordinary_sizes_are_left_alone(value, before):
    assert large(value, before) == []


def test_an_order_is_held_against_those_placed_before_it_and_not_itself():
    """As when many are looked at together, after nobody was there for a while."""
    burst = [AT - timedelta(minutes=n) for n in range(1, 11)]
    assert len(surveillance.large_trades([dealt(50_000)], {ACCOUNT: habit([10_000] * 10, burst)}))
    later = [AT + timedelta(minutes=n) for n in range(10)]
    assert surveillance.large_trades([dealt(50_000)], {ACCOUNT: habit([10_000] * 10, later)}) == []
    itself = Habit(orders=[Earlier(uuid.UUID(int=9), at, D(10_000)) for at in burst])
    assert surveillance.large_trades([dealt(50_000)], {ACCOUNT: itself}) == []


def test_a_few_large_ones_of_before_hide_nothing():
    assert large(100_000, [D(5_000)] * 20 + [D(100_000)] * 4) != []


# --- Hours ---------------------------------------------------------------------------------------


def habit_of_mornings(count=30):
    return habit(
        [1] * count, [flow.OPENS + timedelta(days=n % 10, minutes=n) for n in range(count)]
    )


def odd(at, usual):
    return surveillance.odd_hours([(uuid.UUID(int=9), ACCOUNT, at)], {ACCOUNT: usual})


def test_an_order_at_night_of_one_who_trades_in_the_morning_is_odd():
    [found] = odd(AT.replace(hour=7), habit_of_mornings())  # 02:00 in New York, and 03:00 in summer
    assert found.kind == "odd_hours"
    assert found.evidence["near"] == 0


def test_hours_are_those_of_new_york_whatever_the_season():
    # 13:30 UTC on 1 April is 09:30 there, as 14:30 UTC is in winter: near the habit.
    assert odd(AT.replace(hour=13, minute=30), habit_of_mornings()) == []


def test_the_day_is_round():
    night = [flow.OPENS.replace(hour=4, minute=50) + timedelta(days=n % 10) for n in range(30)]
    # 23:50 in New York before, 00:20 now: half an hour apart.
    assert odd(AT.replace(hour=4, minute=20), habit([1] * 30, night)) == []


def test_an_hour_is_told_once_a_day():
    at = AT.replace(hour=7)
    placed = [(uuid.UUID(int=n), ACCOUNT, at + timedelta(minutes=n)) for n in range(5)]
    assert len(surveillance.odd_hours(placed, {ACCOUNT: habit_of_mornings()})) == 1


def test_without_a_habit_no_hour_is_odd():
    assert odd(AT.replace(hour=7), habit_of_mornings(29)) == []


# --- Haste ---------------------------------------------------------------------------------------


def hasty(fills, turnovers=(), since=executions.AT):
    habits = {ACCOUNT: Habit(turnovers=[D(each) for each in turnovers])}
    return surveillance.velocity(fills, habits, since=since)


def test_more_in_ten_minutes_than_three_times_the_busiest_day():
    fills = [executions.execution(n, 1, after=60 * n) for n in range(16)]  # 10,000 USD a minute
    assert hasty(fills, [10_000] * 4 + [36_667]) == []  # ten minutes have 110,000
    [found] = hasty(fills, [10_000] * 4 + [36_000])
    assert found.evidence["turnover"] == D(110_000)
    assert found.evidence["limit"] == D(108_000)
    assert found.happened_at == fills[10].at


def test_what_was_looked_at_before_is_not_found_again():
    fills = [executions.execution(n, 1, after=60 * n) for n in range(16)]
    assert hasty(fills, [1_000] * 5, since=executions.AT + timedelta(hours=1)) == []


def test_buying_and_selling_in_turns():
    fills = [executions.execution(n, (-1) ** n, quantity=200, after=30 * n) for n in range(9)]
    [found] = hasty(fills)
    assert (
        found.summary == "AAPL bought and sold in turns 8 times in 10 minutes, for 160,000.00 USD"
    )
    assert hasty(fills[:-1]) == []
    slow = [replace(each, at=executions.AT + 4 * (each.at - executions.AT)) for each in fills]
    assert hasty(slow) == []


# --- Transfers -----------------------------------------------------------------------------------


def moved(amount, *, sign=1, days=0.0, name="t"):
    return Moved(f"{name}{amount}{days}", ACCOUNT, sign, D(amount), AT + timedelta(days=days))


def transfers(new, before, traded=0):
    return passing.unusual_transfers([new], {ACCOUNT: before}, {ACCOUNT: D(traded)})


def test_a_deposit_far_beyond_the_earlier_ones():
    before = [moved(1_000, days=-n) for n in range(1, 6)]
    [found] = transfers(moved(30_000), before)
    assert (found.kind, found.severity) == ("unusual_transfer", Severity.WARNING)
    assert transfers(moved(24_000), before) == []
    assert transfers(moved(30_000), before[1:]) == []


def test_a_first_deposit_is_held_against_a_sum():
    assert transfers(moved(249_999), []) == []
    [found] = transfers(moved(250_000), [])
    assert "nothing to compare" in found.summary


def test_money_that_only_passes_through_is_severe():
    came = moved(50_000, days=-2)
    [found] = transfers(moved(45_000, sign=-1), [came])
    assert (found.severity, found.evidence["came_in"]) == (Severity.SEVERE, D(50_000))
    assert transfers(moved(44_999, sign=-1), [came]) == []
    assert transfers(moved(45_000, sign=-1), [came], traded=5_000) == []
    assert transfers(moved(45_000, sign=-1), [moved(50_000, days=-6)]) == []


# --- Usual customers -----------------------------------------------------------------------------


def test_of_usual_customers_hardly_an_order_is_found():
    """Thirty customers, thirty days to know them, and ten that are looked at."""
    orders, findings = 0, []
    since = flow.OPENS + timedelta(days=30)
    for customer in flow.customers(30, seed=5):
        for day in range(40):
            customer.trade(flow.OPENS + timedelta(days=day))
        habits = {customer.account_id: customer.habit(before=since)}
        new = [each for each in customer.dealt() if each.at >= since]
        late = [each for each in customer.executions if each.at >= since]
        orders += len(new)
        findings += surveillance.large_trades(new, habits)
        placed = [(each.order_id, each.account_id, each.at) for each in new]
        findings += surveillance.odd_hours(placed, habits)
        findings += surveillance.velocity(late, habits, since=since, limits=SHIPPED)
    assert (orders, len(findings)) == (1_388, 0)


def test_what_is_planted_among_them_is_found():
    """One order of 120 times its customer's usual size, and one in the middle of the night."""
    since, planted, found = flow.OPENS + timedelta(days=30), 0, 0
    for customer in flow.customers(40, seed=8):
        for day in range(30):
            customer.trade(flow.OPENS + timedelta(days=day))
        known = customer.habit(before=since)
        habits = {customer.account_id: known}
        values = sorted(each.value for each in known.orders)
        usual = values[len(values) // 2]
        if len(values) < SHIPPED.hours_history or 120 * usual < SHIPPED.large_floor:
            continue
        planted += 2
        found += len(surveillance.large_trades([dealt(120 * usual, customer.account_id)], habits))
        night = [(uuid.UUID(int=9), customer.account_id, since.replace(hour=7))]
        found += len(surveillance.odd_hours(night, habits))
    assert (planted, found) == (48, 48)


# --- One bank account of several ---------------------------------------------------------------


def same(other, paid="0", payee=1):
    """Return that a payee is that of another customer, too."""
    return SamePayee(
        payee_id=uuid.UUID(int=payee), account_id=ACCOUNT, at=AT,
        other_payee_id=uuid.UUID(int=100 + other), other_account_id=uuid.UUID(int=200 + other),
        other_owner=uuid.UUID(int=300 + other), paid=D(paid),
    )  # fmt: skip


def test_a_payee_of_two_customers_is_a_warning_and_of_three_severe():
    assert passing.shared_payees([]) == []
    [two] = passing.shared_payees([same(1, "100.50")])
    assert (two.kind, two.severity, two.account_id) == ("shared_payee", Severity.WARNING, ACCOUNT)
    assert two.key == f"payee:{uuid.UUID(int=1)}"
    assert two.evidence["paid_by_others"] == D("100.50")
    [three] = passing.shared_payees([same(1, "100.50"), same(2, "9.50")])
    assert three.severity == Severity.SEVERE
    assert three.evidence["customers"] == 3
    assert three.evidence["paid_by_others"] == D("110.00")
    assert three.evidence["other_accounts"] == [str(uuid.UUID(int=201)), str(uuid.UUID(int=202))]


def test_one_customer_who_names_it_twice_counts_once():
    again = replace(same(1), other_payee_id=uuid.UUID(int=999))
    [found] = passing.shared_payees([same(1), again])
    assert (found.severity, found.evidence["customers"]) == (Severity.WARNING, 2)
    assert len(found.evidence["other_payees"]) == 2


def test_each_payee_is_a_finding_of_its_own():
    found = passing.shared_payees([same(1, payee=1), same(2, payee=2)])
    assert [each.key for each in found] == [
        f"payee:{uuid.UUID(int=1)}", f"payee:{uuid.UUID(int=2)}",
    ]  # fmt: skip
