"""Which steps money may take on its way, and how much of it may leave."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.funding import passage
from portfolio.funding.passage import Direction, Movement, State, Step

D = Decimal
_AMOUNTS = st.decimals(min_value=-10_000, max_value=10_000, places=2)


def reachable(direction: Direction) -> set[State]:
    found, new = set(), {passage.FIRST[direction]}
    while new:
        found |= new
        new = {
            passage.after(direction, state, step).state
            for state in new
            for step in passage.steps_from(direction, state)
        } - found
    return found


def test_every_state_is_reached_and_has_the_steps_of_the_table():
    assert reachable(Direction.DEPOSIT) == {State.PENDING, State.SETTLED, State.RETURNED}
    assert reachable(Direction.WITHDRAWAL) == set(State) - {State.PENDING}


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("state", [State.RETURNED, State.CANCELLED])
def test_what_was_undone_stays_undone(direction, state):
    assert passage.steps_from(direction, state) == ()
    for step in Step:
        with pytest.raises(passage.NoSuchStep):
            passage.after(direction, state, step)


def test_nothing_is_sent_that_nobody_has_approved():
    with pytest.raises(passage.NoSuchStep):
        passage.after(Direction.WITHDRAWAL, State.REQUESTED, Step.SEND)


def test_cash_comes_when_a_deposit_settles_and_goes_back_whenever_it_returns():
    settles = passage.after(Direction.DEPOSIT, State.PENDING, Step.SETTLE)
    assert settles.movement is Movement.CREDIT
    returns = passage.after(Direction.DEPOSIT, State.SETTLED, Step.RETURN)
    assert returns.movement is Movement.UNDO


@pytest.mark.parametrize(
    ("amount", "two"), [("9999.99", False), ("10000", False), ("10000.01", True)]
)
def test_a_withdrawal_above_the_limit_needs_two_people(amount, two):
    assert passage.needs_two_people(Direction.WITHDRAWAL, D(amount)) is two
    assert not passage.needs_two_people(Direction.DEPOSIT, D(amount))


@pytest.mark.parametrize(
    ("available", "unsettled", "lendable", "expected"),
    [
        ("100", "0", None, "100"),
        ("100", "40", None, "60"),
        ("100", "140", None, "0"),
        ("100", "0", "30", "30"),
        ("100", "0", "-5", "0"),
        ("-100", "0", "500", "0"),
        ("100", "0", "500", "100"),
    ],
)
def test_what_may_leave_is_available_and_settled_and_not_needed(
    available, unsettled, lendable, expected
):
    found = passage.withdrawable(
        available=D(available), unsettled=D(unsettled), lendable=lendable and D(lendable)
    )
    assert found == D(expected)


@given(available=_AMOUNTS, unsettled=_AMOUNTS, lendable=st.none() | _AMOUNTS)
def test_never_more_leaves_than_is_there(available, unsettled, lendable):
    found = passage.withdrawable(available=available, unsettled=unsettled, lendable=lendable)
    assert 0 <= found <= max(available, 0)
    assert lendable is None or found <= max(lendable, 0)
