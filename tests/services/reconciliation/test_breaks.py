"""Statements are taken whole or not at all and held against our books; two resolve breaks."""

import hashlib
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from accounts import approvals
from accounts.letters import writing
from accounts.letters.models import Letter
from accounts.models import Account
from orders.models import Trade
from portfolio.models import LedgerAccount, Transfer
from reconciliation import comparing
from reconciliation.bank import plain_file as bank_file
from reconciliation.breaks import asked as asked_for
from reconciliation.breaks import jobs, keeping, working
from reconciliation.breaks.models import Break, Comparison
from reconciliation.breaks.working import UnableToResolve
from reconciliation.invariants import Breach, Finding, check_invariants
from reconciliation.others import BadStatement
from reconciliation.venue_statements import plain_file
from reconciliation.venue_statements import services as statements
from reconciliation.venue_statements.models import StatementFile, StatementSource
from risk.models import Alert
from tests import people, world
from venues import outbox

pytestmark = pytest.mark.django_db
D = Decimal
DAY = date(2026, 3, 4)  # a Wednesday
NOON = datetime.fromisoformat("2026-03-04T12:00:00-05:00")
EVENING = datetime.fromisoformat("2026-03-05T00:30:00-05:00")
CUSTODIAN, BANK = "street", "first-bank"


@pytest.fixture
def sources(db):
    StatementSource.objects.create(
        name=CUSTODIAN, kind="custodian", venue=outbox.EMBEDDED, account="OF-1"
    )
    StatementSource.objects.create(name=BANK, kind="bank", account="12345")


@pytest.fixture
def owner(sources):
    """An account with 100,000 USD that has bought ten shares at 100 at noon."""
    with time_machine.travel(NOON, tick=False):
        world.instrument()
        account = world.customer()
        world.own(account, "AAPL", "10", world.Venue(), price="100.00")
    return account


def custody(*records, day=DAY, position="10", cash="-1000", tells=("trades", "positions", "cash")):
    """Return a custodian's file: the records, with what it has in the end."""
    lines = [
        "account,OF-1", f"day,{day}", *(f"tells,{each}" for each in tells), *records,
        *([f"position,,,AAPL,,,,,,,traded,{position}"] if position else []),
        f"cash,,,,,,,,,,traded,{cash}",
    ]  # fmt: skip
    return _file(plain_file.HEADER, [*lines, f"end,{len(lines)}"])


def bank(*entries, opening="0", closing, day=DAY):
    lines = ["account,12345", f"opening,,,{opening},USD", *entries, f"closing,,{day},{closing},USD"]
    return _file(bank_file.HEADER, lines)


def _file(header, lines):
    width = len(header) - 1
    padded = [line + "," * (width - line.count(",")) for line in lines]
    return ("\n".join([",".join(header), *padded]) + "\n").encode()


def trade(of=None, *, quantity="10", price="100", name=None):
    of = of or Trade.objects.get()
    at = of.executed_at.isoformat()
    shown = name or of.execution_id
    return f"trade,{shown},{of.order_id},AAPL,{of.side},{quantity},{price},{at},0"


def take(name, content, day=DAY):
    return statements.take(
        name=name, day=day, content=content, file_name="a.csv", actor="operator:test", now=EVENING
    )


def reconcile(day, now):
    """Reconcile as the day's job does, without the exchange's file; return what it says."""
    return jobs.reconcile(day=day, now=now, progress=lambda done, of: None)


def compare(name, day=DAY, now=EVENING):
    return comparing.compare(name, day=day, now=now)


def found():
    return [
        (row.type, row.key.partition(":")[0], row.state) for row in Break.objects.order_by("pk")
    ]


def broken():
    return [each for each in check_invariants(now=timezone.now()) if each.breaches and each.halts]


def operators(count=2):
    return [people.person(is_staff=True) for _ in range(count)]


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


# --- The bank ----------------------------------------------------------------------------------


def test_a_deposit_is_found_by_its_reference(owner):
    take(BANK, bank("entry,B1,2026-03-04,100000.00,USD,ACH OPENING", closing="100000"))
    compare(BANK)
    assert found() == []


def a_stray_line(owner):
    entries = (
        "entry,B1,2026-03-04,100000.00,USD,opening",
        "entry,B2,2026-03-04,250.00,USD,who is it",
    )
    take(BANK, bank(*entries, closing="100250"))
    compare(BANK)
    return Break.objects.get()


