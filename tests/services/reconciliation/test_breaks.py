"""Statements are taken whole or not at all and held against our books; two resolve breaks."""

import hashlib
from datetime import date, timedelta

import pytest

from orders.models import Trade
from reconciliation import comparing
from reconciliation.breaks import keeping
from reconciliation.breaks.models import Break, Comparison
from reconciliation.invariants import Breach, Finding, check_invariants
from reconciliation.others import BadStatement
from reconciliation.venue_statements.models import StatementFile
from risk.models import Alert
from tests.services.reconciliation.handed_in import (
    BANK,
    CUSTODIAN,
    DAY,
    EVENING,
    D,
    a_stray_line,
    bank,
    compare,
    custody,
    found,
    reconcile,
    take,
    trade,
)

pytestmark = pytest.mark.django_db


# --- Taking ------------------------------------------------------------------------------------


def test_a_statement_is_kept_to_the_byte_once(owner):
    content = custody(trade())
    kept, is_new = take(CUSTODIAN, content)
    again, is_again = take(CUSTODIAN, content)
    assert (kept, is_new, is_again) == (again, True, False)
    assert bytes(kept.content) == content
    assert kept.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("spoil", "code", "line"),
    [
        (lambda c: c.replace(b"record,id", b"record,ID"), "bad_header", 1),
        (lambda c: c.replace(b"day,2026-03-04", b"day,2026-03-05"), "other_day", 3),
        (lambda c: c.replace(b"OF-1", b"OF-2"), "other_account", 0),
        (lambda c: c.replace(b",AAPL,buy,10", b",AAPL,buy,1e1"), "bad_number", 7),
        (lambda c: c.replace(b",AAPL,buy,10", b",AAPL,hold,10"), "unknown_word", 7),
        (lambda c: c.replace(b"tells,trades", b"tells,cash"), "not_told", 7),
        (lambda c: c[: c.rindex(b"end")], "cut_off", 10),
        (lambda c: c.replace(b"end,8", b"end,9"), "cut_off", 10),
        (lambda c: c + b"cash,,,,,,,,,,traded,1\n", "after_end", 11),
        (lambda c: c.replace(b"AAPL", b"\xff\xfe", 1), "not_utf8", 7),
        (lambda c: c.replace(b"AAPL", b"A\0", 1), "not_text", 7),
    ],
)
def test_of_a_bad_file_nothing_is_taken_and_its_line_is_named(owner, spoil, code, line):
    content = spoil(custody(trade()))
    with pytest.raises(BadStatement) as refused:
        take(CUSTODIAN, content)
    assert (refused.value.code, refused.value.line) == (code, line)
    assert not StatementFile.objects.exists()


def test_nobody_unknown_sends_statements(sources):
    with pytest.raises(BadStatement, match="unknown_source"):
        take("nobody", custody())


# --- Comparing ---------------------------------------------------------------------------------


def test_what_agrees_is_counted_and_no_break(owner):
    take(CUSTODIAN, custody(trade()))
    made = compare(CUSTODIAN)
    assert found() == []
    assert made.counts["execution"] == {
        "ours": 1, "theirs": 1, "agreed": 1, "explained": 0, "broken": 0
    }  # fmt: skip
    assert made.counts["position"]["agreed"] == made.counts["cash"]["agreed"] == 1


def test_a_missing_fill_is_one_break_though_position_and_cash_differ_too(owner):
    take(CUSTODIAN, custody(position="", cash="0"))
    made = compare(CUSTODIAN)
    [row] = Break.objects.all()
    assert (row.type, row.subject) == ("missing_there", Trade.objects.get().execution_id)
    assert (row.account, row.instrument.symbol, row.value) == (owner, "AAPL", 1000)
    assert (row.difference, row.cash, row.severity) == (-10, 1000, 2)
    assert made.counts["position"]["explained"] == made.counts["cash"]["explained"] == 1
    alert = Alert.objects.get(kind=keeping.ALERT)
    assert alert.account == owner
    assert "missing there" in alert.summary


def test_the_same_break_ages_and_is_gone_when_it_is(owner):
    wrong = custody(position="", cash="0")
    take(CUSTODIAN, wrong)
    compare(CUSTODIAN)
    compare(CUSTODIAN)
    [first] = Break.objects.all()
    assert first.steps.count() == 1
    following = DAY + timedelta(days=1)
    take(CUSTODIAN, custody(day=following, position="", cash="0"), day=following)
    compare(CUSTODIAN, day=following)
    [aged] = Break.objects.all()
    assert (aged.pk, aged.day, aged.found_on) == (first.pk, DAY, following)
    take(CUSTODIAN, custody(trade()))
    take(CUSTODIAN, custody(day=following), day=following)
    compare(CUSTODIAN, day=following)
    [gone] = Break.objects.all()
    assert (gone.state, gone.rule) == ("auto_resolved", "gone")
    assert [step.kind for step in gone.steps.all()] == ["found", "resolved"]


