"""What a day's trades leave: deficiencies to the cent, and the most that day trades needed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin import day_end
from risk.margin import requirements as margin
from risk.margin.day_end import DISREGARDED, Fill
from risk.margin.requirements import Holding, Rates

D = Decimal


def fills(*terms):
    return [Fill(code, D(quantity), D(price)) for code, quantity, price in terms]


def standing(cash, *held):
    holdings = [Holding(D(quantity), D(price)) for quantity, price in held]
    return margin.standing(holdings, cash=D(cash), held=D(0))


def peak(*terms, positions=None, rates=None):
    held = {code: D(quantity) for code, quantity in (positions or {}).items()}
    return day_end.peak(fills(*terms), positions=held, rates=rates or {})


@pytest.mark.parametrize(
    ("quantity", "made"),
    [
        ("600", "0"),  # 60,000 at half, of 30,000: nothing is missing
        ("620", "0"),  # 1,000 is disregarded
        ("620.01", "1000.50"),
        ("1200", "30000.00"),  # four times, kept overnight
        ("-620.01", "1000.50"),
    ],
)
def test_what_is_opened_beyond_the_initial_requirement_is_called_for(quantity, made):
    before = standing("30000")
    after = standing(D(30_000) - D(quantity) * 100, (quantity, "100"))
    assert day_end.created(before=before, after=after) == D(made)
    assert D("1000") == DISREGARDED


def test_a_deficiency_of_before_is_not_called_for_again():
    # 10,000 are lent on what is worth 11,250 by now: 4,375 are missing already.
    before = standing("-10000", ("150", "75"))
    assert day_end.deficiency(before) == D("4375.00")
    assert day_end.created(before=before, after=before) == 0
    after = standing("-13000", ("190", "75"))
    assert day_end.created(before=before, after=after) == D("1500.00")
    less = standing("-7000", ("110", "75"))
    assert day_end.created(before=before, after=less) == 0


def test_what_is_bought_on_the_day_is_worth_what_it_has_cost():
    day = fills(("A", 100, "10"), ("A", 100, "20"), ("A", -50, "40"), ("B", 10, "5"), ("B", -10, 6))
    assert day_end.costs(day) == {"A": D(15)}
    assert day_end.moved(day) == {"A": D(150), "B": D(0)}
    assert day_end.paid(day) == D(3000) - D(2000) + D(50) - D(60)


@pytest.mark.parametrize(
    ("day", "held", "required"),
    [
        ([("A", 100, 100), ("A", -100, 90)], {}, "2500"),  # a quarter of what it has cost
        ([("A", -100, 100), ("A", 100, 110)], {}, "3000"),  # and 30 % of what is sold short
        ([("A", 100, 100)], {}, "0"),  # kept: no day trade
        ([("A", 100, 100), ("A", -40, 100)], {}, "1000"),
        ([("A", -100, 100)], {"A": 100}, "0"),  # held overnight
        ([("A", 50, 100), ("A", -100, 100)], {"A": 100}, "1250"),  # what was bought goes first
        # One after the other needs no more than one.
        ([("A", 100, 100), ("A", -100, 100), ("B", 100, 100), ("B", -100, 100)], {}, "2500"),
        ([("A", 100, 100), ("B", 100, 100), ("A", -100, 100), ("B", -100, 100)], {}, "5000"),
        # Through zero: what is beyond is another position.
        ([("A", 100, 100), ("A", -150, 100), ("A", 50, 100)], {}, "2500"),
        # What was opened first is closed first.
        ([("A", 10, 100), ("A", 10, 200), ("A", -10, 200)], {}, "250"),
    ],
)
def test_what_day_trades_required_at_one_time(day, held, required):
    assert peak(*day, positions=held) == D(required)


def test_our_schedule_counts_for_day_trades():
    day = [("A", 100, 100), ("A", -100, 100)]
    assert peak(*day, rates={"A": Rates(long=D("0.40"))}) == D(4000)


@pytest.mark.parametrize(
    ("required", "excess", "missing"),
    [("100", "100", "0"), ("100.01", "100", "0.01"), ("5", "-3", "5"), ("0", "-3", "0")],
)
def test_day_trades_are_exceeded_by_the_cent(required, excess, missing):
    assert day_end.exceeded(D(required), excess=D(excess)) == D(missing)


trades = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]),
        st.integers(-20, 20).filter(bool),
        st.integers(6, 40),
    ),
    max_size=12,
)


@given(trades)
def test_day_trades_never_require_more_than_all_that_was_opened(day):
    whole = sum(
        (
            margin.maintenance_per_unit(Rates(), D(price), is_short=quantity < 0) * abs(quantity)
            for _, quantity, price in day
        ),
        D(0),
    )
    assert 0 <= peak(*day) <= day_end._up(whole)
    assert peak(*[trade for trade in day if trade[1] > 0]) == 0


@given(trades, st.integers(-20, 20))
def test_without_trades_nothing_is_made_and_taking_them_back_gives_the_position(day, held):
    listed = fills(*day)
    moved = day_end.moved(listed)
    assert sum(moved.values(), D(0)) == sum((D(q) for _, q, _ in day), D(0))
    found = standing("1000", (held or 1, "10"))
    assert day_end.created(before=found, after=found) == 0
    for code, price in day_end.costs(listed).items():
        prices = [D(p) for c, _, p in day if c == code]
        assert min(prices) <= round(price, 9) <= max(prices)