def test_a_line_that_nobody_knows_is_corrected_by_two(owner):
    row = a_stray_line(owner)
    assert (row.type, row.difference, row.value) == ("missing_here", 250, 250)
    one, another = operators()
    asked = working.ask_to_correct(
        row.pk, amount=D("250.00"), account="bank", by=one, reason="The bank has it", now=EVENING
    )
    with pytest.raises(approvals.UnableToApprove):
        working.approve(asked.pk, by=one, reason="", now=EVENING)
    assert not Transfer.objects.filter(kind="correction").exists()
    working.approve(asked.pk, by=another, reason="Seen", now=EVENING)
    entry = Transfer.objects.get(kind="correction")
    assert (entry.debit.kind, entry.credit.kind, entry.amount) == ("bank", "suspense", 250)
    row.refresh_from_db()
    assert (row.state, row.rule) == ("resolved", "corrected")
    following = DAY + timedelta(days=1)
    take(BANK, bank(opening="100250", closing="100250", day=following), day=following)
    compare(BANK, day=following, now=EVENING + timedelta(days=1))
    compare(BANK)
    assert Break.objects.count() == 1
    assert broken() == []


def test_a_correction_may_be_a_customers(owner):
    row = a_stray_line(owner)
    one, another = operators()
    asked = working.ask_to_correct(
        row.pk, amount=D("250.00"), account=str(owner.pk), by=one, reason="Hers", now=EVENING
    )
    working.approve(asked.pk, by=another, reason="", now=EVENING)
    entry = Transfer.objects.get(kind="correction")
    assert (entry.debit.kind, entry.credit.owner) == (LedgerAccount.Kind.SUSPENSE, owner)
    assert broken() == []


@pytest.mark.parametrize(
    ("amount", "account"), [("0", "bank"), ("1.001", "bank"), ("1", "issuer"), ("1", "nobody")]
)
def test_a_correction_that_makes_no_sense_is_refused(owner, amount, account):
    row = a_stray_line(owner)
    [one] = operators(1)
    with pytest.raises(UnableToResolve):
        working.ask_to_correct(
            row.pk, amount=D(amount), account=account, by=one, reason="x", now=EVENING
        )
    row.refresh_from_db()
    assert (row.state, row.steps.count()) == ("open", 1)


def asked_to_correct(row, *, by, now=EVENING):
    return working.ask_to_correct(
        row.pk, amount=D("250.00"), account="bank", by=by, reason="The bank has it", now=now
    )


def nothing_was_booked():
    return not Transfer.objects.filter(kind="correction").exists() and broken() == []


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_refused_correction_leaves_the_break_as_it_was_and_who_asked_is_told(owner, is_taken):
    row = a_stray_line(owner)
    one, another = operators()
    if is_taken:
        working.take(row.pk, by=one, now=EVENING)
    asked = asked_to_correct(row, by=one)
    for reason in ("", "  "):
        with pytest.raises(UnableToResolve):
            working.decline(asked.pk, by=another, reason=reason, now=EVENING)
    row.refresh_from_db()
    assert row.state == "resolving"
    working.decline(asked.pk, by=another, reason="It is another's", now=EVENING)
    row.refresh_from_db()
    before = ("assigned", one) if is_taken else ("open", None)
    assert (row.state, row.assigned_to) == before
    last = row.steps.last()
    assert (last.kind, last.actor, last.note) == (
        "refused", f"operator:{another.pk}", "It is another's"
    )  # fmt: skip
    assert last.facts == {"account": "bank", "amount": "250"}
    assert nothing_was_booked()
    letter = Letter.objects.get(user=one, kind="correction_not_made")
    assert "was refused: It is another's" in writing.read(letter)
    with pytest.raises(approvals.UnableToApprove):
        working.approve(asked.pk, by=another, reason="After all", now=EVENING)
    again = asked_to_correct(row, by=one)
    working.approve(again.pk, by=another, reason="Now", now=EVENING)
    row.refresh_from_db()
    assert (row.state, row.rule) == ("resolved", "corrected")


def test_a_withdrawn_correction_leaves_the_break_as_it_was(owner):
    row = a_stray_line(owner)
    [one] = operators(1)
    asked = asked_to_correct(row, by=one)
    working.decline(asked.pk, by=one, reason="A slip", now=EVENING)
    row.refresh_from_db()
    assert (row.state, row.steps.last().kind) == ("open", "withdrawn")
    assert nothing_was_booked()
    assert not Letter.objects.filter(kind="correction_not_made").exists(), "who did it knows"


def test_a_correction_that_nobody_decides_on_lapses_and_the_break_is_as_it_was(owner):
    row = a_stray_line(owner)
    one, another = operators()
    working.take(row.pk, by=another, now=EVENING)
    asked = asked_to_correct(row, by=one)
    assert working.let_lapse(now=asked.expires_at - timedelta(seconds=1)) == 0
    row.refresh_from_db()
    assert row.state == "resolving"
    assert working.let_lapse(now=asked.expires_at) == 1
    assert working.let_lapse(now=asked.expires_at) == 0
    row.refresh_from_db()
    assert (row.state, row.assigned_to) == ("assigned", another)
    assert [step.kind for step in row.steps.all()] == ["found", "taken", "asked", "lapsed"]
    assert "was not decided on in time" in writing.read(Letter.objects.get(user=one))
    with pytest.raises(approvals.UnableToApprove):
        working.approve(asked.pk, by=another, reason="Late", now=asked.expires_at)
    assert nothing_was_booked()


