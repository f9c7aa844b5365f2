"""What statements say, without a database: periods, sales for tax, sums that must add up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.statements import periods, rules, tax
from reconciliation.statements.periods import Kind, Period
from reconciliation.statements.rules import DoesNotAddUp, Figures, Movement, Said
from reconciliation.statements.tax import Sale

D = Decimal
AT = datetime(2026, 3, 31, 16, tzinfo=UTC)
SAID = Said("A1", "Somebody", is_margin=False)
DAY = Period(Kind.DAILY, date(2026, 3, 31), date(2026, 3, 31))

amounts = st.decimals(min_value=-(10**6), max_value=10**6, places=2)
moves = st.lists(
    st.builds(
        Movement,
        at=st.just(AT),
        kind=st.sampled_from(sorted(rules.KINDS)),
        asset=st.sampled_from(["USD", "AAPL", "MSFT"]),
        amount=amounts,
        settles_on=st.none(),
        reference=st.text(max_size=5),
        is_late=st.booleans(),
    )
)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 3, 30), ["confirmation", "daily"]),
        (date(2026, 3, 31), ["confirmation", "daily", "monthly"]),
        (date(2028, 2, 28), ["confirmation", "daily"]),
        (date(2028, 2, 29), ["confirmation", "daily", "monthly"]),
        (date(2027, 2, 14), ["confirmation", "daily", "tax"]),
    ],
)
def test_what_falls_due_with_a_day(day, due):
    found = periods.due(day)
    assert [period.kind for period in found] == due
    assert all(period.last == day for period in found if period.kind is not Kind.TAX)
    months = [period.first for period in found if period.kind is Kind.MONTHLY]
    assert months in ([], [day.replace(day=1)])


def test_a_number_names_a_statement_for_ever():
    year = periods.tax_year(2026)
    assert periods.number("A1", DAY, revision=1) == "A1-D20260331"
    assert periods.number("A1", year, revision=1) == "A1-T20261231"
    assert periods.number("A1", year, revision=2) == "A1-T20261231-2"


@given(
    moved=moves,
    opening=st.dictionaries(st.sampled_from(["USD", "AAPL"]), amounts),
    error=amounts,
)
def test_a_statement_adds_up_or_there_is_none(moved, opening, error):
    closing = dict(opening)
    for each in moved:
        closing[each.asset] = closing.get(each.asset, D(0)) + each.amount
    wrong = {**closing, "USD": closing.get("USD", D(0)) + error}

    def make(found):
        return rules.account_statement(
            SAID, DAY, "A1", figures=Figures(opening, found, {}), movements=lambda: moved,
            marks_before={}, marks={},
        )  # fmt: skip

    document = make(closing)
    lines = {table.section: list(table.rows()) for table in document.tables}
    assert len(lines["movement"]) + len(lines["adjustment"]) == len(moved)
    assert sum((row[2] for row in lines["summary"]), D(0)) == sum(
        (each.amount for each in moved if each.asset == "USD"), D(0)
    )
    if error:
        with pytest.raises(DoesNotAddUp, match="USD"):
            make(wrong)


def sale(quantity, cost, proceeds, **more):
    return Sale("AAPL", AT, AT, D(quantity), D(cost), D(proceeds), is_long_term=False, **more)


def test_of_a_short_sale_the_proceeds_are_what_it_brought():
    counts = tax.taxed(sale("-10", "-1000", "-900"))
    assert (counts.proceeds, counts.cost, counts.gain) == (1000, 900, 100)


def test_a_washed_loss_does_not_count():
    counts = tax.taxed(sale("10", "1000", "900", disallowed=D(40)))
    assert (counts.disallowed, counts.gain) == (40, -60)


@given(
    costs=st.lists(st.decimals(min_value="0.01", max_value=10**5, places=2), min_size=1),
    washed=st.decimals(min_value=0, max_value=10**5, places=2),
)
def test_what_was_added_to_a_lot_counts_once_however_it_is_sold(costs, washed):
    total, before, added = sum(costs), D(0), D(0)
    for cost in costs:
        sold = sale("1", cost, "0", washed_in=washed, lot_cost=total, cost_before=before)
        added += tax.taxed(sold).cost - cost
        before += cost
    assert added == washed
