"""How what was observed is spread, and what that says of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from foundation import metrics
from foundation.metrics import Spread

BOUNDS = (1.0, 2.0, 4.0)


def test_a_spread_is_read_from_a_histogram_over_all_labels():
    of = Histogram("x_seconds", "X", ["call"], buckets=BOUNDS, registry=CollectorRegistry())
    for size, call in ((0.5, "a"), (1.0, "b"), (1.5, "a"), (9, "b")):
        of.labels(call).observe(size)
    assert metrics.spread(of) == Spread(BOUNDS, (2, 1, 0, 1))


@pytest.mark.parametrize(
    ("counts", "part", "expected"),
    [
        ((0, 0, 0, 0), 0.5, None),
        ((4, 0, 0, 0), 0.5, 0.5),
        ((0, 2, 2, 0), 0.5, 2.0),
        ((0, 2, 2, 0), 0.75, 3.0),
        ((0, 0, 0, 3), 0.99, 4.0),
    ],
)
def test_a_quantile_lies_evenly_in_its_bucket(counts, part, expected):
    assert Spread(BOUNDS, counts).quantile(part) == expected


@given(st.lists(st.floats(0, 20), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_one_that_has_this_rank(sizes, part):
    counts = [0, 0, 0, 0]
    for size in sizes:
        counts[sum(size > bound for bound in BOUNDS)] += 1
    found = Spread(BOUNDS, tuple(counts)).quantile(part)
    within = sum(size <= min(found, 4.0) for size in sizes)
    assert found <= 4.0
    assert within <= len(sizes)
    above = next((bound for bound in BOUNDS if bound >= found), 4.0)
    reached = sum(size <= above for size in sizes)
    assert reached >= part * len(sizes) - 1e-9 or above == 4.0


def test_what_was_observed_since_then_and_together():
    then, now = Spread(BOUNDS, (1, 0, 0, 1)), Spread(BOUNDS, (3, 1, 0, 1))
    assert now.since(then) == Spread(BOUNDS, (2, 1, 0, 0))
    other = Spread((5.0,), (7, 7))
    assert metrics.sum_of([then, now, other], bounds=BOUNDS) == Spread(BOUNDS, (4, 1, 0, 2))
