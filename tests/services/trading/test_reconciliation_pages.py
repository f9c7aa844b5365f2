"""Operations see the reconciliation of a day, work breaks in the admin, and take its evidence."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import Approval
from marketdata import calendars
from portfolio.models import Transfer
from reconciliation import tasks
from reconciliation.bank import plain_file
from reconciliation.breaks import keeping
from reconciliation.breaks.models import Break, Comparison
from reconciliation.records import Break as Found
from reconciliation.records import BreakType
from reconciliation.venue_statements.models import StatementFile, StatementSource
from tests import people, world
from tests.staff import member
from trading.operations.staff_roles import StaffRole

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 4)


def operator():
    return member(StaffRole.OPERATIONS)


@pytest.fixture
def row(db):
    world.instrument()
    account = world.customer(cash="0")
    facts = {"line": "B2", "reference": "=cmd|' /C calc'!A0"}
    found = Found(
        BreakType.MISSING_HERE, "line:B2", DAY, {}, facts, "USD", Decimal(250), Decimal(250)
    )
    keeping.keep(
        source="first-bank", found=[found], on=DAY, days={DAY}, kinds={"line"},
        now=timezone.now(), accounts={"line:B2": account.pk},
    )  # fmt: skip
    counts = {"line": {"ours": 1, "theirs": 2, "agreed": 1, "explained": 0, "broken": 1}}
    Comparison.objects.create(
        source="first-bank", day=DAY, is_final=True, at=timezone.now(), counts=counts, new=1,
        resolved=0,
    )  # fmt: skip
    return Break.objects.get()


def step(browser, row, **told):
    return browser.post(reverse("admin:reconciliation_break_change", args=[row.pk]), {
        "steps-TOTAL_FORMS": "0", "steps-INITIAL_FORMS": "0", **told
    })  # fmt: skip


def test_the_page_of_a_day_shows_sources_counts_and_breaks(row):
    browser = people.browser_of(operator())
    page = browser.get("/admin/reconciliation-of/2026-03-04/").content.decode()
    assert "first-bank" in page
    assert reverse("admin:reconciliation_break_change", args=[row.pk]) in page
    assert browser.get("/admin/reconciliation-of/").status_code == 200
    assert browser.get("/admin/reconciliation-of/nonsense/").status_code == 404


def test_an_empty_day_says_so(db):
    browser = people.browser_of(operator())
    assert (
        "Nothing is broken on this day."
        in browser.get("/admin/reconciliation-of/2026-03-03/").content.decode()
    )


def test_the_evidence_has_no_formulas_and_is_the_same_again(row):
    browser = people.browser_of(operator())
    where = "/admin/reconciliation-of/2026-03-04"
    told = b"".join(browser.get(f"{where}/csv/").streaming_content).decode()
    lines = list(csv.DictReader(io.StringIO(told)))
    assert [line["record"] for line in lines] == ["count", "break", "step"]
    assert not [cell for line in lines for cell in line.values() if cell.startswith("=")]
    paper = browser.get(f"{where}/pdf/").content
    assert paper.startswith(b"%PDF-")
    assert paper == browser.get(f"{where}/pdf/").content
    assert browser.get(f"{where}/exe/").status_code == 404


def test_a_break_is_corrected_by_two_in_the_admin(row):
    one, another = operator(), operator()
    browser = people.browser_of(one)
    shown = browser.get(reverse("admin:reconciliation_break_change", args=[row.pk])).content
    assert b"They say" in shown
    step(browser, row, step="correct", note="The bank has it", entry="bank", amount="250.00")
    row.refresh_from_db()
    assert row.state == "resolving"
    page = people.browser_of(another)
    waiting = page.get(reverse("operations:approvals"))
    assert b"Correct our books for a break" in waiting.content
    [approval] = [each["approval"] for each in waiting.context["shown"]]
    where = reverse("operations:approval", args=[approval.pk])
    browser.post(where, {"outcome": "approve"})
    assert not Transfer.objects.exists()
    page.post(where, {"outcome": "approve"})
    row.refresh_from_db()
    assert (row.state, Transfer.objects.get().amount) == ("resolved", 250)


def test_a_correction_that_is_refused_on_the_page_leaves_the_break_to_people(row):
    one, another = operator(), operator()
    told = {"step": "correct", "note": "Theirs", "entry": "bank", "amount": "250.00"}
    step(people.browser_of(one), row, **told)
    asked = Approval.objects.get(subject=str(row.pk))
    page = people.browser_of(another)
    where = reverse("operations:approval", args=[asked.pk])
    said = page.post(where, {"outcome": "refuse", "reason": "Not ours"}, follow=True)
    assert "Refused: nothing was changed." in said.content.decode()
    row.refresh_from_db()
    assert (row.state, row.steps.last().note) == ("open", "Not ours")
    assert not Transfer.objects.filter(kind="correction").exists()
    assert tasks.let_corrections_lapse() == 0


def test_an_explanation_is_not_accepted_by_who_gave_it(row):
    browser = people.browser_of(operator())
    step(browser, row, step="explain", note="It is theirs")
    step(browser, row, step="accept", note="Yes")
    row.refresh_from_db()
    assert row.state == "explained"


def test_the_list_of_breaks_can_be_filtered(row):
    browser = people.browser_of(operator())
    where = reverse("admin:reconciliation_break_changelist")
    its_page = reverse("admin:reconciliation_break_change", args=[row.pk]).encode()
    assert its_page in browser.get(where).content
    assert its_page in browser.get(where, {"age": "7"}).content
    assert its_page not in browser.get(where, {"waiting": "mine"}).content
    assert its_page not in browser.get(where, {"waiting": "resolved"}).content


def test_a_file_is_taken_in_the_admin_and_a_bad_one_is_not(db):
    StatementSource.objects.create(name="first-bank", kind="bank", account="12345")
    browser = people.browser_of(operator())
    where = reverse("admin:reconciliation_statementfile_add")
    good = ",".join(plain_file.HEADER) + (
        "\naccount,12345,,,,\nopening,,,0,USD,\nclosing,,2026-03-04,0,USD,\n"
    )
    for content, kept in ((good.replace(",0,USD", ",1,USD", 1), 0), (good, 1)):
        file = SimpleUploadedFile("day.csv", content.encode())
        browser.post(where, {"sent_by": "first-bank", "day": "2026-03-04", "file": file})
        assert StatementFile.objects.count() == kept


def test_today_is_compared_so_far_without_a_statement(db):
    assert tasks.compare_so_far() == 0
    today = calendars.date_of(timezone.now())
    made = Comparison.objects.get()
    assert (made.source, made.is_final) == ("openfloor-exchange", False)
    assert abs(made.day - today) <= timedelta(days=1)