def test_another_step_after_the_time_lets_the_correction_lapse_first(owner):
    row = a_stray_line(owner)
    [one] = operators(1)
    late = asked_to_correct(row, by=one).expires_at
    working.explain(row.pk, by=one, reason="It is sent back", now=late)
    row.refresh_from_db()
    assert row.state == "explained"
    kinds = [step.kind for step in row.steps.all()]
    assert kinds == ["found", "asked", "lapsed", "explained"]


def close_the_account(owner, row):
    Account.objects.filter(pk=owner.pk).update(status="closed")


def let_it_be_another(owner, row):
    Break.objects.filter(pk=row.pk).update(difference=D("249.00"))


@pytest.mark.parametrize("change", [close_the_account, let_it_be_another])
def test_a_correction_that_cannot_be_carried_out_any_more_books_nothing(owner, change):
    row = a_stray_line(owner)
    one, another = operators()
    asked = working.ask_to_correct(
        row.pk, amount=D("250.00"), account=str(owner.pk), by=one, reason="Hers", now=EVENING
    )
    change(owner, row)
    row.refresh_from_db()
    before, steps = (row.state, row.rule), row.steps.count()
    with pytest.raises(UnableToResolve):
        working.approve(asked.pk, by=another, reason="Yes", now=EVENING)
    row.refresh_from_db()
    assert ((row.state, row.rule), row.steps.count()) == (before, steps)
    assert not Transfer.objects.filter(kind="correction").exists()
    assert approvals.waiting(now=EVENING, kind=asked_for.APPROVAL).get() == asked
    working.decline(asked.pk, by=another, reason="Not any more", now=EVENING)
    row.refresh_from_db()
    assert row.state == ("open" if before[0] == "resolving" else before[0])
    assert row.steps.last().kind == "refused"


def test_the_correction_of_a_break_that_is_gone_waits_for_nobody(owner):
    row = a_stray_line(owner)
    one, another = operators()
    asked = asked_to_correct(row, by=one)
    keeping.keep(source=BANK, found=[], on=DAY, days={DAY}, kinds={"line"}, now=EVENING)
    row.refresh_from_db()
    assert (row.state, row.rule) == ("auto_resolved", "gone")
    assert not approvals.waiting(now=EVENING).exists()
    asked.refresh_from_db()
    assert (asked.decision.outcome, asked.decision.by) == ("over", None)
    letter = Letter.objects.get(user=one, kind="correction_not_needed")
    assert "It is not found any more." in writing.read(letter)
    with pytest.raises(UnableToResolve):
        working.approve(asked.pk, by=another, reason="Yes", now=EVENING)
    with pytest.raises(approvals.UnableToApprove):
        working.decline(asked.pk, by=another, reason="No", now=EVENING)
    assert not Transfer.objects.filter(kind="correction").exists()


def test_money_is_explained_by_one_and_accepted_by_another(owner):
    row = a_stray_line(owner)
    one, another = operators()
    working.take(row.pk, by=one, now=EVENING)
    working.explain(row.pk, by=one, reason="It is sent back tomorrow", now=EVENING)
    row.refresh_from_db()
    assert row.state == "explained"
    with pytest.raises(UnableToResolve):
        working.accept(row.pk, by=one, reason="", now=EVENING)
    working.refuse(row.pk, by=another, reason="Show me", now=EVENING)
    row.refresh_from_db()
    assert (row.state, row.assigned_to) == ("assigned", one)
    working.explain(row.pk, by=one, reason="Here it is", now=EVENING)
    working.accept(row.pk, by=another, reason="Yes", now=EVENING)
    row.refresh_from_db()
    assert (row.state, row.rule) == ("resolved", "accepted")
    assert [step.kind for step in row.steps.all()] == [
        "found", "taken", "explained", "refused", "explained", "accepted"
    ]  # fmt: skip
    later = DAY + timedelta(days=8)
    take(BANK, bank(opening="100250", closing="100250", day=later), day=later)
    compare(BANK, day=later, now=EVENING + timedelta(days=8))
    assert Break.objects.count() == 1, "what was accepted explains the balance from then on"


def test_nothing_is_done_about_what_is_resolved_but_notes(owner):
    row = a_stray_line(owner)
    one, another = operators()
    working.explain(row.pk, by=one, reason="a", now=EVENING)
    working.accept(row.pk, by=another, reason="b", now=EVENING)
    for step in (
        lambda: working.take(row.pk, by=one, now=EVENING),
        lambda: working.explain(row.pk, by=one, reason="x", now=EVENING),
        lambda: working.accept(row.pk, by=another, reason="x", now=EVENING),
    ):
        with pytest.raises(UnableToResolve):
            step()
    working.note(row.pk, by=one, note="It came back on Friday", now=EVENING)
    assert row.steps.count() == 4


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
