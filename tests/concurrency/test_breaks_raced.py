"""Comparisons, approvals and files at the same time: one break, one correction, one file."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.approvals import UnableToApprove
from accounts.models import Approval
from portfolio.models import Balance, Transfer
from reconciliation import comparing
from reconciliation.breaks import keeping, working
from reconciliation.breaks.models import Break, BreakStep
from reconciliation.breaks.working import UnableToResolve
from reconciliation.venue_statements import services as statements
from reconciliation.venue_statements.models import StatementFile, StatementSource
from tests import people, world
from tests.patience import until
from tests.racing import at_once, on_its_own, waiting

pytestmark = pytest.mark.usefixtures("committed")
D = Decimal
DAY = date(2026, 3, 4)
EVENING = datetime.fromisoformat("2026-03-05T00:30:00-05:00")
BANK = "first-bank"
STRAY = b"""record,id,date,amount,currency,reference
account,12345,,,,
opening,,,0,USD,
entry,B2,2026-03-04,250.00,USD,who is it
closing,,2026-03-04,250.00,USD,
"""


@pytest.fixture(autouse=True)
def _bank(committed):
    StatementSource.objects.create(name=BANK, kind="bank", account="12345")


def take() -> bool:
    _, is_new = statements.take(
        name=BANK, day=DAY, content=STRAY, file_name="a.csv", actor="operator:test", now=EVENING
    )
    return is_new


def compare() -> int:
    made: int = comparing.compare(BANK, day=DAY, now=EVENING).new
    return made


def done(step: Callable[[], object]) -> Callable[[], bool]:
    """Return the step as one that tells whether it could be taken."""

    def take_it() -> bool:
        try:
            step()
        except (UnableToResolve, UnableToApprove):
            return False
        return True

    return take_it


@pytest.fixture
def row() -> Break:
    take()
    compare()
    return Break.objects.get()


def steps(row: Break) -> list[str]:
    return [step.kind for step in BreakStep.objects.filter(found=row).order_by("number")]


def test_the_same_file_handed_in_at_once_is_kept_once():
    assert sum(at_once(*[take] * 8)) == 1
    assert StatementFile.objects.count() == 1


def test_comparisons_at_once_find_one_break():
    take()
    assert sum(at_once(*[compare] * 6)) == 1
    [row] = Break.objects.all()
    assert steps(row) == ["found"]


def test_corrections_asked_for_at_once_are_one(row):
    def ask(by):
        return done(
            lambda: working.ask_to_correct(
                row.pk, amount=D("250.00"), account="bank", by=by, reason="Seen", now=EVENING
            )
        )

    assert sum(at_once(*(ask(people.person(is_staff=True)) for _ in range(6)))) == 1
    assert Approval.objects.count() == 1
    assert steps(row) == ["found", "asked"]


def test_a_correction_that_everybody_approves_is_booked_once(row):
    account = world.customer(cash="10.00")
    asker = people.person(is_staff=True)
    asked = working.ask_to_correct(
        row.pk, amount=D("250.00"), account=str(account.pk), by=asker, reason="Hers", now=EVENING
    )

    def approve(by):
        return done(lambda: working.approve(asked.pk, by=by, reason="Yes", now=EVENING))

    others = [people.person(is_staff=True) for _ in range(7)]
    assert sum(at_once(*(approve(by) for by in [asker, *others]))) == 1
    assert Transfer.objects.filter(kind="correction").count() == 1
    assert Balance.objects.get(account=account, asset="USD").amount == D("260.00")
    row.refresh_from_db()
    assert (row.state, row.rule) == ("resolved", "corrected")
    assert steps(row) == ["found", "asked", "corrected"]


def test_a_comparison_beside_an_approval_neither_doubles_nor_undoes_it(row):
    asker, other = people.person(is_staff=True), people.person(is_staff=True)
    asked = working.ask_to_correct(
        row.pk, amount=D("250.00"), account="bank", by=asker, reason="Seen", now=EVENING
    )
    approve = done(lambda: working.approve(asked.pk, by=other, reason="", now=EVENING))
    assert at_once(approve, compare, compare)[0] is True
    compare()
    [still] = Break.objects.all()
    assert (still.pk, still.state, still.rule) == (row.pk, "resolved", "corrected")
    assert Transfer.objects.filter(kind="correction").count() == 1


def test_what_people_have_resolved_meanwhile_stays_as_they_have(row):
    """A comparison that does not find it any more has looked before they were done."""
    one, two = people.person(is_staff=True), people.person(is_staff=True)
    working.explain(row.pk, by=one, reason="Theirs", now=EVENING)

    def find_nothing() -> None:
        keeping.keep(source=BANK, found=[], on=DAY, days={DAY}, kinds={"line"}, now=EVENING)

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            working.accept(row.pk, by=two, reason="Yes", now=EVENING)
            comparing_it = threads.submit(on_its_own, find_nothing)
            until(lambda: comparing_it.done() or waiting() == 1)
        comparing_it.result()
    row.refresh_from_db()
    assert (row.state, row.rule) == ("resolved", "accepted")
    assert steps(row) == ["found", "explained", "accepted"]


def test_an_explanation_is_accepted_or_refused_never_both(row):
    one, two, three = (people.person(is_staff=True) for _ in range(3))
    working.explain(row.pk, by=one, reason="Theirs", now=EVENING)
    took = at_once(
        done(lambda: working.accept(row.pk, by=two, reason="", now=EVENING)),
        done(lambda: working.refuse(row.pk, by=three, reason="No", now=EVENING)),
    )
    assert sum(took) == 1
    row.refresh_from_db()
    assert row.state == ("resolved" if took[0] else "open")
    assert steps(row) == ["found", "explained", "accepted" if took[0] else "refused"]
