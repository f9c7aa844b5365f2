"""A short quarter of reconciliation: what is planted is found, once, and nothing else."""

import pytest

from reconciliation.breaks import harmless
from tests.simulation.reconciling import Quarter


@pytest.mark.parametrize("seed", [3, 4])
def test_what_is_planted_is_found_once_and_nothing_else_is(seed):
    count = Quarter(seed=seed, plant=1.5, orders_a_day=12).run(18)
    assert count["false"] == 0
    assert count["found"] == count["planted"] > 25
    assert count["explained"] > 500
    for rule in harmless.RULES:
        assert count[f"resolved by {rule.code}"] > 0, rule.code
