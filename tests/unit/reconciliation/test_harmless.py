"""Which breaks need nobody, which are urgent, and what is the same break: where the bounds lie."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from reconciliation.breaks import ageing, harmless
from reconciliation.breaks.ageing import Standing
from reconciliation.records import Break, BreakType
from risk.findings import Severity

D = Decimal
DAY = date(2026, 3, 2)
NOTICE, WARNING, SEVERE = Severity.NOTICE, Severity.WARNING, Severity.SEVERE


def found(kind: BreakType, *, key: str = "execution:T1", **told: object) -> Break:
    return Break(kind, key, DAY, {}, {}, "USD", **{"difference": D(1), **told})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (found(BreakType.LATE, days_late=4), "late_then_matched"),
        (found(BreakType.LATE, days_late=5), None),
        (found(BreakType.PRICE, value=D("0.009999999")), "below_a_cent"),
        (found(BreakType.PRICE, value=D("0.01")), None),
        (found(BreakType.CASH, value=D("0.009999999")), "below_a_cent"),
        (found(BreakType.CASH, value=D("0.01")), None),
        (found(BreakType.QUANTITY, value=D("0.001")), None),
        (found(BreakType.FEE, value=D("0.01")), "fee_rounded"),
        (found(BreakType.FEE, value=D("0.010000001")), None),
        (found(BreakType.POSITION, is_timing=True), "settlement_timing"),
        (found(BreakType.POSITION), None),
    ],
)
def test_a_rule_holds_up_to_its_bound(one, rule):
    held = harmless.rule_of(one)
    assert (held.code if held else None) == rule


@pytest.mark.parametrize(
    ("kind", "key", "value", "age", "severity"),
    [
        (BreakType.PRICE, "execution:T1", "9999.99", 0, WARNING),
        (BreakType.PRICE, "execution:T1", "10000", 0, SEVERE),
        (BreakType.PRICE, "execution:T1", "1", 2, WARNING),
        (BreakType.PRICE, "execution:T1", "1", 3, SEVERE),
        (BreakType.FEE, "fee:O1", "1", 0, NOTICE),
        (BreakType.FEE, "fee:O1", "1", 1, WARNING),
        (BreakType.MISSING_THERE, "line:1", "99999", 4, NOTICE),
        (BreakType.MISSING_THERE, "line:1", "99999", 5, SEVERE),
        (BreakType.BOOKS, "invariant:13:-:x", "0", 0, SEVERE),
    ],
)
def test_a_break_is_as_urgent_as_its_kind_value_and_age(kind, key, value, age, severity):
    assert harmless.severity(kind=kind, key=key, value=D(value), age_days=age) is severity


def known(*, is_open: bool, rule: str = "", difference: str = "1") -> Standing:
    return Standing(
        1, "execution:T1", BreakType.QUANTITY, DAY, D(difference), D(0), is_open, DAY, rule
    )


@pytest.mark.parametrize(
    ("before", "days_later", "becomes"),
    [
        (None, 0, "new"),
        (known(is_open=True), 1, "again"),
        (known(is_open=True, difference="2"), 1, "other"),
        (known(is_open=False, rule="accepted"), 14, "again"),
        (known(is_open=False, rule="accepted"), 15, "new"),
        (known(is_open=False, rule="accepted", difference="2"), 1, "new"),
        (known(is_open=False, rule="gone"), 1, "new"),
    ],
)
def test_what_is_found_is_new_the_same_again_or_another(before, days_later, becomes):
    one = found(BreakType.QUANTITY)
    standing = {one.key: before} if before else {}
    made = ageing.changes(
        [one], standing, on=DAY + timedelta(days=days_later), days={DAY}, kinds={"execution"}
    )
    told = {name: len(getattr(made, name)) for name in ("new", "again", "other", "gone")}
    assert told == {**dict.fromkeys(told, 0), becomes: 1}


@pytest.mark.parametrize(
    ("on", "days", "kinds", "is_gone"),
    [
        (DAY, {DAY}, {"execution"}, True),
        (DAY, {DAY}, {"position"}, False),
        (DAY, {DAY + timedelta(days=1)}, {"execution"}, False),
        (DAY - timedelta(days=1), {DAY}, {"execution"}, False),
    ],
)
def test_what_is_not_found_is_gone_only_where_it_was_looked_for(on, days, kinds, is_gone):
    standing = {"execution:T1": known(is_open=True)}
    made = ageing.changes([], standing, on=on, days=days, kinds=kinds)
    assert bool(made.gone) is is_gone
