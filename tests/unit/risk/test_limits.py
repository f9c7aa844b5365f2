"""Which of several rows of limits holds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.limits import precedence as limits
from risk.limits.precedence import Row

D = Decimal
AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


def row(number, owner="firm", *, of_instrument=False, override=False, days=0, **values):
    return Row(number, owner, of_instrument, override, AT + timedelta(days=days), values)


def value(*rows, name="order_value_max"):
    found = limits.resolve(rows).get(name)
    return found and (found.value, found.row)


FIRM = row(1, order_value_max=D(100))


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], (D(100), 1)),
        ([row(2, "tier", order_value_max=D(200))], (D(200), 2)),
        ([row(2, "tier", order_value_max=D(200)), row(3, "account", order_value_max=D(50))],
         (D(50), 3)),
        ([row(2, "account", order_quantity_max=D(1))], (D(100), 1)),
        ([row(2, of_instrument=True, order_value_max=D(200))], (D(100), 1)),
        ([row(2, of_instrument=True, order_value_max=D(60))], (D(60), 2)),
        ([row(2, of_instrument=True, order_value_max=D(60)),
          row(3, "account", of_instrument=True, order_value_max=D(80))], (D(80), 3)),
        ([row(2, "account", order_value_max=D(70)),
          row(3, "account", of_instrument=True, order_value_max=D(80))], (D(70), 2)),
        ([row(2, override=True, order_value_max=D(500))], (D(500), 2)),
        ([row(2, override=True, order_quantity_max=D(5))], (D(100), 1)),
        ([row(2, override=True, order_value_max=D(500)),
          row(3, override=True, order_quantity_max=D(5))], (D(500), 2)),
        ([row(2, override=True, order_value_max=D(500)),
          row(3, override=True, order_value_max=D(40))], (D(40), 3)),
        ([row(2, order_value_max=D(30), days=1)], (D(30), 2)),
        ([row(2, order_value_max=D(30), days=-1)], (D(100), 1)),
        ([row(2, order_value_max=D(30))], (D(30), 2)),
        ([row(2, order_quantity_max=D(5), days=1)], None),
    ],
)  # fmt: skip
def test_the_most_specific_holds_and_the_instruments_bound_combines_by_the_tighter(
    others, expected
):
    assert value(FIRM, *others) == expected
    assert value(*reversed([FIRM, *others])) == expected


@given(
    st.lists(
        st.builds(
            lambda number, owner, of_instrument, override, days, most: row(
                number, owner, of_instrument=of_instrument, override=override, days=days,
                order_value_max=D(most),
            ),
            st.integers(1, 1000),
            st.sampled_from(["firm", "tier", "account"]),
            st.booleans(),
            st.booleans(),
            st.integers(-3, 3),
            st.integers(1, 100),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda each: each.id,
    )
)  # fmt: skip
def test_a_limit_is_always_one_that_a_row_says_and_its_row_alone_says_the_same(rows):
    found = limits.resolve(rows)["order_value_max"]
    by_id = {each.id: each for each in rows}
    assert by_id[found.row].values["order_value_max"] == found.value
    # What a decision keeps, the rows that its limits came from, tells the same again.
    assert limits.resolve([by_id[found.row]])["order_value_max"] == found
    assert limits.resolve(list(reversed(rows)))["order_value_max"] == found


def test_a_missing_limit_is_no_limits_at_all():
    names = dict.fromkeys(limits.NAMES, D("0.5"))
    whole = limits.resolve([row(1, **names)])
    assert limits.bounds_of(whole, quote_age_max=1.0, firm_age_max=1.0) is not None
    names.pop("price_collar")
    part = limits.resolve([row(1, **names)])
    assert limits.bounds_of(part, quote_age_max=1.0, firm_age_max=1.0) is None


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({"a": 2}, {"a": 1}, []),
        ({"a": 2}, {"a": 2}, []),
        ({"a": 2}, {"a": 3}, ["a"]),
        ({"a": 2}, {}, ["a"]),
        ({}, {"a": 3}, []),
        ({"a": 2, "b": 1}, {"a": 1, "b": 2}, ["b"]),
    ],
)
def test_wider_or_gone_is_looser(before, after, names):
    assert limits.loosened(before, after) == names