def test_a_fill_that_is_told_the_next_day_is_late_and_harmless(owner):
    take(CUSTODIAN, custody(position="", cash="0"))
    compare(CUSTODIAN)
    following = DAY + timedelta(days=1)
    late = trade().replace("2026-03-04T17", "2026-03-05T17")
    take(CUSTODIAN, custody(late, day=following), day=following)
    compare(CUSTODIAN, day=following)
    [row] = Break.objects.all()
    assert (row.type, row.state, row.rule) == ("late", "auto_resolved", "late_then_matched")
    assert [step.kind for step in row.steps.all()] == ["found", "changed", "resolved"]
    compare(CUSTODIAN, day=following)
    assert Break.objects.count() == 1


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"quantity": "11"}, "quantity"),
        ({"price": "100.01"}, "price"),
    ],
)
def test_another_quantity_or_price_is_a_break(owner, record, kind):
    told = {"quantity": "10", "price": "100", **record}
    cash = -D(told["quantity"]) * D(told["price"])
    take(CUSTODIAN, custody(trade(**told), position=told["quantity"], cash=cash))
    compare(CUSTODIAN)
    assert [row.type for row in Break.objects.all()] == [kind]


def test_a_position_that_nothing_explains_is_a_break(owner):
    take(CUSTODIAN, custody(trade(), position="9"))
    compare(CUSTODIAN)
    [row] = Break.objects.all()
    assert (row.type, row.difference, row.asset) == ("position", -1, "AAPL")


def test_a_statement_that_does_not_come_is_a_break_until_it_does(owner):
    with pytest.raises(comparing.NotComparable):
        compare(CUSTODIAN)
    assert found() == [("missing_there", "statement", "open")]
    take(CUSTODIAN, custody(trade()))
    compare(CUSTODIAN)
    assert found() == [("missing_there", "statement", "auto_resolved")]


def test_a_statement_that_comes_too_late_for_its_day_is_compared_with_the_next(owner):
    following = DAY + timedelta(days=1)
    assert reconcile(DAY, EVENING).startswith("0 compared, 2 missing")
    take(CUSTODIAN, custody(trade(price="100.01"), cash="-1000.10"))
    take(CUSTODIAN, custody(day=following, cash="-1000.10"), day=following)
    tomorrow = EVENING + timedelta(days=1)
    assert reconcile(following, tomorrow).startswith("2 compared, 1 missing")
    assert reconcile(following, tomorrow).startswith("1 compared, 1 missing")
    compared = Comparison.objects.filter(source=CUSTODIAN, is_final=True).order_by("day")
    assert list(compared.values_list("day", flat=True)) == [DAY, following]
    of_theirs = Break.objects.filter(source=CUSTODIAN).order_by("pk")
    assert [(row.type, row.day, row.rule) for row in of_theirs] == [
        ("missing_there", DAY, "gone"), ("price", DAY, "")
    ]  # fmt: skip


def test_a_statement_that_never_comes_stays_a_break_and_ages(owner):
    assert reconcile(DAY, EVENING).startswith("0 compared, 2 missing")
    for days in (1, 2):
        later = DAY + timedelta(days=days)
        take(CUSTODIAN, custody(day=later), day=later)
        reconcile(later, EVENING + timedelta(days=days))
        row = Break.objects.get(source=CUSTODIAN, key=f"statement:{DAY}")
        assert (row.state, row.found_on) == ("open", later)
    take(CUSTODIAN, custody(trade()))
    reconcile(later, EVENING + timedelta(days=2))
    row.refresh_from_db()
    assert (row.state, row.rule) == ("auto_resolved", "gone")


def test_what_a_statement_does_not_tell_of_is_not_gone(owner):
    take(CUSTODIAN, custody(trade(), position="9"))
    compare(CUSTODIAN)
    following = DAY + timedelta(days=1)
    take(
        CUSTODIAN, custody(day=following, position="", tells=("trades", "cash")), day=following
    )  # fmt: skip
    compare(CUSTODIAN, day=following)
    assert found() == [("position", "position", "open")]


def test_no_statement_is_expected_when_the_market_is_closed(sources):
    sunday = date(2026, 3, 8)
    with pytest.raises(comparing.NotComparable):
        compare(CUSTODIAN, day=sunday)
    assert found() == []


# --- Through the day, and our own books --------------------------------------------------------


def test_our_own_books_become_breaks_and_are_gone_when_they_agree(owner):
    flaw = Finding(13, "balances", (Breach(owner.pk, "USD: 1, transfers say 2"),))
    keeping.keep_findings([flaw], on=DAY, now=EVENING)
    [row] = Break.objects.all()
    assert (row.type, row.account, row.severity) == ("books", owner, 3)
    keeping.keep_findings([], on=DAY, now=EVENING)
    row.refresh_from_db()
    assert (row.state, row.rule) == ("auto_resolved", "gone")


def fourteen():
    return [len(each.breaches) for each in check_invariants(now=EVENING) if each.number == 14]


def test_what_lies_at_the_bank_is_what_is_owed_or_a_break(owner):
    a_stray_line(owner)
    assert fourteen() == [0, 0], "the difference is a break"
    Break.objects.update(difference=D("249.99"))
    assert fourteen() == [1, 0]


def test_a_statement_that_nobody_compares_is_found(owner):
    take(BANK, bank(closing="0"))
    assert fourteen() == [0, 0]
    StatementFile.objects.create(
        source=BANK, day=date(2026, 3, 2), format="bank-csv", sha256="0" * 64, content=b"", size=0,
        lines=0, taken_at=EVENING - timedelta(days=2, seconds=1), taken_by="operator:test",
    )  # fmt: skip
    assert fourteen() == [0, 1]
