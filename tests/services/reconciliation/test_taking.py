"""A file of others comes in by a command or a page: taken whole, or nothing of it."""

from __future__ import annotations

from datetime import date
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.html import escape

from reconciliation.venue_statements import services as statements
from reconciliation.venue_statements.models import StatementFile, StatementSource
from tests import people
from tests.bank_files import BANK, CUSTODIAN, VERSION_2
from tests.staff import member
from trading.operations.staff_roles import StaffRole
from venues import outbox

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 4)


@pytest.fixture(autouse=True)
def sources(db):
    StatementSource.objects.create(name="first-bank", kind="bank", account="12345")
    StatementSource.objects.create(
        name="street", kind="custodian", venue=outbox.EMBEDDED, account="OF-1"
    )


@pytest.fixture
def taking(tmp_path):
    """Take a file by the command, as somebody in a shell does; return what it says."""

    def take(content: str, source: str, day: str = "2026-03-04") -> str:
        file, said = tmp_path / "sent.dat", StringIO()
        file.write_text(content, newline="")
        call_command("take_statement", file, "--from", source, "--day", day, stdout=said)
        return said.getvalue()

    return take


@pytest.mark.parametrize(
    ("source", "content", "form", "lines"),
    [
        ("first-bank", BANK, "bank-csv", 5),
        ("first-bank", f"\ufeff\n{VERSION_2[VERSION_2.index('<Document') :]}", "camt.053", 7),
        ("street", CUSTODIAN, "csv", 12),
    ],
)
def test_a_file_is_taken_once_by_the_command(taking, source, content, form, lines):
    said = taking(content, source)
    [kept] = StatementFile.objects.all()
    assert said == f"{kept}: {lines} lines, taken. SHA-256 {kept.sha256}\n"
    assert (kept.source, kept.day, kept.format, kept.file_name) == (source, DAY, form, "sent.dat")
    assert (kept.taken_by, bytes(kept.content)) == ("operator:console", content.encode())
    assert statements.read(kept).lines == lines
    assert "was here already" in taking(content, source)
    assert StatementFile.objects.count() == 1


@pytest.mark.parametrize(
    ("source", "content", "day", "said"),
    [
        ("nobody", BANK, "2026-03-04", "[unknown_source]"),
        ("first-bank", BANK, "2026-03-05", "Line 4: The entry is not of 2026-03-05."),
        ("first-bank", BANK, "4 March", "--day must be a date"),
        ("first-bank", BANK.replace("12345", "54321"), "2026-03-04", "[other_account]"),
        ("first-bank", BANK.replace("1209.50", "1209.51"), "2026-03-04", "[balance_differs]"),
        ("first-bank", VERSION_2.replace("1459.50", "1459.51"), "2026-03-04", "[balance_differs]"),
        ("first-bank", VERSION_2.replace(">12345<", ">54321<"), "2026-03-04", "[other_account]"),
        ("first-bank", VERSION_2[:-20], "2026-03-04", "[bad_xml]"),
        ("first-bank", CUSTODIAN, "2026-03-04", "[bad_header]"),
        ("street", BANK, "2026-03-04", "[bad_header]"),
        ("street", VERSION_2, "2026-03-04", "[bad_header]"),
        ("street", CUSTODIAN.replace("end,11", "end,10"), "2026-03-04", "Line 13: "),
    ],
)
def test_of_a_bad_file_the_command_takes_nothing(taking, source, content, day, said):
    with pytest.raises(CommandError) as error:
        taking(content, source, day)
    assert said in str(error.value)
    assert not StatementFile.objects.exists()


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command(
            "take_statement", tmp_path / "nothing", "--from", "first-bank", "--day", "2026-03-04"
        )


def in_force() -> str:
    [kept] = statements.latest("first-bank", frozenset({DAY})).values()
    return bytes(kept.content).decode()


CORRECTED = BANK.replace("-40.50", "-40.00").replace("1209.50", "1210.00")


