"""What corporate actions make of a holding."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.actions.rules import CashDividend, Effect, Merger, Part, SpinOff, Split, effect

D = Decimal
ONE, TINY = D(1), D("0.000000001")


def parts(*pairs: tuple[str, str]) -> list[Part]:
    return [Part(D(quantity), D(cost)) for quantity, cost in pairs]


def test_a_dividend_is_paid_on_all_shares_and_changes_none():
    held = parts(("10", "1000"), ("5.5", "600"))
    found = effect(held, CashDividend(D("0.255")), increment=TINY)
    assert (found.cash, found.own, found.realised) == (D("3.95"), tuple(held), (D(0), D(0)))


def test_who_is_short_owes_the_dividend():
    found = effect(parts(("-10", "-1000")), CashDividend(D("0.24")), increment=ONE)
    assert found.cash == D("-2.40")


def test_a_split_multiplies_shares_and_keeps_what_they_cost():
    found = effect(parts(("10", "1000"), ("3", "330")), Split(4, 1, D(25)), increment=ONE)
    assert found == Effect(tuple(parts(("40", "1000"), ("12", "330"))), (), (D(0), D(0)))


def test_a_reverse_split_pays_the_fraction_out_of_the_first_lot():
    # 13 old shares are 1.3 new ones: 0.3 of one is sold at 50.
    found = effect(parts(("10", "100"), ("3", "60")), Split(1, 10, D(50)), increment=ONE)
    assert found.own == tuple(parts(("0.7", "70"), ("0.3", "60")))
    assert (found.fraction, found.in_lieu, found.realised) == (D("0.3"), D(15), (D(-15), D(0)))


def test_a_fraction_may_take_whole_lots():
    found = effect(parts(("2", "20"), ("3", "60")), Split(1, 10, D(50)), increment=ONE)
    assert found.own == tuple(parts(("0", "0"), ("0", "0")))
    assert (found.in_lieu, found.realised) == (D(25), (D(-10), D(-45)))


def test_what_may_be_held_in_fractions_stays():
    found = effect(parts(("13", "160")), Split(1, 10, D(50)), increment=TINY)
    assert (found.own, found.in_lieu) == (tuple(parts(("1.3", "160"))), D(0))


def test_a_short_position_splits_too_and_owes_its_fraction():
    found = effect(parts(("-15", "-150")), Split(1, 10, D(50)), increment=ONE)
    assert found.own == tuple(parts(("-1", "-100")))
    # Half a share that was sold for 50 is bought back for 25.
    assert (found.fraction, found.in_lieu, found.realised) == (D("-0.5"), D(-25), (D(25),))


def test_a_merger_for_cash_closes_every_lot():
    found = effect(parts(("10", "1000"), ("5", "700")), Merger(cash=D(120)), increment=ONE)
    assert (found.cash, found.realised) == (D(1800), (D(200), D(-100)))
    assert found.own == tuple(parts(("0", "0"), ("0", "0"))) and found.other == ()


def test_a_merger_for_stock_carries_cost_over():
    found = effect(parts(("10", "1000")), Merger(D(0), 3, 2, D(80)), increment=ONE)
    assert (found.other, found.realised) == (tuple(parts(("15", "1000"))), (D(0),))


@pytest.mark.parametrize(
    ("cost", "realised", "basis"),
    [
        ("500", "200", "500"),  # worth 1,200 in all: a gain of 700, taxed up to the cash
        ("1100", "100", "1000"),
        ("1500", "0", "1300"),  # a loss is not realised
    ],
)
def test_cash_beside_stock_realises_a_gain_up_to_the_cash(cost, realised, basis):
    found = effect(parts(("10", cost)), Merger(D(20), 1, 1, D(100)), increment=ONE)
    assert (found.cash, found.realised) == (D(200), (D(realised),))
    assert found.other == tuple(parts(("10", basis)))


def test_a_spin_off_shares_the_cost():
    found = effect(parts(("10", "1000")), SpinOff(1, 4, D("0.2"), D(60)), increment=ONE)
    assert found.own == tuple(parts(("10", "800")))
    # 2.5 new shares cost 200; half of one is sold for 30 and had cost 40.
    assert found.other == tuple(parts(("2", "160")))
    assert (found.fraction, found.in_lieu, found.realised) == (D("0.5"), D(30), (D(-10),))


_LOTS = st.lists(
    st.tuples(
        st.decimals(min_value="0.000000001", max_value=10_000, places=9),
        st.decimals(min_value=0, max_value=1_000_000, places=2),
    ),
    min_size=1,
    max_size=6,
)
_RATIOS = st.integers(1, 50)
_PRICES = st.decimals(min_value="0.01", max_value=1_000, places=2)
_TERMS = st.one_of(
    st.builds(Split, _RATIOS, _RATIOS, _PRICES),
    st.builds(Merger, _PRICES),
    st.builds(Merger, _PRICES | st.just(D(0)), _RATIOS, _RATIOS, _PRICES),
    st.builds(SpinOff, _RATIOS, _RATIOS, st.sampled_from([D("0.1"), D("0.375"), D(1)]), _PRICES),
)


@given(
    lots=_LOTS, sign=st.sampled_from([1, -1]), terms=_TERMS, increment=st.sampled_from([ONE, TINY])
)
def test_no_cost_is_lost_and_none_is_made(lots, sign, terms, increment):
    held = [Part(sign * quantity, sign * cost) for quantity, cost in lots]
    found = effect(held, terms, increment=increment)
    before = sum(part.cost for part in held) + sum(found.realised)
    after = sum(part.cost for part in (*found.own, *found.other)) + found.cash + found.in_lieu
    assert before == after
    assert len(found.own) == len(found.realised) == len(held)
    assert len(found.other) in (0, len(held))


@given(
    lots=_LOTS, sign=st.sampled_from([1, -1]), terms=_TERMS, increment=st.sampled_from([ONE, TINY])
)
def test_shares_are_what_the_ratio_says_and_nothing_changes_sides(lots, sign, terms, increment):
    held = [Part(sign * quantity, sign * cost) for quantity, cost in lots]
    found = effect(held, terms, increment=increment)
    ours = found.own if isinstance(terms, Split) else found.other
    if ours:
        exact = sum(part.quantity for part in held) * terms.new / terms.old
        kept = sum(part.quantity for part in ours)
        assert abs(kept + found.fraction - exact) < TINY
        assert abs(found.fraction) < increment
        assert kept % increment == 0
    assert all(sign * part.quantity >= 0 for part in (*found.own, *found.other))


@given(lots=_LOTS, terms=_TERMS, increment=st.sampled_from([ONE, TINY]))
def test_a_short_position_is_a_long_one_turned_round(lots, terms, increment):
    long = effect([Part(q, c) for q, c in lots], terms, increment=increment)
    short = effect([Part(-q, -c) for q, c in lots], terms, increment=increment)
    assert (short.cash, short.in_lieu, short.fraction) == (
        -long.cash,
        -long.in_lieu,
        -long.fraction,
    )
    assert short.realised == tuple(-each for each in long.realised)
    assert short.own == tuple(Part(-p.quantity, -p.cost) for p in long.own)
    assert short.other == tuple(Part(-p.quantity, -p.cost) for p in long.other)
