"""Breaks of the bank: found by reference, explained, corrected by two, refused, lapsed."""

from datetime import timedelta

import pytest

from accounts import approvals
from accounts.letters import writing
from accounts.letters.models import Letter
from accounts.models import Account
from portfolio.models import LedgerAccount, Transfer
from reconciliation.breaks import asked as asked_for
from reconciliation.breaks import keeping, working
from reconciliation.breaks.models import Break
from reconciliation.breaks.working import UnableToResolve
from tests.services.reconciliation.handed_in import (
    BANK,
    DAY,
    EVENING,
    D,
    a_stray_line,
    bank,
    broken,
    compare,
    found,
    operators,
    take,
)

pytestmark = pytest.mark.django_db


def test_a_deposit_is_found_by_its_reference(owner):
    take(BANK, bank("entry,B1,2026-03-04,100000.00,USD,ACH OPENING", closing="100000"))
    compare(BANK)
    assert found() == []


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