def test_of_several_files_of_a_day_the_one_that_was_sent_last_counts(taking):
    for content in (BANK, CORRECTED, BANK):
        assert ", taken." in taking(content, "first-bank")
        assert in_force() == content
    assert "was here already" in taking(BANK, "first-bank")
    assert StatementFile.objects.count() == 3, "each sending is kept"


def made_at(content: str, at: str) -> str:
    """Return the file with the time at which the bank says that it made it."""
    if content.startswith("<"):
        return content.replace("2026-03-05T04:10:00-05:00", at)
    return content.replace("opening,", f"made,{at},,,,\nopening,", 1)


OTHER_VERSION_2 = VERSION_2.replace("ACCOUNT FEE", "A FEE")


@pytest.mark.parametrize(
    ("first", "second"), [(BANK, CORRECTED), (VERSION_2, OTHER_VERSION_2)], ids=["csv", "camt"]
)
def test_a_file_that_was_made_before_the_one_that_counts_is_refused(taking, first, second):
    older = made_at(first, "2026-03-05T04:10:00-05:00")
    newer = made_at(second, "2026-03-05T09:10:01+00:00")
    taking(older, "first-bank")
    taking(newer, "first-bank")
    with pytest.raises(CommandError, match=r"\[superseded\]"):
        taking(older, "first-bank")
    assert in_force() == newer
    assert StatementFile.objects.count() == 2
    same_moment = made_at(first, "2026-03-05T09:10:01Z")
    taking(same_moment, "first-bank")
    assert in_force() == same_moment


def test_where_a_file_does_not_say_when_it_was_made_the_one_that_was_sent_last_counts(taking):
    dated = made_at(BANK, "2026-03-05T04:10:00-05:00")
    for content in (dated, CORRECTED, made_at(BANK, "2026-03-05T04:00:00-05:00")):
        taking(content, "first-bank")
        assert in_force() == content


# --- In the admin ------------------------------------------------------------------------------


@pytest.fixture
def browser(db):
    return people.browser_of(member(StaffRole.OPERATIONS))


def uploaded(browser, content: str, *, source="first-bank", day="2026-03-04", name="day.csv"):
    file = SimpleUploadedFile(name, content.encode())
    where = reverse("admin:reconciliation_statementfile_add")
    return browser.post(where, {"sent_by": source, "day": day, "file": file}, follow=True)


def test_a_file_is_taken_on_the_page_and_shown_with_who_brought_it(browser):
    shown = uploaded(browser, VERSION_2, name="day.xml").content.decode()
    [kept] = StatementFile.objects.all()
    assert f"{kept} was taken." in shown
    assert (kept.format, kept.file_name, kept.lines) == ("camt.053", "day.xml", 7)
    assert kept.taken_by.startswith("operator:") and kept.taken_by != "operator:console"
    page = browser.get(reverse("admin:reconciliation_statementfile_change", args=[kept.pk]))
    assert kept.sha256 in page.content.decode()
    assert page.context["has_change_permission"] is False
    assert page.context["has_delete_permission"] is False


@pytest.mark.parametrize(
    ("content", "told", "said"),
    [
        (BANK.replace(",250.00,", ",2.5e2,"), {}, "Line 4: "),
        (BANK, {"day": "2026-03-05"}, "[other_day]"),
        (BANK, {"source": "street"}, "[bad_header]"),
        (VERSION_2.replace("<Stmt>", "<!DOCTYPE x><Stmt>"), {}, "[bad_xml]"),
        (BANK.replace("12345", "<script>"), {}, escape("account '<script>'")),
        (BANK, {"source": "nobody"}, "Select a valid choice"),
        (BANK, {"day": "soon"}, "Enter a valid date"),
        ("", {}, "The submitted file is empty"),
    ],
)
def test_of_a_bad_file_the_page_takes_nothing_and_says_why(browser, content, told, said):
    shown = uploaded(browser, content, **told).content.decode()
    assert said in shown
    assert not StatementFile.objects.exists()


def test_who_may_only_look_uploads_nothing(db):
    compliance = people.browser_of(member(StaffRole.COMPLIANCE))
    assert uploaded(compliance, BANK).status_code == 403
    assert not StatementFile.objects.exists()
