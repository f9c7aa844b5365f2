"""Pauses that double, to a bound, and are forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from orders.entry.pacing import Pacing

START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
ONE, OTHER = UUID(int=1), UUID(int=2)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def pacing() -> Pacing:
    return Pacing(shortest=seconds(2), longest=seconds(10))


def test_pauses_double_up_to_the_longest():
    paced = pacing()
    admitted = [s for s in range(40) if paced.admit(ONE, now=START + seconds(s))]

    assert admitted == [0, 2, 6, 14, 24, 34]


def test_each_order_has_its_own():
    paced = pacing()

    assert paced.admit(ONE, now=START)
    assert paced.admit(OTHER, now=START)
    assert not paced.admit(ONE, now=START)


def test_an_order_that_was_let_be_begins_anew_and_is_not_kept_for_ever():
    paced = pacing()
    for s in (0, 2):
        assert paced.admit(ONE, now=START + seconds(s))
    later = START + seconds(60)
    paced.admit(OTHER, now=later)

    assert len(paced) == 1
    assert [paced.admit(ONE, now=later + seconds(s)) for s in (0, 2)] == [True, True]
